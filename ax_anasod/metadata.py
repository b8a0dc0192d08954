"""Names in what is stored: the keys of Ax's ``gen_metadata``, and the columns of tables."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

BETA: Final = "beta"
"""Beta of the trust region that it was drawn from."""

EXPECTED_IMPROVEMENT: Final = "expected_improvement_percent"
"""The improvement of the best value that is expected, in percent of that."""

FEATURES: Final = "features"
"""Feature -> its ``share`` in the prior variance, and ``agreement``: how it ranks the trials."""

_FEWEST: Final = 20
# A feature of random numbers has a quarter of the variance after 24 trials, later less.
_LITTLE: Final = 1 / 3
# Standard errors of a rank correlation, of which one is 1 / sqrt(n - 1).
_CLEAR: Final = 2.0


def feature_summary(
    trials: Sequence[Mapping[str, Any]], observed: int
) -> dict[str, dict[str, Any]] | None:
    """The weight of each feature of a search in its model.

    Args:
        trials: What is stored with each proposal.
        observed: How many trials have a value.

    Returns:
        Feature -> ``share``: its share in the prior variance, on average over the trials that had
        it; ``agreement``: Spearman's correlation of it with the first objective, of which less is
        better, over the trials before the last of these; ``warning``: what to think of it, from 20
        trials on, or None. None where there is no feature.
    """
    entries = [trial[FEATURES] for trial in trials if isinstance(trial.get(FEATURES), dict)]
    if not entries:
        return None
    summary = {}
    for name, last in entries[-1].items():
        shares = [entry[name]["share"] for entry in entries if name in entry]
        share, agreement = sum(shares) / len(shares), last["agreement"]
        warning, deviations = None, agreement * math.sqrt(max(observed - 1, 0))
        if observed >= _FEWEST and name.startswith("source") and deviations < -_CLEAR:
            warning = "it ranks the trials the other way round: the search is better off without it"
        elif observed >= _FEWEST and abs(deviations) < _CLEAR and share < _LITTLE:
            warning = "it ranks the trials no better than chance and carried little: leave it out"
        summary[name] = {"share": share, "agreement": agreement, "warning": warning}
    return summary


def column_names(quantities: Iterable[str], own: Collection[str]) -> dict[str, str]:
    """The names of quantities in a table that has columns of its own.

    Args:
        quantities: Different names of quantities.
        own: The names of the table's other columns.

    Returns:
        Quantity -> column, all different: its own name where that is free.

    Example:
        >>> column_names(["error", "trial"], own=["trial", "status"])
        {'error': 'error', 'trial': 'value(trial)'}
    """
    names = list(quantities)
    taken = {*own, *names}
    columns = {}
    for name in names:
        column = name
        while column in own or (column != name and column in taken):
            column = f"value({column})"
        taken.add(column)
        columns[name] = column
    return columns


def parameter_name(operation: str) -> str:
    """The Ax parameter name of an operation, ``n_<operation>``.

    Characters that cannot stand in an identifier become ``_``: Ax parses parameter
    constraints with sympy, where a name such as ``3x3 conv`` fails.

    Example:
        >>> parameter_name("3x3 conv")
        'n_3x3_conv'
    """
    return "n_" + re.sub(r"\W", "_", operation, flags=re.ASCII)


def count_names(operations: Sequence[str]) -> list[str]:
    """The columns of the counts of operations: the names that Ax has for them, where they differ.

    Example:
        >>> count_names(["conv", "max pool"]), count_names(["a b", "a_b"])
        (['n_conv', 'n_max_pool'], ['n_a b', 'n_a_b'])
    """
    names = [parameter_name(operation) for operation in operations]
    return names if len({*names}) == len(names) else [f"n_{o}" for o in operations]
