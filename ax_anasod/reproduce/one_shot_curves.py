"""Figure 5 of the paper: how good a draw is after each epoch of a differentiable search."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from ax_anasod.compare.texts import table_value
from ax_anasod.files import write_whole
from ax_anasod.plots import style
from ax_anasod.plots.figure import new_figure, save
from ax_anasod.plots.one_shot_course import draw_methods
from ax_anasod.reproduce.one_shot_columns import ErrorColumn, over_seeds
from ax_anasod.reproduce.one_shot_runs import OneShotReproduction
from ax_anasod.reproduce.one_shot_table import (
    mean_in_words,
    protocol_notes,
    searches_to_dict,
    seeds_in_words,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS_SHOWN: Final = ("anasod-dnas", "gaea", "darts")
"""The paper shows the first; the others are what it is compared with in words."""
EPOCHS: Final = "epochs.csv"

_MEASURED: Final = ("sampled_error", "mean_error", "argmax_error")
_WORDS: Final = ("a draw", "expected", "argmax")


@dataclass(frozen=True)
class OneShotCurves(OneShotReproduction):
    """Figure 5, made again.

    Args:
        runs: The searches.
        columns: What their draws are judged by, at least one.
        name: Its name on the command line.
    """

    name: str = "figure5"

    @property
    def title(self) -> str:
        """The title for people."""
        return f"Figure 5: {self._searches}"

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """A row for each column, method, seed and epoch; errors as the benchmark gives them.

        ``sampled_error`` is that of the architecture drawn after the epoch, ``mean_error`` the
        expected one, ``argmax_error`` that of the likeliest operations; ``entropy`` in nats.
        """
        rows = []
        for column in self.columns:
            for outcome in self.runs.outcomes:
                curve = outcome.summary["curve"]
                sampled = column.of([row["drawn"] for row in curve])
                likeliest = column.of([row["likeliest"] for row in curve])
                for row, error, argmax_error in zip(curve, sampled, likeliest, strict=True):
                    shares = column.edges.spread(row["probabilities"])
                    rows.append(
                        {
                            "method": outcome.label,
                            "seed": outcome.seed,
                            "epoch": row["epoch"],
                            "mean_error": column.oracle.mean_error(shares),
                            "sampled_error": error,
                            "argmax_error": argmax_error,
                            "entropy": row["entropy"],
                            "objective": column.oracle.name,
                        }
                    )
        names = ["method", "seed", "epoch", "mean_error", "sampled_error", "argmax_error"]
        return pd.DataFrame(rows, columns=[*names, "entropy", "objective"])

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The errors after the first and the last epoch."""
        header = ["method", "error", "epochs", "a draw after epoch 1"]
        header += [f"{words} at the end" for words in _WORDS]
        rows = []
        for entry in self._entries:
            column = next(c for c in self.columns if c.oracle.name == entry["objective"])
            errors = [entry["first"], *(entry["last"][name] for name in _MEASURED)]
            rows.append(
                [
                    entry["method"],
                    column.title,
                    str(entry["epochs"]),
                    *(mean_in_words(value, column.unit) for value in errors),
                    entry["runs"],
                ]
            )
        return [*header, "runs"], rows

    def records(self) -> list[dict[str, Any]]:
        """The rows of the table as numbers; None where there is no number."""
        records = []
        for entry in self._entries:
            record = {name: entry[name] for name in ("method", "objective", "epochs", "runs")}
            values = {"first_sampled_error": entry["first"], **entry["last"]}
            for name, value in values.items():
                known = value or {"mean": None, "deviation": None}
                record |= {f"{part}({name})": known[part] for part in ("mean", "deviation")}
            records.append(record)
        return records

    def notes(self) -> list[str]:
        """The notes that explain the figure, a sentence each."""
        sentences = [
            "Ours: the error of one architecture drawn from p after each epoch (line and band: "
            f"mean ± SD over {seeds_in_words(self.runs.seeds)}; as in the paper), and the exact "
            "expected error of a draw (thin line). argmax: the likeliest operation of each block; "
            "of a distribution that all blocks share it is a cell of one operation."
        ]
        for column in self.columns:
            best, error = _best_of_one(column)
            uniform = table_value(column.oracle.uniform, column.unit)
            sentences.append(
                f"{column.oracle.name}: a uniform draw {uniform}, the best cell of one "
                f"operation ({best}) {table_value(error, column.unit)}, the optimum "
                f"{table_value(column.listed[1].min(), column.unit)}."
            )
        sentences += protocol_notes(self.runs)
        sentences.append(
            "The paper prints no numbers for Figure 5; its text says that ANASOD-DNAS finds good "
            "cells almost instantly and keeps to them. Over how many seeds is not stated."
        )
        return sentences + [f"Not finished: {failure}" for failure in self.failures]

    def as_dict(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return {
            **searches_to_dict(self.runs, self.columns),
            "target": self.name,
            "methods": self._entries,
            "epochs": self.epochs.to_dict(orient="records"),
            "notes": self.notes(),
        }

    def write_more(self, directory: Path) -> list[Path]:
        """Write ``epochs.csv``, and draw a panel for each column.

        Raises:
            RunError: A file cannot be written.
        """
        table, picture = directory / EPOCHS, directory / f"{self.name}.png"
        write_whole(table, self.epochs.to_csv(index=False, lineterminator="\n"))
        save(self.draw(), picture)
        return [table, picture]

    def draw(self) -> Figure:
        """A panel for each column; a line for each method."""
        figure, _ = new_figure(columns=len(self.columns))
        for axes, column in zip(figure.axes, self.columns, strict=True):
            data = self.epochs[self.epochs["objective"] == column.oracle.name]
            draw_methods(
                axes,
                {m.label: data[data["method"] == m.label] for m in self.runs.methods},
                {m.label for m in self.runs.methods if m.name == "darts"},
                lowest=float(column.listed[1].min()),
                uniform=column.oracle.uniform,
                best_of_one=_best_of_one(column),
            )
            axes.set_title(column.title, loc="left", fontsize=12, fontweight="bold", pad=12)
            axes.set_ylabel(style.axis_label(column.oracle.name, column.unit))
        return figure

    @cached_property
    def _entries(self) -> list[dict[str, Any]]:
        entries = []
        for column in self.columns:
            of_column = self.epochs[self.epochs["objective"] == column.oracle.name]
            for method in self.runs.methods:
                data = of_column[of_column["method"] == method.label]
                settings = self.runs.settings[method.label]
                first, last = data[data["epoch"] == 1], data[data["epoch"] == data["epoch"].max()]
                entries.append(
                    {
                        "method": method.label,
                        "objective": column.oracle.name,
                        "epochs": self.runs.protocol.epochs or settings.epochs,
                        "first": over_seeds(first["sampled_error"]) if len(first) else None,
                        "last": {
                            name: over_seeds(last[name]) if len(last) else None
                            for name in _MEASURED
                        },
                        "runs": f"{len(last)} of {self.runs.seeds}",
                    }
                )
        return entries


def _best_of_one(column: ErrorColumn) -> tuple[str, float]:
    return min(column.oracle.of_one_operation.items(), key=lambda item: item[1])
