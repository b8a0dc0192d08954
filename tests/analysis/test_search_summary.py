from __future__ import annotations

import math

import pytest
from ax.api.configs import RangeParameterConfig
from ax.core.analysis_card import NotApplicableStateAnalysisCard

from ax_anasod.analysis import SearchSummary
from ax_anasod.analysis.search_summary import architecture_text, cost_seconds
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.core.search_experiment import KEY
from ax_anasod.experiment import make_client
from ax_anasod.runners import BenchmarkQuery


def card_of(client):
    (card,) = client.compute_analyses([SearchSummary()], display=False)
    return card


def test_the_best_trial_of_a_real_search(cora_client, cora):
    card = card_of(cora_client)
    (row,) = card.df.to_dict("records")
    trial = cora_client._experiment.trials[row["trial_index"]]
    result = BenchmarkQuery(cora, seed=0).of(trial)
    assert row["architecture"] == result["architecture"]
    assert row["valid_error"] == pytest.approx(result["values"]["valid_error"], abs=1e-9)
    series = SearchSeries.from_experiment(cora_client._experiment)
    assert row["encoding"] == series.encoding_text(series.best())
    assert card.title == "Best trial"
    assert "of 15 trials (14 completed, 1 failed)" in card.subtitle
    # The data of this benchmark has no cost.
    assert "cost_seconds" not in card.df


def test_architectures_of_an_architecture_search(search_cora, cora):
    client = search_cora(3, strategy="random")
    (row,) = card_of(client).df.to_dict("records")
    trial = client._experiment.trials[row["trial_index"]]
    result = BenchmarkQuery(cora, seed=0).of(trial)
    assert row["architecture"] == result["architecture"]


def test_what_the_runner_stored_is_shown(run):
    client = run([2.0, 1.0])
    for index, cost in ((0, 5.0), (1, 7.5)):
        client._experiment.trials[index].update_run_metadata(
            {"architecture": "conv|conv|conv|pool", "cost_seconds": cost}
        )
    card = card_of(client)
    (row,) = card.df.to_dict("records")
    assert (row["architecture"], row["cost_seconds"]) == ("conv|conv|conv|pool", 7.5)
    assert "that cost 12 seconds" in card.subtitle


@pytest.mark.parametrize("strategy", ["random", "anasod-random"])
def test_parameters_beside_the_cell_are_shown(small_cell, strategy):
    rate = RangeParameterConfig("rate", (0.1, 1.0), "float")
    client = make_client(small_cell, strategy, parameters=[rate])
    for index, parameters in client.get_next_trials(1).items():
        client.complete_trial(index, raw_data={"error": 2.0})
        (row,) = card_of(client).df.to_dict("records")
        assert row["rate"] == parameters["rate"]
        assert not {*parameters} - {"rate"} & {*row}


def test_one_trial_is_no_plural(run):
    assert "of 1 trial (1 completed)" in card_of(run([2.0])).subtitle


def test_a_trial_without_a_cost_has_none(run):
    assert math.isnan(cost_seconds(run([2.0])._experiment, 0))


def test_an_architecture_cannot_be_drawn_again_without_the_seed(small_cell):
    client = make_client(small_cell, "anasod-random")
    index = client.attach_trial({"n_conv": 2, "n_pool": 1, "n_skip": 1})
    client.complete_trial(index, raw_data={"error": 2.0})
    experiment = client._experiment
    series = SearchSeries.from_experiment(experiment)
    assert architecture_text(experiment, series, 0) is not None
    del experiment._properties[KEY]
    assert architecture_text(experiment, series, 0) is None
    assert "architecture" not in SearchSummary().compute(experiment).df


def test_the_pareto_front(run):
    values = [
        {"error": 3.0, "latency": 1.0},
        {"error": 1.0, "latency": 3.0},
        {"error": 3.0, "latency": 3.0},
        {"error": 2.0, "latency": 2.0},
    ]
    card = card_of(run(values, objectives=["error", "latency"]))
    assert card.title == "Pareto front"
    assert card.df["trial_index"].tolist() == [1, 3, 0]
    assert list(card.df.columns[:3]) == ["trial_index", "error", "latency"]
    assert card.subtitle.startswith(
        "The 3 values of error, latency that no other dominates, each with its first trial, of 4 "
    )


def test_trials_with_the_same_values_are_one_of_the_front(run):
    card = card_of(run([{"error": 3.0, "latency": 1.0}] * 3, objectives=["error", "latency"]))
    assert card.df["trial_index"].tolist() == [0]
    assert card.subtitle.startswith(
        "The value of error, latency that no other dominates, each with its first trial, of 3 "
    )


def test_reported_metrics_follow_the_objectives(small_cell):
    client = make_client(small_cell, "anasod-random", objectives="error", reported=["test_error"])
    for values in ({"error": 2.0, "test_error": 2.5}, {"error": 1.0, "test_error": 1.5}):
        ((index, _),) = client.get_next_trials(1).items()
        client.complete_trial(index, raw_data=values)
    (row,) = card_of(client).df.to_dict("records")
    assert (row["error"], row["test_error"]) == (1.0, 1.5)


def test_no_best_trial(run):
    card = card_of(run([None]))
    assert isinstance(card, NotApplicableStateAnalysisCard)
    assert card.blob == "All trials so far (1) failed or were abandoned."
