from __future__ import annotations

import numpy as np
import pytest

from ax_anasod.analysis import ModelFitPlot, OperationImportancePlot
from ax_anasod.analysis.model_fit import fit_in_words

VALUES = [9.0, 5.0, 7.0, 6.0, 8.0, 5.5, 6.5, 7.5, 8.5, 5.2, 6.2, 7.2]


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
    fitted = client._generation_strategy.fit(client._experiment)
    card = ModelFitPlot(unit="ms").compute(client._experiment, None, fitted)
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
