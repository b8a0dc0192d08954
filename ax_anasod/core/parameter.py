"""One count of the operation distribution as an Ax parameter."""

from __future__ import annotations

import re
from typing import Any

from ax.core.parameter import ParameterType, RangeParameter

from ax_anasod.cells import Cell
from ax_anasod.exceptions import CellError


class OperationParameter(RangeParameter):
    """The number n(o) of operation blocks that hold one operation (paper Sec. 3.1).

    An integer range parameter; the class keeps Ax's constructor, so that Ax can clone,
    store and load it like any other.

    Args:
        name: ``n_<operation>``, see :func:`parameter_name`.
        parameter_type: Always integer.
        lower: Smallest count, 0.
        upper: Largest count, the cell's N.
        kwargs: Passed on to ``RangeParameter``.
    """

    def __init__(
        self,
        name: str,
        parameter_type: ParameterType = ParameterType.INT,
        lower: float = 0,
        upper: float = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            name=name, parameter_type=parameter_type, lower=lower, upper=upper, **kwargs
        )

    def clone(self) -> OperationParameter:
        """A copy without the database identity of the original."""
        # Ax's own clone returns a plain RangeParameter, and a copy that kept the
        # database identity could not be saved beside the original.
        cloned = object.__new__(type(self))
        cloned.__dict__.update(self.__dict__)
        cloned._db_id = None
        return cloned


def parameter_name(operation: str) -> str:
    """The Ax parameter name of an operation, ``n_<operation>``.

    Characters that cannot stand in an identifier become ``_``: Ax parses parameter
    constraints with sympy, where a name such as ``3x3 conv`` fails.

    Example:
        >>> parameter_name("3x3 conv")
        'n_3x3_conv'
    """
    return "n_" + re.sub(r"\W", "_", operation, flags=re.ASCII)


def parameter_names(cell: Cell) -> list[str]:
    """The parameter names of a cell's operations, in the cell's order.

    Raises:
        CellError: Two operations would get the same parameter name.
    """
    owner: dict[str, str] = {}
    for operation in cell.operations:
        name = parameter_name(operation)
        if name in owner:
            raise CellError(
                f"operations {owner[name]!r} and {operation!r} of cell {cell.name!r} would "
                f"both be the parameter {name!r}",
                "rename one of them",
            )
        owner[name] = operation
    return list(owner)
