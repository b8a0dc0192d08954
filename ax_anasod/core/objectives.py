"""What of an Ax optimisation config a strategy can search."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from typing import Final, Literal

from ax.core.optimization_config import OptimizationConfig

from ax_anasod.exceptions import ObjectiveWarning, OptionError

# Words of names of metrics.
_MORE_IS_BETTER: Final = re.compile(
    "acc|accuracy|accuracies|auc|auroc|auprc|bleu|dice|f1|fps|fscore|iou|map|miou|precision|psnr"
    "|r2|recall|reward|rouge|sensitivity|specificity|ssim|throughput|top1|top5"
)
_LESS_IS_BETTER: Final = re.compile(
    "err|error|errors|drop|gap|inverse|loss|mae|minus|mse|neg|negative|regret|rmse"
)

ObjectiveScope = Literal["any", "one", "front"]
"""What is searched: whatever is asked for (draws that read no values), the best value of one
metric, or that or a Pareto front of several."""


def objective_signs(config: OptimizationConfig) -> list[tuple[str, float]]:
    """The objectives' metric signatures, each with the sign that makes it minimised."""
    # Ax's weights are positive for maximisation, whatever the kind of objective.
    return [(name, -1.0 if weight > 0 else 1.0) for name, weight in config.objective.metric_weights]


def check_scope(config: OptimizationConfig | None, scope: ObjectiveScope) -> None:
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
