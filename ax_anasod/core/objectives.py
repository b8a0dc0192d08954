"""What of an Ax optimisation config a strategy can search."""

from __future__ import annotations

from typing import Literal

from ax.core.optimization_config import OptimizationConfig

from ax_anasod.exceptions import OptionError

Scope = Literal["any", "one", "front"]
"""What is searched: whatever is asked for (draws that read no values), the best value of one
metric, or that or a Pareto front of several."""


def objective_signs(config: OptimizationConfig) -> list[tuple[str, float]]:
    """The objectives' metric signatures, each with the sign that makes it minimised."""
    # Ax's weights are positive for maximisation, whatever the kind of objective.
    return [(name, -1.0 if weight > 0 else 1.0) for name, weight in config.objective.metric_weights]


def check_scope(config: OptimizationConfig | None, scope: Scope) -> None:
    """Refuse what a strategy would pass over without a word.

    Args:
        config: What the experiment asks for; nothing where it is None.
        scope: What the strategy searches.

    Raises:
        OptionError: There are outcome constraints, a sum of several metrics, or more
            objectives than the strategy searches.
    """
    if config is None or scope == "any":
        return
    if config.outcome_constraints:
        raise OptionError(
            "this strategy knows no outcome constraints",
            "random and anasod-random draw whatever the values; anasod-bo takes the metric as a "
            "second objective",
        )
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
            "report their sum as a metric of its own, or search a Pareto front with anasod-bo",
        )
