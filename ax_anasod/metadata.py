"""Names in what is stored: the keys of Ax's ``gen_metadata``, and the columns of tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

BETA: Final = "beta"
"""Beta of the trust region that it was drawn from."""

EXPECTED_IMPROVEMENT: Final = "expected_improvement_percent"
"""By how much it is expected to improve the best value, in percent of that."""


def column_names(quantities: Iterable[str], own: Collection[str]) -> dict[str, str]:
    """What quantities are called in a table that has columns of its own.

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
