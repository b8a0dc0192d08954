from __future__ import annotations

from dataclasses import replace

import pytest

from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.nasbench import Objective, TableBenchmark
from ax_anasod.runs import plan_run


def test_quantities_have_their_optimum_and_a_name_for_ax(benchmark: TableBenchmark) -> None:
    config = plan_run(benchmark, "random", trials=1)
    (objective,) = config.objectives
    assert (objective.name, objective.metric, objective.unit) == (
        "valid_error",
        "valid_error",
        "percent",
    )
    assert objective.optimum == benchmark.optimum("valid_error")
    (reported,) = config.reported
    # "test" is a function of sympy.
    assert (reported.name, reported.metric, reported.optimum) == ("test", "metric_test", None)
    assert config.experiment_name == "random on table, seed 0"


def test_schedules_are_told_the_planned_number_of_trials(benchmark: TableBenchmark) -> None:
    config = plan_run(benchmark, "anasod-biased-random", trials=40)
    assert config.options == {"num_trials": 40}
    config = plan_run(benchmark, "anasod-biased-random", {"num_trials": 90}, trials=40)
    assert config.options == {"num_trials": 90}
    assert plan_run(benchmark, "random", trials=40).options == {}
    assert config.with_trials(60).options == {"num_trials": 90}
    assert config.with_trials(60).trials == 60


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"trials": 0}, "trials .* got 0"), ({"trials": 1, "parallel": 0}, "parallel .* got 0")],
)
def test_numbers_out_of_range_are_refused(
    benchmark: TableBenchmark, arguments: dict[str, int], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        plan_run(benchmark, "random", **arguments)


def test_unknown_strategies_are_refused(benchmark: TableBenchmark) -> None:
    with pytest.raises(UnknownNameError):
        plan_run(benchmark, "anasod-boo", trials=1)


def test_quantities_keep_their_direction(benchmark: TableBenchmark) -> None:
    benchmark.objectives = (Objective("valid_error", "percent", minimize=False),)
    (objective,) = plan_run(benchmark, "random", trials=1).objectives
    assert (objective.minimize, objective.sign, objective.extreme) == (False, -1.0, "highest")
    assert replace(objective, optimum=7.0).regret(5.0) == 2.0
    assert str(replace(objective, optimum=7.0).regret(7.0)) == "0.0"
    assert replace(objective, optimum=None).regret(7.0) is None
