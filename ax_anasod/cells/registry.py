"""Cells by name, from files, and as users give them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from ax_anasod.cells.cell import Cell, from_dict
from ax_anasod.cells.genotype import DARTSCell, NASNetCell
from ax_anasod.cells.hybrid_lm import HybridLMCell
from ax_anasod.cells.nasbench201_cell import NASBench201Cell
from ax_anasod.cells.nasbench_graph_cell import NASBenchGraphCell
from ax_anasod.exceptions import CellError, UnknownNameError, nearest_hint, shown
from ax_anasod.files import is_there, read_bytes, what_is_there

_BUILT_IN: dict[str, Callable[[], Cell]] = {
    "nas-bench-201": NASBench201Cell,
    "darts": DARTSCell,
    "nas-bench-301": DARTSCell,
    "nasnet": NASNetCell,
    "nas-bench-graph": NASBenchGraphCell,
    "nas-bench-graph-proteins": lambda: NASBenchGraphCell(proteins=True),
    "hybrid-lm": HybridLMCell,
}
# A cell file is some lines long.
_MOST_BYTES = 2**20
_KEYS = ("name", "operations", "num_blocks", "wiring")


def names() -> tuple[str, ...]:
    """The names of the built-in cells."""
    return tuple(_BUILT_IN)


def get(name: str) -> Cell:
    """A built-in cell.

    Raises:
        UnknownNameError: If no built-in cell has that name.

    Example:
        >>> from ax_anasod import cells
        >>> cells.get("nas-bench-201").total
        6
    """
    if not isinstance(name, str) or name not in _BUILT_IN:
        raise UnknownNameError("cell", name, _BUILT_IN)
    return _BUILT_IN[name]()


def load(path: str | PathLike[str]) -> Cell:
    """A user's cell from a TOML file.

    The keys are ``name``, ``operations``, ``num_blocks`` and, where there are wiring
    choices, ``wiring``; their meaning is that of the arguments of `Cell`.

    Args:
        path: The file.

    Raises:
        CellError: If the file cannot be read, is no TOML, or describes no cell.
    """
    file = Path(path)
    try:
        content = tomllib.loads(read_bytes(file, _MOST_BYTES).decode("utf-8-sig"))
    except FileNotFoundError:
        raise CellError(f"there is no cell file {str(file)!r}", what_is_there(file)) from None
    except OSError as error:
        raise CellError(f"cell file {str(file)!r} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CellError(f"cell file {str(file)!r} is no UTF-8 text", "save it as UTF-8") from None
    except RecursionError:
        raise CellError(f"cell file {str(file)!r} is nested too deeply") from None
    # Also what Python says of a number of thousands of digits.
    except ValueError as error:
        why = str(error).partition(";")[0]
        raise CellError(f"cell file {str(file)!r} is no TOML: {why}") from None
    return _from_toml(str(file), content)


def as_cell(cell: Cell | Mapping[str, Any]) -> Cell:
    """A cell as it is, or the cell of a description from `Cell.to_dict`.

    Raises:
        CellError: The description is none.
    """
    return cell if isinstance(cell, Cell) else from_dict(dict(cell))


def resolve(name_or_path: str | PathLike[str]) -> Cell:
    """A built-in cell by name, or a user's cell by the path of its TOML file.

    Raises:
        UnknownNameError: If the text is neither a name nor looks like a path.
        CellError: If the text is a path, and the file describes no cell.
    """
    text = str(name_or_path)
    if text in _BUILT_IN:
        return get(text)
    if isinstance(name_or_path, str) and not text.endswith(".toml") and not is_there(Path(text)):
        return get(text)
    return load(name_or_path)


def _from_toml(file: str, content: dict[str, Any]) -> Cell:
    for key in content:
        if key not in _KEYS:
            raise CellError(
                f"cell file {file!r} has the unknown key {shown(key)}",
                nearest_hint(key, _KEYS),
            )
    for key in _KEYS[:3]:
        if key not in content:
            raise CellError(
                f"cell file {file!r} lacks the key {key!r}",
                'for example: name = "mine", operations = ["conv", "skip"], num_blocks = 8',
            )
    try:
        return Cell(**content)
    except CellError as error:
        raise CellError(f"cell file {file!r}: {error.message}", error.hint) from None
