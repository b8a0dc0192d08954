"""Benchmarks that hold all their values in memory, found by binary search."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping

import numpy as np

from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.exceptions import ArchitectureError, BenchmarkError, OptionError
from ax_anasod.hyperparameters import Hyperparameters
from ax_anasod.nasbench.benchmark import NOTHING_BESIDE, Benchmark, refuse_seeds
from ax_anasod.objectives import COST, Objective, find_quantity
from ax_anasod.typing import AnyArray, FloatArray, Indices, IntArray, Settings

_CHUNK = 4096


class ArchitectureIndex:
    """Finds the rows of a table that hold given architectures, and what is beside them.

    Architectures that the cell counts as one (isomorphic ones, `Cell.canonical`)
    are one here too.

    Args:
        cell: The cell of the architectures.
        codes: ``n x d`` codes, row i of the table is architecture i.
        hyperparameters: Choices that rows of one architecture may differ in.
        settings: ``n x h`` settings, where there are such.
    """

    def __init__(
        self,
        cell: Cell,
        codes: IntArray,
        hyperparameters: Hyperparameters = NOTHING_BESIDE,
        settings: Settings | None = None,
    ) -> None:
        self.cell, self.hyperparameters = cell, hyperparameters
        self.codes, self.settings = codes, np.empty((len(codes), 0))
        self._architectures = keys = self._keys_of(codes)
        self._steps: list[AnyArray] = []
        if settings is not None:
            self.settings = settings
            for column, choice in zip(settings.T, hyperparameters.columns, strict=True):
                self._steps.append(np.unique(keys))
                keys = _joined(keys, self._steps[-1], column, choice.size)
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    def _keys_of(self, codes: IntArray) -> AnyArray:
        canonical = self.cell.canonical(codes)
        # Keys are built column by column, three times as fast where the rows stay in cache.
        starts = range(0, max(len(canonical), 1), _CHUNK)
        return np.concatenate([self.cell.keys(canonical[i : i + _CHUNK]) for i in starts])

    @property
    def order(self) -> IntArray:
        """``n`` row numbers in an order that does not depend on the table's."""
        return self._order

    @property
    def sorted_keys(self) -> AnyArray:
        """``n`` keys of the cell in that order."""
        return np.asarray(self._architectures[self._order])

    @property
    def num_lacking(self) -> int:
        """The number of architectures, or combinations with hyperparameters, that have no row."""
        sizes = [column.size or 1 for column in self.hyperparameters.columns]
        return self.cell.size * math.prod(sizes) - len(self._keys)

    def repeats(self) -> IntArray:
        """``m x 2`` pairs of rows that hold the same, by the later row."""
        same = np.flatnonzero(self._keys[1:] == self._keys[:-1])
        pairs = np.stack([self._order[same], self._order[same + 1]], axis=1)
        return pairs[np.argsort(pairs[:, 1], kind="stable")]

    def rows(self, codes: IntArray, settings: Settings | None = None) -> IntArray:
        """``n`` row numbers of the architectures ``codes`` (``n x d``).

        Args:
            codes: The architectures.
            settings: ``n x h`` settings beside them, where the table has such.

        Raises:
            ArchitectureError: If an architecture is not in the table, naming it.
        """
        keys = self._keys_of(codes)
        for step, column, choice in zip(
            self._steps,
            () if settings is None else settings.T,
            self.hyperparameters.columns,
            strict=True,
        ):
            keys = _joined(keys, step, column, choice.size)
        places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        found = self._keys[places] == keys
        if not found.all():
            first = np.asarray(codes)[~found][:1]
            absent = repr(self.cell.to_strings(first)[0])
            if settings is not None:
                (beside,) = self.hyperparameters.parameterizations(settings[~found][:1])
                absent += " with " + ", ".join(f"{name} = {v}" for name, v in beside.items())
            raise ArchitectureError(
                f"the benchmark has no value for {absent} (cell {self.cell.name!r}), "
                f"nor for {np.count_nonzero(~found) - 1:,} others of this query"
            )
        return self._order[places]


class LookupBenchmark(Benchmark):
    """A benchmark whose values lie in memory.

    Args:
        name: Name of the benchmark.
        dataset: Data set, None where the data does not say.
        index: The architectures without repeats, and what is beside them; of the cell
            `RestrictedCell` is taken where they are not all of it.
        values: Name -> ``n`` values for all quantities, and ``"cost_seconds"``, if known.
        objectives: Quantities that are searched.
        reported: Quantities that are not.
        present_only: Search only the architectures in ``codes``, where some lack.
        source: The data in words, for messages.

    Raises:
        BenchmarkError: If architectures lack and ``present_only`` is not set.
    """

    seeds: str = "mean"
    """``"mean"`` over the training seeds, or ``"single"``: each query names a seed."""

    def __init__(
        self,
        *,
        name: str,
        dataset: str | None,
        index: ArchitectureIndex,
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
        self.cell = _searchable(index, present_only, source)
        self.hyperparameters = index.hyperparameters
        self._index = index
        self._values = dict(values)

    def query(self, codes: IntArray, seeds: IntArray | None = None) -> dict[str, FloatArray]:
        """The values of architectures, in the order of ``codes``.

        Args:
            codes: ``n x d`` codes of the cell.
            seeds: ``n`` training seeds for values of single trainings, otherwise None.

        Returns:
            Name -> ``n`` values (errors in percent, ``"cost_seconds"`` in seconds).

        Raises:
            ArchitectureError: If an architecture is not in the data, naming it.
            BenchmarkError: If an architecture was not trained with its seed.
            OptionError: If seeds are absent, or given to a benchmark of means; or if more than
                the cell is searched.
        """
        if self.seeds == "mean":
            refuse_seeds(self.name, seeds)
        elif seeds is None:
            raise OptionError(
                "a benchmark of single seeds needs a seed for each architecture",
                "pass seeds=benchmark.draw_seeds(codes, rng), or use seeds='mean'",
            )
        if self.hyperparameters:
            raise OptionError(
                f"the benchmark {self.name!r} has values of architectures together with "
                f"{', '.join(self.hyperparameters.names)}, and none of an architecture alone",
                "known quantities, features and starts are those of architectures",
            )
        rows = self._index.rows(codes)
        result = {name: values[rows] for name, values in self._values.items()}
        return result if seeds is None else result | self._of_runs(codes, rows, seeds)

    def _of_runs(self, codes: IntArray, rows: IntArray, seeds: IntArray) -> dict[str, FloatArray]:
        """The values of single trainings, name -> ``n`` values."""
        raise NotImplementedError

    def query_jointly(self, codes: IntArray, settings: Settings) -> dict[str, FloatArray]:
        """The values of architectures with what is searched beside them, as for `query`.

        Args:
            codes: ``n x d`` codes of the cell.
            settings: ``n x h`` settings of :attr:`hyperparameters`.

        Raises:
            ArchitectureError: If a combination is not in the data, naming it.
        """
        rows = self._index.rows(codes, settings)
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
        """The answers of queries for all architectures that can be searched; None by seed."""
        return self._values if self.seeds == "mean" else None

    @property
    def has_cost(self) -> bool:
        """True if queries return ``"cost_seconds"``."""
        return COST in self._values

    def fingerprint(self) -> str:
        """Digest of architectures and values: equal digests answer every query alike."""
        digest = hashlib.sha256(self._index.sorted_keys.tobytes())
        for name, values in sorted(self._digest_parts().items()):
            digest.update(name.encode())
            digest.update(values[self._index.order].tobytes())
        if self.hyperparameters:
            digest.update(json.dumps(self.hyperparameters.to_dict()).encode())
            digest.update(self._index.settings[self._index.order].tobytes())
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


def _joined(keys: AnyArray, known: AnyArray, column: FloatArray, size: int | None) -> Indices:
    """Keys of rows with one column more, -1 where what came before it is not known.

    They are places among the ``known``, so that they stay small however many columns there are.
    """
    places = np.searchsorted(known, keys).clip(max=len(known) - 1)
    joined = places * (size or 1) + column.astype(np.int64)
    return np.where(known[places] == keys, joined, -1)


def _searchable(index: ArchitectureIndex, present_only: bool, source: str) -> Cell:
    cell, lacking = index.cell, index.num_lacking
    if lacking == 0:
        return cell
    if not present_only:
        beside = index.hyperparameters.names
        what = (
            f"combinations of {', '.join(beside)} and an architecture"
            if beside
            else (f"architectures that the cell {cell.name!r} can produce")
        )
        rows = len(index.codes)
        raise BenchmarkError(
            f"{source} lacks {_amount(lacking)} of the {_amount(lacking + rows)} {what}",
            f"pass present_only=True to search only the {_amount(rows)} present",
        )
    # What is beside the architectures may lack alone.
    all_there = len(np.unique(index.sorted_keys)) == cell.size
    return cell if all_there else RestrictedCell(cell, index.codes)


def _amount(number: int) -> str:
    return f"{number:,}" if number < 10**15 else f"10^{math.floor(math.log10(number))}"
