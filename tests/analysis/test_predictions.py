from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from ax.adapter.registry import Generators
from ax.api.configs import ChoiceParameterConfig
from ax.core.observation import ObservationFeatures
from scipy import stats

from ax_anasod import make_client
from ax_anasod._ax import experiment_of, strategy_of
from ax_anasod.adapter import EncodingAdapter
from ax_anasod.analysis.applicability import CardInput
from ax_anasod.analysis.predictions import SurrogatePlot, predict_encodings
from ax_anasod.analysis.sensitivity import OperationImportancePlot, exchange_frame
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.analysis.slice import DistributionSlicePlot, slice_frame
from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace
from ax_anasod.exceptions import OptionError


def fitted_adapter(experiment, strategy):
    series = SearchSeries.from_experiment(experiment)
    return SurrogatePlot.fitted(CardInput(experiment, series, strategy, None))


@pytest.fixture(scope="module")
def parts(cora_client):
    experiment, strategy = experiment_of(cora_client), strategy_of(cora_client)
    return (
        experiment,
        fitted_adapter(experiment, strategy),
        SearchSeries.from_experiment(experiment),
    )


def test_intervals_are_those_of_the_log_normal_distribution(parts, cora):
    experiment, adapter, series = parts
    encodings = series.counts[:3]
    found = predict_encodings(experiment, adapter, encodings, "valid_error")
    # The surrogate's own posterior, from below the transforms: normal in standardised logs.
    fractions = AnasodSearchSpace.from_cell(cora.cell).rows(series.parameters[:3]) / cora.cell.total
    surrogate = adapter.generator.surrogate
    mean, covariance = surrogate.predict(_tensor(surrogate, fractions))
    transform = adapter.transforms["StandardizeY"]
    scale, shift = transform.Ystd["valid_error"], transform.Ymean["valid_error"]
    centre = mean.numpy()[:, 0] * scale + shift
    width = np.sqrt(covariance.numpy()[:, 0, 0]) * scale
    expected = stats.lognorm(s=width, scale=np.exp(centre))
    np.testing.assert_allclose(found["mean"], expected.mean(), rtol=1e-6)
    np.testing.assert_allclose(found["lower"], expected.ppf(0.025), rtol=1e-4)
    np.testing.assert_allclose(found["upper"], expected.ppf(0.975), rtol=1e-4)


def _tensor(surrogate, array):
    return torch.as_tensor(array, dtype=surrogate.dtype, device=surrogate.device)


def test_intervals_are_symmetric_where_no_logarithm_is_modelled(run):
    values = [3.0, -1.0, 2.0, 0.5, -2.0, 1.0]
    client = run(values, "anasod-bo", num_initial=4, log_targets=False)
    experiment = experiment_of(client)
    adapter = fitted_adapter(experiment, strategy_of(client))
    series = SearchSeries.from_experiment(experiment)
    found = predict_encodings(experiment, adapter, series.counts, "error")
    np.testing.assert_allclose(found["mean"] - found["lower"], found["upper"] - found["mean"])


def test_slice_frame_covers_all_pairs_that_have_blocks(parts, cora):
    experiment, adapter, series = parts
    frame = slice_frame(experiment, adapter, series, "valid_error")
    best = dict(zip(cora.cell.operations, series.counts[series.best()].tolist(), strict=True))
    pairs = {pair for pair in combinations(cora.cell.operations, 2) if sum(map(best.get, pair))}
    lengths = frame.groupby(["more", "less"], sort=False).size()
    assert set(lengths.index) == pairs
    for more, less in pairs:
        rows = frame[(frame["more"] == more) & (frame["less"] == less)]
        shared = best[more] + best[less]
        assert rows["count_more"].tolist() == list(range(shared + 1))
        assert (rows["count_more"] + rows["count_less"] == shared).all()
        assert rows.loc[rows["best"], "count_more"].tolist() == [best[more]]
    assert lengths.is_monotonic_decreasing
    assert (frame["lower"] < frame["mean"]).all()
    assert (frame["mean"] < frame["upper"]).all()
    assert (frame["lower"] > 0).all()


def test_encodings_without_an_architecture_are_left_out(search_cora, cora):
    client = search_cora(12)
    # One block away from the encoding of skips alone, which has no architecture.
    near = {f"n_{operation}": 0 for operation in cora.cell.operations} | {"n_gcn": 1, "n_skip": 3}
    client.complete_trial(client.attach_trial(near), raw_data={"valid_error": 1.0})
    experiment = experiment_of(client)
    adapter = fitted_adapter(experiment, strategy_of(client))
    series = SearchSeries.from_experiment(experiment)
    frame = slice_frame(experiment, adapter, series, "valid_error", ("gcn", "skip"))
    assert frame["count_more"].tolist() == [1, 2, 3, 4]
    exchanges = exchange_frame(experiment, adapter, series, "valid_error")
    moves = set(zip(exchanges["more"], exchanges["less"], strict=True))
    assert ("gcn", "skip") in moves
    assert ("skip", "gcn") not in moves


def test_exchange_frame_measures_from_the_best_encoding(parts, cora):
    experiment, adapter, series = parts
    frame = exchange_frame(experiment, adapter, series, "valid_error")
    best = series.counts[series.best()]
    here = predict_encodings(experiment, adapter, best[None, :], "valid_error")["mean"].iloc[0]
    np.testing.assert_allclose(frame["change"], frame["mean"] - here)
    losers = {name for name, n in zip(cora.cell.operations, best, strict=True) if n}
    assert set(frame["less"]) == losers
    row = frame.iloc[0]
    moved = best.copy()
    moved[cora.cell.operations.index(row["more"])] += 1
    moved[cora.cell.operations.index(row["less"])] -= 1
    there = predict_encodings(experiment, adapter, moved[None, :], "valid_error").iloc[0]
    np.testing.assert_allclose(row[["mean", "lower", "upper"]].astype(float), there)


def why_not(experiment, strategy, adapter=None):
    return OperationImportancePlot().validate_applicable_state(experiment, strategy, adapter)


class TestWhyNot:
    def test_there_are_predictions(self, cora_client):
        experiment, strategy = experiment_of(cora_client), strategy_of(cora_client)
        assert why_not(experiment, strategy) is None
        adapter = fitted_adapter(experiment, strategy)
        assert isinstance(adapter, EncodingAdapter)
        card = OperationImportancePlot("valid_error")
        assert card.validate_applicable_state(experiment, None, adapter) is None

    def test_an_unknown_operation(self, cora_client):
        card = DistributionSlicePlot("gnc", "gat")
        reason = card.validate_applicable_state(
            experiment_of(cora_client), strategy_of(cora_client)
        )
        assert reason == (
            "Cell nas-bench-graph has no operation 'gnc'; it has gat, gcn, gin, cheb, sage, arma, "
            "graph, fc, skip."
        )

    @pytest.mark.parametrize("strategy", ["anasod-random", "random", "anasod-bo"])
    def test_no_surrogate_yet_or_ever(self, run, strategy):
        client = run([1.0, 2.0], strategy)
        reason = why_not(experiment_of(client), strategy_of(client))
        assert "does not support predictions" in reason
        with pytest.raises(OptionError, match="has no surrogate of this package"):
            fitted_adapter(experiment_of(client), strategy_of(client))

    def test_a_surrogate_of_another_kind(self, run):
        experiment = experiment_of(run([1.0, 2.0, 3.0]))
        adapter = Generators.BOTORCH_MODULAR(experiment=experiment)
        reason = why_not(experiment, None, adapter)
        assert reason == (
            "TorchAdapter has no surrogate of this package, as anasod-bo and two-level-bo have."
        )

    def test_no_strategy(self, run):
        reason = why_not(experiment_of(run([1.0])), None)
        assert reason.startswith("Must provide either a GenerationStrategy or an Adapter")


def test_what_is_searched_beside_the_cell_stays_as_in_the_best_trial():
    cell = Cell("mine", operations=["conv", "pool", "skip"], num_blocks=3)
    beside = [ChoiceParameterConfig("width", [8, 16, 32], "int", is_ordered=True)]
    client = make_client(cell, "anasod-bo", parameters=beside, num_initial=5, seed=1)
    for _ in range(6):
        for index, parameters in client.get_next_trials(1).items():
            error = 1.0 + parameters["n_skip"] + abs(parameters["width"] - 16)
            client.complete_trial(index, raw_data={"error": error})
    experiment = experiment_of(client)
    adapter = fitted_adapter(experiment, strategy_of(client))
    series = SearchSeries.from_experiment(experiment)
    arm = experiment.trials[series.trial_indices[series.best("error")]].arms[0].parameters
    frame = slice_frame(experiment, adapter, series, "error")
    at_best = frame[frame["best"]].iloc[0]
    means, _ = adapter.predict([ObservationFeatures(parameters=dict(arm))])
    assert at_best["mean"] == pytest.approx(means["error"][0])
    assert len(exchange_frame(experiment, adapter, series, "error"))


def test_a_model_of_architectures_is_asked_for_draws_of_an_encoding(run, small_cell):
    client = run([5.0, 4.0, 3.0, 4.5, 6.0, 2.0, 7.0], "two-level-bo", num_initial=5)
    experiment = experiment_of(client)
    adapter = fitted_adapter(experiment, strategy_of(client))
    encodings = np.array([[4, 0, 0], [2, 1, 1]])
    found = predict_encodings(experiment, adapter, encodings, "error")
    # One architecture has only convolutions: its prediction is that of the encoding.
    (one,) = client.predict([{f"block_{i}": "conv" for i in range(4)}])
    assert found["mean"][0] == pytest.approx(one["error"][0])
    width = stats.lognorm(s=np.sqrt(np.log1p((one["error"][1] / one["error"][0]) ** 2)))
    assert found["upper"][0] / found["lower"][0] == pytest.approx(width.ppf(0.975) ** 2, rel=1e-3)
    # The other has twelve: their mean, within the error of 32 draws.
    codes = small_cell.enumerate()
    codes = codes[(small_cell.encode(codes) == encodings[1]).all(axis=1)]
    means, variances = adapter.predict_rows(codes)["error"]
    spread = np.sqrt(means.var() / 32) + 1e-9
    assert found["mean"][1] == pytest.approx(means.mean(), abs=4 * spread)
    assert (variances > 0).all()
