from __future__ import annotations

import numpy as np
import pytest

from ax_anasod._ax import experiment_of, strategy_of
from ax_anasod.analysis import FeatureTable, ModelFitPlot, OperationImportancePlot, write_report
from ax_anasod.analysis.model_fit import fit_in_words
from ax_anasod.cells import Cell
from ax_anasod.core import architecture_of
from ax_anasod.experiment import make_client
from ax_anasod.typing import Codes, Values

VALUES = [9.0, 5.0, 7.0, 6.0, 8.0, 5.5, 6.5, 7.5, 8.5, 5.2, 6.2, 7.2]
CELL = Cell("plain", ["conv", "pool", "skip"], num_blocks=5)
NOISE = np.random.default_rng(1).permutation(len(CELL.enumerate())).astype(float)


@pytest.mark.parametrize(
    ("r_squared", "order", "words"),
    [
        (0.9, 0.9, "explains nearly all of the variance"),
        (0.6, 0.7, "explains much of the variance"),
        (0.2, 0.5, "explains some of the variance"),
        (-3.0, 0.6, "orders the cells, but does not explain the size of their values"),
        (0.0, 0.1, "explains nothing here; random search is as good"),
    ],
)
def test_a_fit_in_words(r_squared, order, words):
    assert fit_in_words(r_squared, order) == f"the model {words}"


@pytest.mark.parametrize("strategy", ["anasod-bo", "two-level-bo"])
def test_what_is_predicted_is_in_the_units_of_what_was_seen(run, strategy):
    client = run([1000.0 * value for value in VALUES], strategy, num_initial=10)
    fitted = strategy_of(client).fit(experiment_of(client))
    card = ModelFitPlot(unit="ms").compute(experiment_of(client), None, fitted)
    frame = card.df
    assert sorted(frame["observed"]) == pytest.approx(sorted(1000.0 * v for v in VALUES))
    assert frame["predicted"].between(3000.0, 15000.0).all()
    residual = ((frame["observed"] - frame["predicted"]) ** 2).sum()
    r_squared = 1 - residual / ((frame["observed"] - frame["observed"].mean()) ** 2).sum()
    assert f"R² = {r_squared:.2f} of the values" in card.subtitle
    figure = card.get_figure()
    assert figure.layout.xaxis.title.text == "seen: error [ms]"
    assert figure.layout.yaxis.title.text == "predicted: error [ms]"


def test_the_importance_of_an_operation_is_that_of_its_blocks(small_cell, run):
    """An error that depends on skips alone makes skips the most important."""
    client = run([], "anasod-bo", num_initial=12)
    for _ in range(14):
        ((index, parameters),) = client.get_next_trials(1).items()
        client.complete_trial(index, raw_data={"error": 5.0 + 2.0 * parameters["n_skip"]})
    (card,) = client.compute_analyses([OperationImportancePlot(unit="percent")], display=False)
    frame = card.df
    assert frame["operation"].iloc[0] == "skip"
    assert "skip (standard deviation" in card.subtitle
    assert "percentage points), best with 0 of 4 blocks" in card.subtitle
    skips = frame[frame["operation"] == "skip"]
    assert skips["mean"].is_monotonic_increasing
    for _, rows in frame.groupby("operation"):
        assert rows["share"].sum() == pytest.approx(1.0)
        centre = np.average(rows["mean"], weights=rows["share"])
        spread = np.average((rows["mean"] - centre) ** 2, weights=rows["share"]) ** 0.5
        assert rows["importance"].iloc[0] == pytest.approx(spread)


def error(codes: Codes) -> Values:
    return np.asarray(3.0 + codes @ np.array([1.0, 0.7, 0.5, 0.3, 0.1]))


def noise(codes: Codes) -> Values:
    return NOISE[codes @ 3 ** np.arange(5)]


def test_what_is_right_carries_more_than_noise(tmp_path: object) -> None:
    client = make_client(
        CELL, "two-level-bo", features={"right": lambda c: -error(c), "noise": noise}, num_initial=8
    )
    for index in range(24):
        client.get_next_trials(1)
        code = architecture_of(client, index).code[None]
        client.complete_trial(index, {"error": float(error(code)[0])})
    experiment = experiment_of(client)
    (card,) = FeatureTable().compute(experiment).flatten()
    frame = card.df.set_index("feature")
    assert frame.loc["right", "share"] > frame.loc["noise", "share"]
    assert frame.loc["right", "agreement"] == pytest.approx(-1.0)
    assert frame.loc["right", "warning"] == ""
    assert "no better than chance" in frame.loc["noise", "warning"]
    page = write_report(experiment, strategy_of(client), f"{tmp_path}/report.html", title="x")
    assert "What was known before" in page.read_text()


def test_where_no_trial_had_a_feature() -> None:
    client = make_client(CELL, "two-level-bo", features={"right": error}, num_initial=2)
    for index in range(2):
        client.get_next_trials(1)
        client.complete_trial(index, {"error": 1.0 + index})
    reason = FeatureTable().validate_applicable_state(experiment_of(client))
    assert reason == "No trial was proposed by a model with features."
