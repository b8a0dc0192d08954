"""Benchmarks that hold all their values in memory, found by binary search."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.exceptions import ArchitectureError, BenchmarkError
from ax_anasod.nasbench.benchmark import Benchmark, FloatArray, IntArray, refuse_seeds
from ax_anasod.objectives import COST, Objective, find_quantity

_CHUNK = 4096


class ArchitectureIndex:
    """Finds the rows of a table that hold given architectures.

    Architectures that the cell counts as one (isomorphic ones, `Cell.canonical`)
    are one here too.

    Args:
        cell: The cell of the architectures.
        codes: ``n x d`` codes, row i of the table is architecture i.
    """

    def __init__(self, cell: Cell, codes: IntArray) -> None:
        self._cell = cell
        keys = self._keys_of(codes)
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    def _keys_of(self, codes: IntArray) -> npt.NDArray[Any]:
        canonical = self._cell.canonical(codes)
        # Keys are built column by column, three times as fast where the rows stay in cache.
        starts = range(0, max(len(canonical), 1), _CHUNK)
        return np.concatenate([self._cell.keys(canonical[i : i + _CHUNK]) for i in starts])

    @property
    def order(self) -> IntArray:
        """``n`` row numbers in an order that does not depend on the table's."""
        return self._order

    @property
    def sorted_keys(self) -> npt.NDArray[Any]:
        """``n`` keys of the cell, ascending."""
        return self._keys

    def repeats(self) -> IntArray:
        """``m x 2`` pairs of rows that hold the same architecture, by the later row."""
        same = np.flatnonzero(self._keys[1:] == self._keys[:-1])
        pairs = np.stack([self._order[same], self._order[same + 1]], axis=1)
        return pairs[np.argsort(pairs[:, 1], kind="stable")]

    def rows(self, codes: IntArray) -> IntArray:
        """``n`` row numbers of the architectures ``codes`` (``n x d``).

        Raises:
            ArchitectureError: If one is not in the table, naming it.
        """
        keys = self._keys_of(codes)
        places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        found = self._keys[places] == keys
        if not found.all():
            absent = self._cell.to_strings(np.asarray(codes)[~found][:1])[0]
            raise ArchitectureError(
                f"the benchmark has no value for {absent!r} (cell {self._cell.name!r}), "
                f"nor for {np.count_nonzero(~found) - 1:,} others of this query"
            )
        return self._order[places]


class LookupBenchmark(Benchmark):
    """A benchmark whose values lie in memory.

    Args:
        name: Name of the benchmark.
        dataset: Data set, None where the data does not say.
        cell: The whole cell, `RestrictedCell` is taken where the codes are not all of it.
        codes: ``n x d`` codes without repeats.
        values: Name -> ``n`` values for all quantities, and ``"cost_seconds"``, if known.
        objectives: Quantities that are searched.
        reported: Quantities that are not.
        present_only: Search only the architectures in ``codes``, where some lack.
        source: The data in words, for messages.

    Raises:
        BenchmarkError: If architectures lack and ``present_only`` is not set.
    """

    def __init__(
        self,
        *,
        name: str,
        dataset: str | None,
        cell: Cell,
        codes: IntArray,
        values: Mapping[str, FloatArray],
        objectives: tuple[Objective, ...],
        reported: tuple[Objective, ...],
        present_only: bool,
        source: str,
    ) -> None:
        self.name = name
        self.dataset = dataset
        self.objectives = objectives
        self.reported = reported
        self.cell = _searchable(cell, codes, present_only, source)
        self._index = ArchitectureIndex(cell, codes)
        self._values = dict(values)

    def query(self, codes: IntArray, seeds: IntArray | None = None) -> dict[str, FloatArray]:
        """The values of architectures, in the order of ``codes``.

        Args:
            codes: ``n x d`` codes of the cell.
            seeds: Must be None: these values have no training seed to choose.

        Returns:
            Name -> ``n`` values (errors in percent, ``"cost_seconds"`` in seconds).

        Raises:
            ArchitectureError: If an architecture is not in the data, naming it.
            OptionError: If seeds are given.
        """
        refuse_seeds(self.name, seeds)
        rows = self._index.rows(codes)
        return {name: values[rows] for name, values in self._values.items()}

    def optimum(self, objective: str) -> float | None:
        """The best value of an objective over all architectures that can be searched.

        Args:
            objective: Name of an objective or a reported error.

        Raises:
            UnknownNameError: If there is no such quantity.
        """
        quantity = find_quantity(objective, (*self.objectives, *self.reported))
        values = self._values[quantity.name]
        return float(np.nanmin(values) if quantity.minimize else np.nanmax(values))

    def all_values(self) -> Mapping[str, FloatArray] | None:
        """What queries answer for all architectures that can be searched."""
        return self._values

    @property
    def has_cost(self) -> bool:
        """Whether queries return ``"cost_seconds"``."""
        return COST in self._values

    def fingerprint(self) -> str:
        """Digest of architectures and values: equal digests answer every query alike."""
        digest = hashlib.sha256(self._index.sorted_keys.tobytes())
        for name, values in sorted(self._digest_parts().items()):
            digest.update(name.encode())
            digest.update(values[self._index.order].tobytes())
        return digest.hexdigest()

    def _digest_parts(self) -> dict[str, FloatArray]:
        """Everything that queries answer from, ``n`` values each."""
        return self._values

    def _check_fingerprint(self, saved: str, source: str) -> None:
        if self.fingerprint() != saved:
            raise BenchmarkError(
                f"{source} holds other values than when the run was saved",
                "restore the file, or start a new run",
            )


def _searchable(cell: Cell, codes: IntArray, present_only: bool, source: str) -> Cell:
    lacking = cell.size - len(codes)
    if lacking == 0:
        return cell
    if not present_only:
        raise BenchmarkError(
            f"{source} lacks {_amount(lacking)} of the {_amount(cell.size)} architectures that "
            f"the cell {cell.name!r} can produce",
            f"pass present_only=True to search only the {_amount(len(codes))} present",
        )
    return RestrictedCell(cell, codes)


def _amount(number: int) -> str:
    return f"{number:,}" if number < 10**15 else f"10^{math.floor(math.log10(number))}"
