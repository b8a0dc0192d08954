"""Where a row of a table stands in its file, in the words of messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Places:
    """Names the rows of a table as whoever opens its file counts them.

    Args:
        lines: The line of each row in a text file, counted from 1 as editors and spreadsheets
            do, with the header and empty lines; None where rows are counted, from 1.
    """

    lines: Sequence[int] | None = None

    def name(self, *rows: int) -> str:
        """Rows, counted from 0, in words.

        Example:
            >>> Places().name(0), Places([2, 3, 5]).name(0, 2)
            ('row 1', 'lines 2 and 5')
        """
        numbers = [row + 1 if self.lines is None else self.lines[row] for row in rows]
        word = "row" if self.lines is None else "line"
        return f"{word}{'s' if len(rows) > 1 else ''} {' and '.join(map(str, numbers))}"


ROWS: Final = Places()
"""Rows counted from 1, as of a Parquet file."""
