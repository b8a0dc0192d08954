from __future__ import annotations

import pytest
from ax.core.objective import Objective
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.runs.metric_names import metric_names

# Each of these breaks an objective of Ax when it is used as it is.
UNREADABLE = [
    *("I", "E", "N", "S", "Q", "O", "pi", "beta", "gamma", "zeta", "lambda", "test", "nan", "oo"),
    *("val acc", "3x3", "a-b", "a.b", "a/b", "a:b", "f(x)", "x[0]", "a|b", "é", "'", "", " ", "%"),
    *("_", "len", "None", "True", "in", "a__dot__b", "2*x", "x, y", "error = 3"),
]


def is_readable(name: str) -> bool:
    objective = Objective(expression=f"-{name}", metric_name_to_signature={name: name})
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
        objective = Objective(
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
