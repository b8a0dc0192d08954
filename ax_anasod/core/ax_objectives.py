"""The parts of an Ax optimisation config that a strategy can search."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from ax.core.metric import Metric
from ax.core.objective import Objective
from ax.core.optimization_config import MultiObjectiveOptimizationConfig, OptimizationConfig
from ax.core.outcome_constraint import OutcomeConstraint
from ax.core.types import ComparisonOp
from ax.exceptions.core import UserInputError

from ax_anasod.exceptions import ObjectiveWarning, OptionError, nearest_hint
from ax_anasod.objectives import Limit, name_list

# Words of names of metrics.
_MORE_IS_BETTER: Final = re.compile(
    "acc|accuracy|accuracies|auc|auroc|auprc|bleu|dice|f1|fps|fscore|iou|map|miou|precision|psnr"
    "|r2|recall|reward|rouge|sensitivity|specificity|ssim|throughput|top1|top5"
)
_LESS_IS_BETTER: Final = re.compile(
    "err|error|errors|drop|gap|inverse|loss|mae|minus|mse|neg|negative|regret|rmse"
)

ObjectiveScope = Literal["any", "one", "limits"]
"""The goal of a strategy: any (draws that read no values), the best value of one metric, or that
or a Pareto front of several, under limits on other metrics or none."""

MOST_OBJECTIVES: Final = 4
"""Most objectives. With more, a front has too many boxes, and most trials are on it."""


def objective_signs(config: OptimizationConfig) -> list[tuple[str, float]]:
    """The objectives' metric signatures, each with the sign that makes it minimised."""
    # Ax's weights are positive for maximisation, whatever the kind of objective.
    return [(name, -1.0 if weight > 0 else 1.0) for name, weight in config.objective.metric_weights]


def optimization_config(
    lower: Mapping[str, bool], limits: Sequence[Limit] = ()
) -> OptimizationConfig:
    """Ax's optimisation config of objectives and limits.

    Args:
        lower: Names of metrics -> whether lower is better.
        limits: What trials must keep: constraints on other metrics, thresholds on objectives.

    Raises:
        OptionError: A limit is on the only objective, or against the direction of the search.
    """
    objective = Objective(
        expression=", ".join(f"-{n}" if is_lower else n for n, is_lower in lower.items()),
        metric_name_to_signature={n: n for n in lower},
    )
    constraints: list[OutcomeConstraint] = []
    thresholds: list[OutcomeConstraint] = []
    for limit in limits:
        is_lower = lower.get(limit.name)
        if is_lower is not None and (len(lower) == 1 or is_lower is not (limit.sign > 0)):
            raise OptionError(
                f"'{limit}' limits {limit.name!r}, which is "
                f"{'minimised' if is_lower else 'maximised'}",
                "limit other quantities, or several objectives in the direction of the search",
            )
        (constraints if is_lower is None else thresholds).append(
            OutcomeConstraint(
                expression=str(limit), metric_name_to_signature={limit.name: limit.name}
            )
        )
    if len(lower) == 1:
        return OptimizationConfig(objective, constraints)
    return MultiObjectiveOptimizationConfig(objective, constraints, thresholds)


def all_limits(config: OptimizationConfig) -> list[Limit]:
    """The absolute limits on single metrics, with the thresholds of objectives."""
    constraints = [c for c in config.all_constraints if not c.relative]
    return [limit_of(c) for c in constraints if len(c.metric_names) == 1]


def limits_of(config: OptimizationConfig) -> tuple[list[Limit], list[float]]:
    """The limits, and the worst value that each objective may have.

    Returns:
        The limits on other metrics, and the thresholds in the order of the objectives, with
        the sign that makes these minimised; infinite where there is none.
    """
    thresholds = {name: math.inf for name, _ in objective_signs(config)}
    limits = []
    for limit in map(limit_of, config.all_constraints):
        if limit.name in thresholds:
            thresholds[limit.name] = limit.bound
        else:
            limits.append(limit)
    return limits, list(thresholds.values())


def limit_of(constraint: OutcomeConstraint) -> Limit:
    """Ax's constraint, absolute and on one metric, as a limit."""
    ((metric, weight),) = constraint.metric_weights
    sign = 1.0 if (constraint.op is ComparisonOp.LEQ) == (weight > 0) else -1.0
    return Limit(metric, sign, sign * constraint.bound / weight)


def check_scope(config: OptimizationConfig | None, scope: ObjectiveScope) -> None:
    """Check that a strategy obeys all objectives and constraints of an experiment.

    Args:
        config: The goal of the experiment; None if it has none.
        scope: The goals that the strategy can search.

    Raises:
        OptionError: The config has outcome constraints that the strategy cannot obey, a sum of
            several metrics, or more objectives than the strategy searches.
    """
    if config is None or scope == "any":
        return
    _check_constraints(config, scope)
    names = [name for name, _ in objective_signs(config)]
    # A comma separates objectives; whatever has more metrics than these parts has a sum.
    if len(names) > config.objective.expression.count(",") + 1:
        raise OptionError(
            f"this strategy minimises single metrics, not a sum of several: {names}",
            "report the sum as a metric of its own",
        )
    if scope == "one" and len(names) > 1:
        raise OptionError(
            f"this strategy searches one objective, got {len(names)}: {names}",
            "report their sum as a metric of its own, or search a Pareto front with two-level-bo",
        )
    if len(names) > MOST_OBJECTIVES:
        raise OptionError(
            f"a Pareto front has {MOST_OBJECTIVES} objectives at most, got {len(names)}: {names}",
            "make some of them limits",
        )


def _check_constraints(config: OptimizationConfig, scope: ObjectiveScope) -> None:
    if scope != "limits" and config.outcome_constraints:
        raise OptionError(
            "this strategy knows no outcome constraints",
            "two-level-bo obeys them; random and anasod-random draw whatever the values",
        )
    for constraint in config.all_constraints:
        if constraint.relative:
            raise OptionError(
                f"{constraint.expression!r} is relative to a baseline, which a search of "
                "architectures does not have",
                "name the bound itself, such as 'latency <= 5'",
            )
        if len(constraint.metric_names) > 1:
            raise OptionError(
                f"{constraint.expression!r} limits a sum of several metrics",
                "report the sum as a metric of its own",
            )


def warn_if_minimised(names: Iterable[str]) -> None:
    """Warn of what is minimised although its name says that more of it is better.

    Args:
        names: Names of metrics that are minimised.
    """
    for name in names:
        words = re.split(r"[\W_]+", name.lower())
        words += [word.rstrip("0123456789") for word in words]
        if any(map(_MORE_IS_BETTER.fullmatch, words)) and not any(
            map(_LESS_IS_BETTER.fullmatch, words)
        ):
            warnings.warn(
                f"{name!r} is minimised: if more of it is better, name it with maximize",
                ObjectiveWarning,
                stacklevel=3,
            )


def directions(
    objectives: str | Sequence[str] | None, maximize: str | Sequence[str]
) -> dict[str, bool]:
    """The names of what is searched, in order -> whether lower is better.

    Args:
        objectives: Names to minimise, as for `ax_anasod.make_experiment`.
        maximize: Names to maximise.

    Raises:
        OptionError: A name stands there twice.
    """
    higher = name_list("maximize", maximize)
    if objectives is None:
        objectives = () if higher else "error"
    given = name_list("objectives", objectives)
    minimised = [name.removeprefix("-") for name in given if name not in higher]
    for name in minimised:
        if name in higher or minimised.count(name) > 1:
            raise OptionError(f"the objectives name {name!r} twice")
    ordered = dict.fromkeys((*(name.removeprefix("-") for name in given), *higher))
    return {name: name not in higher for name in ordered}


def check_objective_name(name: str) -> None:
    """Make sure that Ax takes a name for what it is.

    Raises:
        OptionError: Ax would read the name as a formula or function.
    """
    # Ax parses objectives with sympy, which takes some names for formulas or functions.
    try:
        weights = Objective(
            expression=f"-{name}", metric_name_to_signature={name: name}
        ).metric_weights
    except (KeyError, TypeError, ValueError, UserInputError, AttributeError):
        weights = []
    if weights != [(name, -1.0)]:
        raise OptionError(
            f"Ax cannot take {name!r} as the name of an objective or limit",
            "give it a name of letters, digits and _ that starts with a letter and is no "
            "mathematical function or constant, such as 'valid_error'",
        )


def metrics_by_name(metrics: Metric | Sequence[Metric]) -> dict[str, Metric]:
    """Name -> metric, of one metric or several.

    Raises:
        OptionError: One is no Ax metric, or two have the same name.
    """
    given: Sequence[Any] = metrics if isinstance(metrics, (list, tuple)) else [metrics]
    by_name: dict[str, Metric] = {}
    for metric in given:
        if not isinstance(metric, Metric):
            raise OptionError(
                f"metrics holds {metric!r}, which is no Ax metric", 'such as LookupMetric("error")'
            )
        if metric.name in by_name:
            raise OptionError(f"metrics has two of the name {metric.name!r}")
        by_name[metric.name] = metric
    return by_name


def check_metric_names(
    objectives: Sequence[str], reported: Sequence[str], metrics: Iterable[str]
) -> None:
    """Check the names of the metrics of an experiment.

    Args:
        objectives: Names of the objectives.
        reported: Names of what is recorded but not searched.
        metrics: Names of the metrics that fetch themselves, each of which is one of these.

    Raises:
        OptionError: There is no objective, a name stands twice, or a metric is none of them.
    """
    if not objectives:
        raise OptionError("an experiment needs at least one objective")
    names = [*objectives, *reported]
    for position, name in enumerate(names):
        if name in names[:position]:
            raise OptionError(f"the objectives and reported metrics name {name!r} twice")
    for name in metrics:
        if name not in names:
            raise OptionError(
                f"metric {name!r} is neither an objective nor reported", nearest_hint(name, names)
            )
    for name in objectives:
        check_objective_name(name)
