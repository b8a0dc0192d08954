"""Any table of architectures and numbers as a benchmark."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, combinations
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.exceptions import BenchmarkError, ObservationWarning, OptionError
from ax_anasod.nasbench.benchmark import KIND, register_benchmark
from ax_anasod.nasbench.lookup_benchmark import ArchitectureIndex, LookupBenchmark
from ax_anasod.nasbench.source_files import Saved, read_saved
from ax_anasod.nasbench.table_file import ARCH, read_table
from ax_anasod.nasbench.table_rows import (
    RowNames,
    read_architectures,
    read_parameters,
    refuse_repeats,
)
from ax_anasod.objectives import COST, PERCENT, Objective, name_list
from ax_anasod.typing import FloatArray

_NAME = "table"
_SUFFIXES = (".gz", ".csv", ".parquet", ".pq")
_ROUNDING = 1e-5


@register_benchmark(_NAME)
class TableBenchmark(LookupBenchmark):
    """A CSV (``.gz`` too) or Parquet file with a column ``arch`` and numeric columns.

    Objectives come in the order: accuracies, what is minimised, what is maximised. Messages
    name lines of a CSV file, rows of a Parquet file, counted from 1.

    Args:
        path: The file.
        cell: The cell of the strings in ``arch``: a `Cell`, the name of a built-in one,
            or the path of a TOML file.
        accuracy: Columns in percent, searched as error = 100 - accuracy under the name
            ``<column>_error``.
        minimize: Columns with any quantity of which less is better, searched as they are.
        maximize: Columns with any quantity of which more is better, searched as they are.
        report: Columns that are not searched but given for the incumbent, as they are.
        cost: Column with the cost of an evaluation in seconds.
        parameter: Columns that are searched beside the cell, such as a learning rate: rows of
            one architecture differ in them
            (:func:`ax_anasod.nasbench.table_rows.read_parameters`).
        present_only: Search only the architectures in the table, where some lack. The trial of
            a combination with parameters that lacks fails.
        name: Name of the benchmark in results; the file's name without its endings, if
            None.

    Raises:
        BenchmarkError: If the file is missing, damaged or no table; if an architecture is
            malformed or listed twice; if a value is out of its range; if architectures,
            or combinations with parameters, lack and ``present_only`` is not set.
        UnknownNameError: If there is no such column or cell.
        OptionError: If no column is searched, or two would have the same name.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        cell: Cell | str | PathLike[str],
        *,
        accuracy: str | Iterable[str] = (),
        minimize: str | Iterable[str] = (),
        maximize: str | Iterable[str] = (),
        report: str | Iterable[str] = (),
        cost: str | None = None,
        parameter: str | Iterable[str] = (),
        present_only: bool = False,
        name: str | None = None,
    ) -> None:
        self.path = Path(path)
        # Resolved now: the working folder may be another one when the run is saved.
        self._resolved_path = self.path.resolve()
        self._whole_cell = cell if isinstance(cell, Cell) else cells.resolve(str(cell))
        self._accuracy = name_list("accuracy", accuracy)
        self._minimize = name_list("minimize", minimize)
        self._maximize = name_list("maximize", maximize)
        self._report = name_list("report", report)
        self._cost = cost
        self._parameter = name_list("parameter", parameter)
        self._present_only = present_only
        if not isinstance(present_only, bool):
            raise OptionError(f"present_only must be True or False, got {present_only!r}")
        searched = {
            "accuracy": self._accuracy,
            "minimize": self._minimize,
            "maximize": self._maximize,
        }
        _check_names(searched, self._report, cost, self._parameter)
        columns = dict.fromkeys((*chain(*searched.values()), *self._report))
        columns |= {} if cost is None else {cost: None}
        table = read_table(self.path, [*columns], self._parameter)
        places = table.places
        hyperparameters, settings = read_parameters(self.path, table.parameters, places)
        index = ArchitectureIndex(
            self._whole_cell,
            read_architectures(self.path, self._whole_cell, table.architectures, places),
            hyperparameters,
            settings,
        )
        refuse_repeats(self.path, table.architectures, index, table.columns, places)
        super().__init__(
            name=name or _stem(self.path),
            dataset=None,
            index=index,
            values=self._check_values(table.columns, places),
            objectives=(
                *(Objective(f"{column}_error", PERCENT) for column in self._accuracy),
                *(Objective(column, "") for column in self._minimize),
                *(Objective(column, "", minimize=False) for column in self._maximize),
            ),
            reported=tuple(Objective(column, "") for column in self._report),
            present_only=present_only,
            source=f"the table {self.path}",
        )

    def _check_values(
        self, columns: Mapping[str, FloatArray], places: RowNames
    ) -> dict[str, FloatArray]:
        values: dict[str, FloatArray] = {}
        for column in self._accuracy:
            finite = self._finite(column, columns[column], places)
            # Single precision can give 100.00000001 percent.
            near = np.clip(finite, 0.0, 100.0)
            finite = np.where(np.abs(finite - near) <= _ROUNDING, near, finite)
            known = np.nan_to_num(finite, nan=0.0)
            self._check_range(column, known, places, "an accuracy in percent", 0.0, 100.0)
            highest = known.max()
            if 0.0 < highest <= 1.0:
                raise BenchmarkError(
                    f"column {column!r} of the table {self.path} holds no value above "
                    f"{highest:g}: it seems to be a fraction, but an accuracy is in percent",
                    "multiply it by 100",
                )
            values[f"{column}_error"] = 100.0 - finite
        for column in (*self._minimize, *self._maximize):
            values[column] = self._finite(column, columns[column], places)
        for column in self._report:
            self._check_range(column, columns[column], places, "a reported quantity")
            values[column] = columns[column]
        if self._cost is not None:
            self._check_range(self._cost, columns[self._cost], places, "a cost in seconds", 0.0)
            values[COST] = columns[self._cost]
        return values

    def _finite(self, column: str, values: FloatArray, places: RowNames) -> FloatArray:
        """The values of a searched column, NaN for what is not finite: trials of these fail."""
        wrong = ~np.isfinite(values)
        if not wrong.any():
            return values
        what = f"column {column!r} of the table {self.path} holds "
        if wrong.all():
            raise BenchmarkError(f"{what}no finite value")
        warnings.warn(
            f"{what}{values[wrong][0]:g} in {places.name(int(np.argmax(wrong)))} "
            f"({np.count_nonzero(wrong):,} values that are not finite): trials of these fail",
            ObservationWarning,
            stacklevel=4,
        )
        return np.where(wrong, np.nan, values)

    def _check_range(
        self,
        column: str,
        values: FloatArray,
        places: RowNames,
        meaning: str,
        lowest: float = -np.inf,
        highest: float = np.inf,
    ) -> None:
        wrong = ~np.isfinite(values) | (values < lowest) | (values > highest)
        if not wrong.any():
            return
        row = int(np.argmax(wrong))
        found = repr(float(values[row])).removesuffix(".0")
        bound = "" if lowest == -np.inf else f", {lowest:g} or more"
        allowed = f"from {lowest:g} to {highest:g}" if highest < np.inf else f"finite{bound}"
        raise BenchmarkError(
            f"column {column!r} of the table {self.path} holds {found} in {places.name(row)} "
            f"({np.count_nonzero(wrong):,} such rows); {meaning} must be {allowed}"
        )

    def optimum(self, objective: str) -> float | None:
        """The best value of an objective over all architectures that can be searched.

        Args:
            objective: Name of an objective or a reported column.

        Returns:
            The value, or None for a reported column: the table does not say whether more
            or less of it is better.

        Raises:
            UnknownNameError: If there is no such quantity.
        """
        best = super().optimum(objective)
        return None if objective in self._report else best

    def for_column(self, column: str) -> TableBenchmark:
        """A benchmark on this table with one objective, which is read as the first one of this is.

        Raises:
            BenchmarkError: The column has a value that is out of its range.
            UnknownNameError: There is no such column.
        """
        kind = "accuracy" if self._accuracy else "minimize" if self._minimize else "maximize"
        return TableBenchmark(
            self._resolved_path,
            self._whole_cell,
            **{kind: column},
            present_only=self._present_only,
            name=self.name,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description: the path as given and resolved, the options, a digest."""
        return {
            KIND: _NAME,
            "path": str(self.path),
            "resolved_path": str(self._resolved_path),
            "cell": self._whole_cell.to_dict(),
            "accuracy": list(self._accuracy),
            "minimize": list(self._minimize),
            "maximize": list(self._maximize),
            "report": list(self._report),
            "cost": self._cost,
            "present_only": self._present_only,
            "name": self.name,
            "fingerprint": self.fingerprint(),
            # Left out if empty, so that descriptions of tables without parameters do not change.
            **({"parameter": list(self._parameter)} if self._parameter else {}),
        }

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Self:
        """Reads the table of a description from `to_dict` again.

        Raises:
            BenchmarkError: If the file is gone, or holds other values than before.
        """
        saved = read_saved(_Saved, description)
        path = saved.find()
        benchmark = cls(path, **{**saved.options(), "cell": cells.from_dict(saved.cell)})
        benchmark.path = Path(saved.path)
        benchmark._check_fingerprint(saved.fingerprint, f"the table {path}")
        return benchmark


@dataclass(frozen=True)
class _Saved(Saved):
    """The content of `TableBenchmark.to_dict`, without the kind."""

    cell: dict[str, Any]
    accuracy: list[str]
    minimize: list[str]
    report: list[str]
    cost: str | None
    present_only: bool
    name: str
    maximize: list[str] = field(default_factory=list)
    parameter: list[str] = field(default_factory=list)


def _check_names(
    searched: Mapping[str, tuple[str, ...]],
    report: tuple[str, ...],
    cost: str | None,
    parameters: tuple[str, ...],
) -> None:
    if not any(searched.values()):
        raise OptionError(
            "no column of the table is searched",
            "name one with accuracy, with minimize or with maximize",
        )
    for one, other in combinations(searched, 2):
        for column in searched[one]:
            if column in searched[other]:
                raise OptionError(
                    f"the column {column!r} is named by both {one} and {other}",
                    "name it in one of them",
                )
    for column in parameters:
        if column == ARCH:
            raise OptionError(
                f"the column {column!r} holds the architectures, and is no parameter beside them",
                "leave it out",
            )
        if parameters.count(column) > 1 or column in (*chain(*searched.values()), *report, cost):
            raise OptionError(
                f"the column {column!r} is searched as a parameter, and named a second time",
                "name it once",
            )
    resulting = [
        *(f"{column}_error" for column in searched["accuracy"]),
        *searched["minimize"],
        *searched["maximize"],
        *report,
    ]
    for position, name in enumerate(resulting):
        if name in resulting[:position]:
            raise OptionError(
                f"two quantities of the table would be called {name!r}",
                "name each column once, and rename one where <column>_error exists already",
            )
    if COST in resulting and cost != COST:
        raise OptionError(f"the name {COST!r} is kept for the cost", f"pass cost={COST!r}")


def _stem(path: Path) -> str:
    stem = path.name
    for suffix in _SUFFIXES:
        stem = stem.removesuffix(suffix)
    return stem
