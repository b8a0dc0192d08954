"""Rounds of a strategy on an Ax experiment."""

from __future__ import annotations

import numpy as np

from ax_anasod import cells
from ax_anasod._ax import experiment_of
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.generation_strategy import make
from ax_anasod.testing import Rounds, SyntheticObjective

NB201 = cells.get("nas-bench-201")


def rounds(name: str = "random", seed: int = 0) -> Rounds:
    space = (AnasodSearchSpace if name.startswith("anasod") else CellSearchSpace).from_cell(NB201)
    return Rounds(space, make(name, space, seed), seed)


def test_trials_are_told_the_error_of_their_architecture() -> None:
    run = rounds("anasod-random")

    (parameters,) = run.run(1)

    error = SyntheticObjective(NB201)(run.code(0)[None])[0]
    data = experiment_of(run.client).lookup_data().df
    assert data["mean"].tolist() == [error]
    assert NB201.encode(run.code(0)[None])[0].tolist() == list(parameters.values())


def test_failed_and_abandoned_trials() -> None:
    run = rounds()

    run.fail(run.ask())
    run.abandon(run.ask())

    statuses = [trial.status.name for trial in experiment_of(run.client).trials.values()]
    assert statuses == ["FAILED", "ABANDONED"]


def test_a_reloaded_run_goes_its_own_way() -> None:
    run = rounds()
    run.run(2)

    other = run.reloaded()
    other.run(3)

    assert len(experiment_of(run.client).trials) == 2
    assert len(experiment_of(other.client).trials) == 5
    assert other.client is not run.client
    np.testing.assert_array_equal(other.values["error"]._worth, run.values["error"]._worth)
