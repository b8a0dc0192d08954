"""The string form of architectures, shared by all cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

import numpy as np

from ax_anasod.exceptions import ArchitectureError, nearest_hint
from ax_anasod.typing import Codes

_LONGEST_QUOTE = 300
_PRINTED = re.compile(r"""\s*(?:np|numpy)\.str_\((['"])(.*)\1\)\s*""", re.DOTALL)
_BLANK = " \t\r\n\ufeff"


def refuse(
    strings: Sequence[object], position: int, reason: str, hint: str | None = None
) -> NoReturn:
    """Raises an `ArchitectureError` that quotes the string and says where it stands."""
    quoted = repr(strings[position])
    if len(quoted) > _LONGEST_QUOTE:
        quoted = f"{quoted[:_LONGEST_QUOTE]}..."
    where = f" (number {position} of {len(strings)}, from 0)" if len(strings) > 1 else ""
    raise ArchitectureError(f"architecture {quoted}{where}: {reason}", hint)


def check_texts(strings: Sequence[object]) -> list[str]:
    """Returns the strings as a list, without what NumPy prints around a text.

    Raises:
        ArchitectureError: If one is no text (an empty field of a table, say).
    """
    if isinstance(strings, str):
        raise ArchitectureError(
            f"expected a list of architecture strings, got the single string {strings!r}",
            "put it into a list",
        )
    texts: list[str] = []
    for position, string in enumerate(strings):
        if not isinstance(string, str):
            refuse(list(strings), position, "it is no text")
        printed = _PRINTED.fullmatch(string)
        texts.append(printed[2] if printed else string)
    return texts


def refuse_operation(
    strings: Sequence[object], position: int, operation: str, known: Sequence[str]
) -> NoReturn:
    """Raises an `ArchitectureError` about an operation that the cell does not have."""
    reason = f"the cell has no operation {operation!r}"
    refuse(strings, position, reason, nearest_hint(operation, known))


def format_plain(codes: Codes, operations: Sequence[str], num_blocks: int) -> list[str]:
    """Operation names joined by ``|``, then ``@`` and the wiring choices joined by ``,``."""
    names = np.array(operations, dtype=object)[codes[:, :num_blocks]].tolist()
    strings = ["|".join(row) for row in names]
    if codes.shape[1] == num_blocks:
        return strings
    wires = codes[:, num_blocks:].tolist()
    return [f"{s}@{','.join(map(str, row))}" for s, row in zip(strings, wires, strict=True)]


def parse_plain(
    strings: Sequence[str], operations: Sequence[str], num_blocks: int, wiring: Sequence[int]
) -> Codes:
    """Inverse of `format_plain`, ``n x d``."""
    index = {name: i for i, name in enumerate(operations)}
    codes = np.empty((len(strings), num_blocks + len(wiring)), dtype=np.int64)
    for position, string in enumerate(strings):
        blocks, at, wires = string.partition("@")
        row = parse_operations(index, num_blocks, strings, position, blocks)
        if at or wiring:
            row += _parse_wiring(wiring, strings, position, wires)
        codes[position] = row
    return codes


def parse_operations(
    index: Mapping[str, int],
    num_blocks: int,
    strings: Sequence[str],
    position: int,
    blocks: str,
) -> list[int]:
    """The operations of one string.

    Args:
        index: The index of each operation name.
        num_blocks: How many operations there must be.
        strings: All strings, for the message.
        position: Which of them it is.
        blocks: The part of it that holds the operation names, joined by ``|``.

    Raises:
        ArchitectureError: If the number is wrong, or an operation unknown.
    """
    # A name that the cell does not have may be one that it has, with blanks around it.
    names = [name if name in index else name.strip(_BLANK) for name in blocks.split("|")]
    if len(names) != num_blocks:
        refuse(strings, position, f"it has {len(names)} operations, not {num_blocks}")
    for name in names:
        if name not in index:
            refuse_operation(strings, position, name, list(index))
    return [index[name] for name in names]


def _parse_wiring(
    wiring: Sequence[int], strings: Sequence[str], position: int, wires: str
) -> list[int]:
    choices = [choice.strip(_BLANK) for choice in wires.split(",")] if wires else []
    if len(choices) != len(wiring):
        expected = f"{len(wiring)} wiring choices after '@'"
        refuse(strings, position, f"it has {len(choices)} instead of {expected}")
    chosen = []
    for i, (choice, alternatives) in enumerate(zip(choices, wiring, strict=True)):
        # isdecimal alone also accepts other scripts' digits and leading zeros.
        if not choice.isdecimal() or choice != str(int(choice)) or int(choice) >= alternatives:
            allowed = f"0 to {alternatives - 1}"
            refuse(
                strings,
                position,
                f"wiring choice {i} is {choice!r}, allowed is {allowed}",
            )
        chosen.append(int(choice))
    return chosen
