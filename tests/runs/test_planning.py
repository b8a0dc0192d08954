from __future__ import annotations

from dataclasses import replace

import pytest
from ax.core.objective import Objective as AxObjective
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.nasbench import Objective, TableBenchmark
from ax_anasod.runs import plan_run
from ax_anasod.runs.planning import metric_names

# Each of these breaks an objective of Ax when it is used as it is.
UNREADABLE = [
    *("I", "E", "N", "S", "Q", "O", "pi", "beta", "gamma", "zeta", "lambda", "test", "nan", "oo"),
    *("val acc", "3x3", "a-b", "a.b", "a/b", "a:b", "f(x)", "x[0]", "a|b", "é", "'", "", " ", "%"),
    *("_", "len", "None", "True", "in", "a__dot__b", "2*x", "x, y", "error = 3"),
]


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


def is_readable(name: str) -> bool:
    objective = AxObjective(expression=f"-{name}", metric_name_to_signature={name: name})
    return objective.metric_weights == [(name, -1.0)]


@pytest.mark.parametrize("name", UNREADABLE)
def test_names_that_ax_cannot_read_are_replaced(name: str) -> None:
    (metric,) = metric_names([name]).values()
    assert metric != name
    assert is_readable(metric)


@pytest.mark.parametrize("name", ["valid_error", "cifar10_test_200_error", "latency_ms", "x", "_x"])
def test_names_that_ax_can_read_are_kept(name: str) -> None:
    assert metric_names([name]) == {name: name}


@given(st.lists(st.text(max_size=6) | st.sampled_from(UNREADABLE), unique=True, max_size=8))
def test_all_names_are_different_and_readable_together(names: list[str]) -> None:
    metrics = metric_names(names)
    assert list(metrics) == names
    assert len(set(metrics.values())) == len(names)
    if names:
        objective = AxObjective(
            expression=", ".join(f"-{m}" for m in metrics.values()),
            metric_name_to_signature={m: m for m in metrics.values()},
        )
        assert sorted(objective.metric_names) == sorted(metrics.values())


def test_names_that_would_become_the_same_are_told_apart() -> None:
    assert metric_names(["a b", "a-b", "a_b", "metric_a_b"]) == {
        "a b": "metric_a_b_2",
        "a-b": "metric_a_b_3",
        "a_b": "a_b",
        "metric_a_b": "metric_a_b",
    }


def test_metrics_are_called_unlike_parameters_and_columns_of_ax() -> None:
    names = ["n_conv", "trial_index", "arm_name", "metric_n_conv", "error"]
    metrics = metric_names(names, parameters=["n_conv", "n_skip"])
    assert not {*metrics.values()} & {"n_conv", "n_skip", "trial_index", "arm_name"}
    assert len({*metrics.values()}) == 5
    assert (metrics["metric_n_conv"], metrics["error"]) == ("metric_n_conv", "error")
