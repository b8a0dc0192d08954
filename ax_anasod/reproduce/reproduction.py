"""The interface of every reproduction: a table, notes, data, and files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
from ax.core.analysis_card import AnalysisCard

from ax_anasod.analysis.page import Page, paragraphs, picture
from ax_anasod.compare.run_results import csv_text
from ax_anasod.compare.texts import markdown_page, table_value
from ax_anasod.files import ensure_folder, write_whole


class Reproduction(Protocol):
    """A table or figure of the paper, made again."""

    @property
    def name(self) -> str:
        """The name on the command line."""
        ...

    @property
    def title(self) -> str:
        """The title for people."""
        ...

    @property
    def finished(self) -> bool:
        """True if the reproduction is complete; False if it was stopped."""
        ...

    @property
    def resumable(self) -> bool:
        """True if a stopped reproduction continues from its folder."""
        ...

    @property
    def failures(self) -> Sequence[str]:
        """The failures, a sentence each."""
        ...

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The header and the rows, as people read them."""
        ...

    def records(self) -> list[dict[str, Any]]:
        """The rows with numbers in columns of their own: the content of ``<name>.csv``."""
        ...

    def notes(self) -> list[str]:
        """The notes that explain the table, a sentence each."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        ...

    def write_more(self, directory: Path) -> list[Path]:
        """Write what it has besides its table: a picture, and the trials of its searches.

        Args:
            directory: The folder.

        Returns:
            The paths of the files.

        Raises:
            RunError: A file cannot be written.
        """
        ...


def plus_minus(mean: float | None, spread: float | None, unit: str) -> str:
    """A mean in a table with what stands behind its ±, as far as they are known."""
    if mean is None:
        return "-"
    text = table_value(mean, unit)
    return text if spread is None else f"{text} ± {table_value(spread, unit)}"


def write_files(reproduction: Reproduction, directory: Path) -> list[Path]:
    """Write ``<name>.md``, ``<name>.csv``, ``<name>.html``, ``<name>.png`` and what else there is.

    Args:
        reproduction: The reproduction.
        directory: The folder.

    Returns:
        The paths of the files.

    Raises:
        RunError: A file cannot be written.
    """
    ensure_folder(directory, "choose another folder")
    header, rows = reproduction.table()
    records = pd.DataFrame.from_records(reproduction.records())
    markdown = directory / f"{reproduction.name}.md"
    table = directory / f"{reproduction.name}.csv"
    marks = ["---"] * len(header)
    write_whole(
        markdown, markdown_page(reproduction.title, header, marks, rows, reproduction.notes())
    )
    write_whole(table, csv_text(records))
    more = reproduction.write_more(directory)
    page = directory / f"{reproduction.name}.html"
    write_whole(page, _page(reproduction, more).render())
    return [markdown, table, page, *more]


def _page(reproduction: Reproduction, files: Sequence[Path]) -> Page:
    """The table, the pictures among some files, and the notes."""
    header, rows = reproduction.table()
    shown = AnalysisCard(
        name=reproduction.name,
        title="Table",
        subtitle="",
        df=pd.DataFrame(rows, columns=header),
        blob="",
    )
    pictures = [
        picture(path.stem, "", path.read_bytes()) for path in files if path.suffix == ".png"
    ]
    notes = paragraphs("How to read the table", reproduction.notes())
    return Page(reproduction.title, [("", [shown, *pictures, notes])])
