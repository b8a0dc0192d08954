"""Ax's Pareto fronts of experiments of ours."""

from __future__ import annotations

from typing import Any

import pytest
from ax.api.client import Client

from ax_anasod.experiment import make_client
from tests.adapter.conftest import Build

ENCODINGS = [(0, 0, 6), (2, 2, 2), (6, 0, 0), (0, 6, 0), (3, 2, 1), (1, 3, 2), (2, 1, 3)]
ERRORS = [10.3, 10.9, 10.1, 10.7, 10.2, 10.8, 10.5]


def two_objectives(run: Build, flops: list[float], **options: Any) -> Client:
    outcomes = [{"error": e, "flops": f} for e, f in zip(ERRORS, flops, strict=True)]
    client = run(ENCODINGS, outcomes, objectives=("error", "flops"), num_initial=3, **options)
    client.get_next_trials(1)
    return client


def front(client: Client, use_model_predictions: bool) -> list[int]:
    return [index for _, _, index, _ in client.get_pareto_frontier(use_model_predictions)]


@pytest.mark.parametrize("constant", [3.0, 0.0, 1e8, 1e-6, -2.0])
def test_a_constant_objective_leaves_the_best_of_the_other(run: Build, constant: float) -> None:
    client = two_objectives(run, [constant] * 7)
    assert front(client, use_model_predictions=False) == [2]
    ((_, values, index, _),) = client.get_pareto_frontier()
    assert index == 2
    assert values["flops"][0] == constant


@pytest.mark.parametrize("scale", [2.0, -1.0])
@pytest.mark.parametrize("log_targets", [True, False])
def test_fronts_are_never_empty(run: Build, scale: float, log_targets: bool) -> None:
    # Objectives that agree wholly, or disagree wholly.
    client = two_objectives(run, [20 + scale * e for e in ERRORS], log_targets=log_targets)
    observed = front(client, use_model_predictions=False)
    assert set(observed) == ({2} if scale > 0 else set(range(7)))
    assert 2 in front(client, use_model_predictions=True)


def test_a_failed_trial_is_on_no_front(run: Build) -> None:
    outcomes: list[Any] = [{"error": e, "flops": 3.0 + e} for e in ERRORS]
    outcomes[2] = "running"
    client = run(ENCODINGS, outcomes, objectives=("error", "flops"), num_initial=3)
    client.attach_data(2, {"error": 0.1, "flops": 0.1})
    client.mark_trial_failed(2)
    client.get_next_trials(1)
    for by_the_model in (True, False):
        assert 2 not in front(client, by_the_model)
        assert front(client, by_the_model)


@pytest.mark.parametrize("strategy", ["anasod-bo", "anasod-random", "random"])
def test_a_threshold_on_one_of_two_objectives_is_warned_of_once(
    toy_cell: Any, own_warnings: Any, strategy: str
) -> None:
    client = make_client(toy_cell, strategy, objectives=("error", "flops"))
    client.configure_optimization("-error, -flops", outcome_constraints=["error <= 10"])
    with own_warnings() as texts:
        for _ in range(2):
            client.get_next_trials(1)
    assert len(texts) == 1
    assert "a threshold on error and none on flops: Ax's Pareto front is empty" in texts[0]

    both = make_client(toy_cell, strategy, objectives=("error", "flops"))
    both.configure_optimization("-error, -flops", outcome_constraints=["error <= 10", "flops <= 3"])
    with own_warnings() as texts:
        both.get_next_trials(1)
    assert texts == []
