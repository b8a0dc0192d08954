"""Tables that list things."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


def listing(*columns: str) -> Table:
    """A table with these columns, the first of which is never broken."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for position, column in enumerate(columns):
        table.add_column(column, no_wrap=position == 0, overflow="fold")
    return table


def print_plainly(table: Table, console: Console) -> None:
    """Print a table; where no terminal limits the width, no line is broken."""
    if not console.is_terminal:
        console = Console(file=console.file, highlight=False, width=100_000)
    console.print(table)


def first_line(documented: object) -> str:
    """The first line of a docstring, without its full stop and its marks of code."""
    return (documented.__doc__ or "").strip().splitlines()[0].rstrip(".").replace("``", "")
