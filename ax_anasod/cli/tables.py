"""What is printed: tables, sentences and JSON, in which nothing from a file acts."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ax_anasod.escaping import for_terminal


class PlainTable(Table):
    """A table whose cells and title are shown as they are: no markup, no control characters.

    Args:
        title: Its title, if any.
        **settings: As for rich's table.
    """

    def __init__(self, title: str | None = None, **settings: Any) -> None:
        shown = None if title is None else plain(title)
        super().__init__(title=shown, title_justify="left", box=SIMPLE_HEAD, **settings)

    def add_row(self, *cells: Any, **settings: Any) -> None:
        """Add a row; cells that are no text are shown as rich does."""
        super().add_row(*(plain(c) if isinstance(c, str) else c for c in cells), **settings)

    def add_column(self, header: Any = "", *arguments: Any, **settings: Any) -> None:
        """Add a column."""
        shown = plain(header) if isinstance(header, str) else header
        super().add_column(shown, *arguments, **settings)


def plain(text: str) -> Text:
    """Text that is shown as it is."""
    return Text(for_terminal(text))


def lines(texts: list[str]) -> Text:
    """Texts below each other, in one cell; a dash where there are none."""
    return Text("\n".join(map(for_terminal, texts)) or "-")


def listing(*columns: str) -> PlainTable:
    """A table with these columns, the first of which is never broken."""
    table = PlainTable(pad_edge=False)
    for position, column in enumerate(columns):
        table.add_column(column, no_wrap=position == 0, overflow="fold")
    return table


def print_json(content: Any) -> None:
    """Print an object as one line of JSON on stdout."""
    # JSON may hold the delete character as it is, unlike all others that act.
    sys.stdout.write(json.dumps(content).replace("\x7f", "\\u007f") + "\n")


def print_plainly(table: Table, console: Console) -> None:
    """Print a table; where no terminal limits the width, no line is broken."""
    if not console.is_terminal:
        console = Console(file=console.file, highlight=False, width=100_000)
    console.print(table)


def first_line(documented: object) -> str:
    """The first line of a docstring, without its full stop and its marks of code."""
    return (documented.__doc__ or "").strip().splitlines()[0].rstrip(".").replace("``", "")
