"""The tables that ``features.py`` searches: columns by name, and some in which size misleads."""

from __future__ import annotations

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.nasbench import Benchmark, NASBenchGraphBenchmark, TableBenchmark
from ax_anasod.typing import Codes, Values

CONVOLUTION = "nor_conv_3x3"
MISLEADING = ("small", "fold")


class Table:
    """The columns of a table, accuracies as errors, looked up by architecture.

    Args:
        path: The file.
        name: Name of its cell.
        target: The column that is searched.
        mislead: How its values are changed (:func:`misleading`); None for not at all.
        margin: By how much the best small architecture is then the best.
    """

    def __init__(
        self, path: str, name: str, target: str, mislead: str | None = None, margin: float = 0.25
    ) -> None:
        self._path, self._name = path, name
        self._columns: dict[str, Benchmark] = {}
        self.target, self.cell = target, self.benchmark(target).cell
        self.every = self.cell.enumerate()
        self._keys = self.cell.keys(self.every)
        self._targets = self._looked_up(target, self.every)
        if mislead is not None:
            sizes = num_convolutions(self.cell, self.every)
            self._targets = misleading(mislead, sizes, self._targets, margin)

    def benchmark(self, column: str) -> Benchmark:
        """The benchmark that reports a column as it is."""
        if column not in self._columns:
            self._columns[column] = TableBenchmark(self._path, self._name, minimize=column)
        return self._columns[column]

    def rows(self, codes: Codes) -> np.ndarray:
        """Which rows of all architectures ``n x d`` codes are, ``n``."""
        rows: np.ndarray = np.searchsorted(self._keys, self.cell.keys(self.cell.canonical(codes)))
        return rows

    def values(self, column: str, codes: Codes) -> Values:
        """The values of ``n x d`` codes, ``n``: of an accuracy the error, others as they are."""
        if column == self.target:
            return np.asarray(self._targets[self.rows(codes)])
        return self._looked_up(column, codes)

    def _looked_up(self, column: str, codes: Codes) -> Values:
        values = self.benchmark(column).query(codes)[column]
        return 100.0 - values if "valid" in column or "test" in column else values


class GraphTable(Table):
    """NAS-Bench-Graph: a column is a data set (its validation error) or a quantity of the target.

    Args:
        target: The data set that is searched.
    """

    def __init__(self, target: str) -> None:
        super().__init__("", "", target)

    def benchmark(self, column: str) -> Benchmark:
        """The benchmark that reports a column as it is."""
        dataset = column if column in NASBenchGraphBenchmark.datasets else self.target
        if dataset not in self._columns:
            quantities = ("latency_seconds", "parameters_millions")
            self._columns[dataset] = NASBenchGraphBenchmark(dataset, report=quantities)
        return self._columns[dataset]

    def _looked_up(self, column: str, codes: Codes) -> Values:
        quantity = "valid_error" if column in NASBenchGraphBenchmark.datasets else column
        return np.asarray(self.benchmark(column).query(codes)[quantity])


def num_convolutions(cell: Cell, codes: Codes) -> Values:
    """How many 3 x 3 convolutions ``n x d`` codes have, ``n``."""
    if CONVOLUTION not in cell.operations:
        raise SystemExit(f"cell {cell.name!r} has no {CONVOLUTION}")
    return np.asarray(1.0 * (codes == cell.operations.index(CONVOLUTION)).sum(axis=1))


def misleading(kind: str, sizes: Values, errors: Values, margin: float) -> Values:
    """Errors of which the size says most about all architectures, and the wrong about the best.

    A reversed sign would not mislead a linear kernel, so that most architectures stay as they are.

    Args:
        kind: ``"small"``: of the architectures without a 3 x 3 convolution, the better half is
            stretched away from their median, until the error of the best of them is less than
            the least one was, by a share ``margin`` of it. ``"fold"``: those with more than two
            are shifted, such that the median of three is that of one, and those of four and more
            are that of none.
        sizes: ``n`` numbers of 3 x 3 convolutions.
        errors: ``n`` errors, of which less is better.
        margin: For ``"small"``.
    """
    changed, smallest = errors.copy(), sizes == 0
    median = np.median(errors[smallest])
    if kind == "small":
        stretch = (median - (1.0 - margin) * errors.min()) / (median - errors[smallest].min())
        better = smallest & (errors < median)
        changed[better] = median - stretch * (median - errors[better])
        return changed
    for size in np.unique(sizes[sizes > 2]):
        like = sizes == max(4 - size, 0)
        changed[sizes == size] += np.median(errors[like]) - np.median(errors[sizes == size])
    return changed
