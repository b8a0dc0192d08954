"""Which way is up, and what a strategy refuses to search."""

from __future__ import annotations

import re

import pytest
from ax.core.objective import Objective
from ax.core.optimization_config import MultiObjectiveOptimizationConfig, OptimizationConfig
from ax.core.outcome_constraint import OutcomeConstraint

from ax_anasod.core.objectives import (
    ObjectiveScope,
    check_scope,
    objective_signs,
    warn_if_minimised,
)
from ax_anasod.exceptions import ObjectiveWarning, OptionError


def configuration(expression: str, constrained: bool = False) -> OptimizationConfig:
    names = {name: name for name in ("error", "accuracy", "latency") if name in expression}
    kind = MultiObjectiveOptimizationConfig if "," in expression else OptimizationConfig
    return kind(
        Objective(expression=expression, metric_name_to_signature=names),
        outcome_constraints=[
            OutcomeConstraint(expression="size <= 3", metric_name_to_signature={"size": "size"})
        ]
        if constrained
        else None,
    )


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


@pytest.mark.parametrize("scope", ["one", "front"])
class TestModels:
    def test_one_metric_may_go_either_way(self, scope: ObjectiveScope) -> None:
        check_scope(None, scope)
        check_scope(configuration("-2*error"), scope)
        check_scope(configuration("accuracy"), scope)

    def test_constraints_are_refused(self, scope: ObjectiveScope) -> None:
        with pytest.raises(OptionError, match="no outcome constraints"):
            check_scope(configuration("-error", constrained=True), scope)

    @pytest.mark.parametrize(
        "expression", ["-(2*error + latency)", "-error - latency", "accuracy, -(error + latency)"]
    )
    def test_sums_are_refused(self, scope: ObjectiveScope, expression: str) -> None:
        with pytest.raises(OptionError, match=r"not a sum of several: \[.*'error', 'latency'\]"):
            check_scope(configuration(expression), scope)


def test_a_front_is_searched_by_some() -> None:
    several = configuration("accuracy, -latency")

    check_scope(several, "front")
    with pytest.raises(OptionError, match=r"got 2: \['accuracy', 'latency'\]"):
        check_scope(several, "one")


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
def test_other_names_are_not(name: str) -> None:
    warn_if_minimised([name])
