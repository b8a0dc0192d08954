"""Which way is up, and what a strategy refuses to search."""

from __future__ import annotations

import math
import re

import pytest
from ax.core.objective import Objective
from ax.core.optimization_config import MultiObjectiveOptimizationConfig, OptimizationConfig
from ax.core.outcome_constraint import OutcomeConstraint

from ax_anasod.core.ax_objectives import check_scope, limits_of, objective_signs, warn_if_minimised
from ax_anasod.exceptions import ObjectiveWarning, OptionError
from ax_anasod.objectives import Limit

NAMES = ("error", "accuracy", "latency", "size", "a", "b", "c", "d", "e")


def constraint(expression: str) -> OutcomeConstraint:
    return OutcomeConstraint(
        expression=expression, metric_name_to_signature={name: name for name in NAMES}
    )


def configuration(
    expression: str, constrained: bool | str = False, thresholds: tuple[str, ...] = ()
) -> OptimizationConfig:
    names = {name: name for name in NAMES if name in expression}
    objective = Objective(expression=expression, metric_name_to_signature=names)
    size = "size <= 3" if constrained is True else constrained
    constraints = [constraint(size)] if size else None
    if "," not in expression:
        return OptimizationConfig(objective, constraints)
    bounds = [constraint(threshold) for threshold in thresholds]
    return MultiObjectiveOptimizationConfig(objective, constraints, bounds)


@pytest.mark.parametrize(
    ("expression", "signs"),
    [
        ("-error", [("error", 1.0)]),
        ("accuracy", [("accuracy", -1.0)]),
        ("accuracy, -latency", [("accuracy", -1.0), ("latency", 1.0)]),
    ],
)
def test_everything_is_minimised(expression: str, signs: list[tuple[str, float]]) -> None:
    assert objective_signs(configuration(expression)) == signs


@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize(
    "expression",
    ["-error", "accuracy, -latency", "-(2*error + latency)", "-(error + latency), accuracy"],
)
def test_draws_that_read_no_values_refuse_nothing(expression: str, constrained: bool) -> None:
    check_scope(configuration(expression, constrained), "any")


class TestModels:
    def test_one_metric_may_go_either_way(self) -> None:
        check_scope(None, "one")
        check_scope(configuration("-2*error"), "one")
        check_scope(configuration("accuracy"), "one")

    def test_constraints_are_refused(self) -> None:
        with pytest.raises(OptionError, match="no outcome constraints"):
            check_scope(configuration("-error", constrained=True), "one")

    @pytest.mark.parametrize(
        "expression", ["-(2*error + latency)", "-error - latency", "accuracy, -(error + latency)"]
    )
    def test_sums_are_refused(self, expression: str) -> None:
        with pytest.raises(OptionError, match=r"not a sum of several: \[.*'error', 'latency'\]"):
            check_scope(configuration(expression), "one")


def test_a_front_is_searched_by_some() -> None:
    several = configuration("accuracy, -latency")

    check_scope(several, "limits")
    with pytest.raises(OptionError):
        check_scope(several, "one")


def test_limits_are_obeyed_by_some() -> None:
    check_scope(configuration("-error", constrained=True), "limits")
    check_scope(configuration("accuracy, -latency", True, ("accuracy >= 50",)), "limits")


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("size <= 0.9 * baseline", "relative to a baseline"),
        ("size + a <= 3", "limits a sum of several metrics"),
    ],
)
def test_other_constraints_are_not_obeyed(limit: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        check_scope(configuration("-error", limit), "limits")


def test_a_front_has_four_objectives_at_most() -> None:
    check_scope(configuration("-a, -b, -c, -d"), "limits")
    with pytest.raises(OptionError, match="4 objectives at most, got 5"):
        check_scope(configuration("-a, -b, -c, -d, -e"), "limits")


def test_limits_have_the_sign_that_makes_less_better() -> None:
    assert limits_of(configuration("-error", "size <= 3")) == (
        [Limit("size", 1.0, 3.0)],
        [math.inf],
    )
    assert limits_of(configuration("-error", "-2 * size <= 3"))[0] == [Limit("size", -1.0, 1.5)]
    (limit,) = limits_of(configuration("-error", "size >= 3"))[0]
    assert limit == Limit("size", -1.0, -3.0)
    assert str(limit) == "size >= 3.0"


def test_thresholds_are_limits_on_objectives() -> None:
    config = configuration("accuracy, -latency", False, ("latency <= 5",))
    assert limits_of(config) == ([], [math.inf, 5.0])
    config = configuration("accuracy, -latency", True, ("latency <= 5", "accuracy >= 50"))
    assert limits_of(config) == ([Limit("size", 1.0, 3.0)], [-50.0, 5.0])


@pytest.mark.parametrize(
    "name",
    [
        *(
            "accuracy",
            "valid_accuracy",
            "val acc",
            "ACC",
            "acc1",
            "auc",
            "roc_auc",
            "f1",
            "f1_score",
        ),
        *("r2", "test_r2", "mAP", "map50", "top5", "throughput", "fps", "psnr", "precision"),
    ],
)
def test_the_name_of_an_accuracy_is_warned_of_where_it_is_minimised(name: str) -> None:
    with pytest.warns(ObjectiveWarning, match=re.escape(f"{name!r} is minimised: if more")):
        warn_if_minimised([name])


@pytest.mark.parametrize(
    "name",
    [
        *("error", "valid_error", "accuracy_error", "acc loss", "neg_r2", "auc_gap", "latency"),
        *("parameters", "access", "f", "r", "metric", "score", "roadmap", "stop", "objective_1"),
    ],
)
def test_other_names_are_not(name: str, recwarn: pytest.WarningsRecorder) -> None:
    warn_if_minimised([name])
    assert not recwarn.list
