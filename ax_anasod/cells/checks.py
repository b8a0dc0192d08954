"""Checks of a cell's definition: what a user writes in Python or TOML."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence, Set

from ax_anasod.exceptions import CellError, shown
from ax_anasod.simplex.counts import whole_number

# Characters that the string form of an architecture uses itself.
SEPARATORS = "|@"
# A typing error beyond these would take hours or fill the memory: Ax has a parameter for each
# block, and numbers of architectures have as many digits.
MOST_BLOCKS = 10_000
MOST_OPERATIONS = 1_000
MOST_ALTERNATIVES = 1_000_000
LONGEST_NAME = 1_000


def check_name(name: object) -> str:
    """Returns the name of a cell.

    Raises:
        CellError: If the name is no text, or blank.
    """
    if not isinstance(name, str) or not name.strip():
        raise CellError(f"the name of a cell must be a non-empty text, got {shown(name)}")
    _check_length("the name of a cell", name)
    return str(name)


def _check_length(what: str, text: str) -> None:
    if len(text) > LONGEST_NAME:
        raise CellError(f"{what} can have at most {LONGEST_NAME:,} letters, got {len(text):,}")


def check_operations(name: str, operations: object) -> tuple[str, ...]:
    """Returns the operation names of a cell.

    Args:
        name: The cell's name, for the message.
        operations: At least two different names without separator characters.

    Raises:
        CellError: If the operations are not that; the message names the offending one.
    """
    if isinstance(operations, str) or not isinstance(operations, Iterable):
        raise CellError(
            f"operations of cell {name!r} must be a list of names, got {shown(operations)}"
        )
    if isinstance(operations, Set):
        # It would be another one in each process, and so would the meaning of each code.
        raise CellError(
            f"operations of cell {name!r} are a set, which has no order",
            f"give a list, such as {sorted(map(str, operations))}",
        )
    names = tuple(itertools.islice(operations, MOST_OPERATIONS + 1))
    if len(names) > MOST_OPERATIONS:
        raise CellError(f"cell {name!r} can have at most {MOST_OPERATIONS:,} operations")
    seen: set[str] = set()
    for operation in names:
        if not isinstance(operation, str) or not operation.strip():
            raise CellError(
                f"operations of cell {name!r} must be non-empty texts, got {shown(operation)}"
            )
        _check_length(f"an operation of cell {name!r}", operation)
        if not operation.isprintable():
            raise CellError(
                f"operation {operation!r} of cell {name!r} contains a character that is not shown",
                "leave out line breaks and tabs",
            )
        for separator in SEPARATORS:
            if separator in operation:
                raise CellError(
                    f"operation {operation!r} of cell {name!r} contains {separator!r}, which "
                    "separates the parts of an architecture string",
                    f"rename it to {operation.replace(separator, '_')!r}",
                )
        if operation in seen:
            raise CellError(f"operation {operation!r} of cell {name!r} is listed twice")
        seen.add(operation)
    if len(names) < 2:
        raise CellError(
            f"cell {name!r} has operations {list(names)}; at least two are needed, or there is "
            "nothing to search"
        )
    # NumPy's texts cannot be stored as JSON.
    return tuple(map(str, names))


def check_blocks(name: str, num_blocks: object, parts: object) -> tuple[int, int]:
    """Returns the number of blocks and of parts of a cell.

    Raises:
        CellError: If one is no whole number of at least 1, there are more than 10,000 blocks,
            or the parts do not divide them.
    """
    blocks = whole_number(f"num_blocks of cell {name!r}", num_blocks, 1, MOST_BLOCKS, CellError)
    pieces = whole_number(f"parts of cell {name!r}", parts, 1, MOST_BLOCKS, CellError)
    if blocks % pieces:
        raise CellError(
            f"the {blocks} blocks of cell {name!r} cannot be split into {pieces} equal parts"
        )
    return blocks, pieces


def check_wiring(name: str, wiring: object) -> tuple[int, ...]:
    """Returns how many alternatives each wiring choice of a cell has.

    Raises:
        CellError: If one is no whole number of at least 2, or they are too many or too large.
    """
    if isinstance(wiring, (str, bytes)) or not isinstance(wiring, Sequence):
        raise CellError(f"wiring of cell {name!r} must be a list of numbers, got {shown(wiring)}")
    if len(wiring) > MOST_BLOCKS:
        raise CellError(f"cell {name!r} can have at most {MOST_BLOCKS:,} wiring choices")
    chosen = []
    for i, alternatives in enumerate(wiring):
        what = f"wiring choice {i} of cell {name!r}"
        number = whole_number(what, alternatives, 1, MOST_ALTERNATIVES, CellError)
        if number == 1:
            raise CellError(
                f"{what} must be a whole number of at least 2, got 1",
                "leave out a choice with one alternative: nothing is chosen there",
            )
        chosen.append(number)
    return tuple(chosen)
