"""What the benchmark's quantities are called inside Ax.

Ax reads objectives with sympy, where a metric called ``I``, ``beta``, ``lambda`` or
``val acc`` is no variable. Such names are replaced inside Ax, here and nowhere else;
everything that people read keeps the benchmark's own.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable
from typing import Final

from ax.utils.common.string_utils import SYMPY_GLOBALS

# What Ax's tables of trials, and our own of the best ones, call their columns.
_COLUMNS: Final = (
    *("trial_index", "arm_name", "trial_status", "status", "failure_reason", "generation_node"),
    *("generation_method", "metadata", "metric_name", "metric_signature", "mean", "sem", "step"),
    *("start_time", "end_time", "encoding", "architecture", "cost_seconds"),
)


def metric_names(quantities: Iterable[str], parameters: Iterable[str] = ()) -> dict[str, str]:
    """A name that Ax can read for each quantity; its own where that will do.

    Args:
        quantities: Different names of objectives and reported quantities.
        parameters: Names of the parameters that are searched, which no metric can have.

    Returns:
        Quantity -> metric name, all different.

    Example:
        >>> metric_names(["valid_error", "val acc", "I"])
        {'valid_error': 'valid_error', 'val acc': 'metric_val_acc', 'I': 'metric_I'}
    """
    names, reserved = list(quantities), {*parameters, *_COLUMNS}
    own = {name for name in names if _is_variable(name) and name not in reserved}
    taken = own | reserved
    metrics = {}
    for name in names:
        metric = name
        if name not in own:
            stem = re.sub(r"[\W_]+", "_", f"metric_{name}", flags=re.ASCII)
            metric = stem
            number = 2
            while metric in taken:
                metric, number = f"{stem}_{number}", number + 1
            taken.add(metric)
        metrics[name] = metric
    return metrics


def _is_variable(name: str) -> bool:
    return (
        name.isascii()
        and name.isidentifier()
        and not keyword.iskeyword(name)
        # Sympy's own functions and constants, such as beta, N, S, E, zeta or test.
        and name not in SYMPY_GLOBALS
        and not hasattr(builtins, name)
        # A builtin, too, once an interactive session has computed something.
        and name != "_"
        # Ax writes dots and other characters as such marks, and reads the marks back.
        and "__" not in name
    )
