"""NAS-Bench-201: convolutional cells, trained on three image data sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from ax_anasod import cells
from ax_anasod.exceptions import ArchitectureError, BenchmarkError
from ax_anasod.nasbench.benchmark import KIND, register_benchmark
from ax_anasod.nasbench.lookup_benchmark import ArchitectureIndex, LookupBenchmark
from ax_anasod.nasbench.nasbench201_cache import write_cache
from ax_anasod.nasbench.nasbench201_files import read_trials, trials_of_api
from ax_anasod.nasbench.nasbench201_trials import Trials
from ax_anasod.nasbench.nasbench201_values import (
    PAIRING,
    NASBench201Options,
    SeedTable,
    checked_options,
)
from ax_anasod.nasbench.source_files import Saved, read_saved
from ax_anasod.objectives import COST, PERCENT, Objective
from ax_anasod.typing import FloatArray, IntArray

_NAME = "nas-bench-201"


@register_benchmark(_NAME)
class NASBench201Benchmark(LookupBenchmark):
    """NAS-Bench-201 / NATS-Bench (topology), from an official file.

    The file is read without executing it: see `ax_anasod.nasbench.nasbench201_files`.
    This needs several gigabytes of memory and some time: about a minute and a half for the file
    of nas-bench-201, ten minutes for that of NATS-Bench, which has to be decompressed and whose
    folder form needs little memory. With ``cache`` it happens once.

    Objectives are called e.g. ``cifar10_valid_error``, in percent. Reported errors, e.g.
    ``cifar10_test_error``, are always means over the training seeds. With
    ``seeds="single"`` the mean of the searched error is reported, too, as
    ``cifar10_valid_error_mean``: the best value seen of single runs can lie below the
    optimum of the means, and only the latter gives a noise-free regret.

    The cost is the training time, over all epochs, of the networks whose error is
    searched: the mean over the seeds, or that of the seed. It is given where the file has
    the times of all of them.

    Source: Dong & Yang, *NAS-Bench-201: Extending the Scope of Reproducible Neural
    Architecture Search*, ICLR 2020; Dong et al., *NATS-Bench*, TPAMI 2021.

    Args:
        path: The official file, NATS-Bench folder, or the Parquet file kept by ``cache``.
        dataset: One of `datasets`. ``cifar10`` searches on the validation half of the
            training images (the files call that ``cifar10-valid``, which is understood
            here as well) and reports the test error after training on all of them.
        epochs: 12 or 200, the length of the training schedule.
        seeds: ``"mean"``: values are means over the seeds that an architecture has.
            ``"single"``: each query names the seed of a training run, see `seeds_of` and
            `draw_seeds`.
        search: The split that is searched, ``"valid"`` or ``"test"``.
        report: The splits that are reported; the other one, if None.
        present_only: Search only the architectures in the file, where some lack.
        cache: Keep the results as Parquet beside the file, and read them from there.

    Raises:
        BenchmarkError: If the file is missing, damaged or none of these, holds anything
            beyond the official format, or lacks what was asked for.
        UnknownNameError: If there is no such data set or split.
        OptionError: If another option is out of its range.
    """

    datasets: ClassVar[tuple[str, ...]] = tuple(PAIRING)

    def __init__(
        self,
        path: str | PathLike[str],
        dataset: str = "cifar10",
        *,
        epochs: int = 200,
        seeds: str = "mean",
        search: str = "valid",
        report: str | Iterable[str] | None = None,
        present_only: bool = False,
        cache: bool = False,
    ) -> None:
        options = checked_options(dataset, epochs, seeds, search, report, present_only)
        self._set_path(Path(path), cache)
        self._load(read_trials(Path(path), cache=cache), options, f"the file {path}")

    @classmethod
    def from_api(
        cls,
        api: object,
        dataset: str = "cifar10",
        *,
        epochs: int = 200,
        seeds: str = "mean",
        search: str = "valid",
        report: str | Iterable[str] | None = None,
        present_only: bool = False,
        keep: str | PathLike[str] | None = None,
    ) -> Self:
        """The benchmark of an API object that is in memory already.

        Args:
            api: A ``nas_201_api.NASBench201API`` or ``nats_bench.NATStopology``. One in
                fast mode holds nothing yet: its folder is read instead.
            dataset: As in the constructor, and so are the others.
            epochs: 12 or 200.
            seeds: ``"mean"`` or ``"single"``.
            search: ``"valid"`` or ``"test"``.
            report: The splits that are reported.
            present_only: Search only the architectures that the API has results of.
            keep: Parquet file to write the results to. A run on the benchmark can only be
                resumed if there is one, since the API does not know its file's path.

        Raises:
            BenchmarkError: If the object is no such API, or lacks what was asked for.
        """
        options = checked_options(dataset, epochs, seeds, search, report, present_only)
        trials = trials_of_api(api)
        benchmark = cls.__new__(cls)
        benchmark._set_path(None if keep is None else Path(keep), False)
        benchmark._load(trials, options, f"the API {type(api).__name__}")
        if benchmark.path is not None:
            write_cache(benchmark.path, trials)
        return benchmark

    def _set_path(self, path: Path | None, cache: bool) -> None:
        self.path, self._cache = path, cache
        # Resolved now: the working folder may be another one when the run is saved.
        self._resolved_path = None if path is None else path.resolve()

    def _load(self, trials: Trials, options: NASBench201Options, source: str) -> None:
        tables = {
            split: SeedTable(trials, options.epochs, *PAIRING[options.dataset][split], source)
            for split in dict.fromkeys((options.search, *options.report))
        }
        # Only an architecture with all of the values can be searched.
        present = np.logical_and.reduce([table.present for table in tables.values()])
        cell = cells.get(_NAME)
        try:
            all_codes = cell.from_strings(trials.architectures)
        except ArchitectureError as error:
            raise BenchmarkError(
                f"{source} is not of the topology search space: {error.message}",
                "NATS-Bench's size search space (sss) has other architectures",
            ) from error
        self._options, self.seeds = options, options.seeds
        self._searched = tables[options.search].keep(present)
        values = {options.error_name(s): table.mean_error[present] for s, table in tables.items()}
        if self._searched.has_seconds:
            values[COST] = self._searched.mean_seconds
        reported = [options.error_name(split) for split in options.report]
        if options.seeds == "single":
            reported.append(self._mean_name)
            values[self._mean_name] = values[self._objective_name]
        super().__init__(
            name=_NAME,
            dataset=options.dataset,
            index=ArchitectureIndex(cell, all_codes[present]),
            values=values,
            objectives=(Objective(self._objective_name, PERCENT),),
            reported=tuple(Objective(name, PERCENT) for name in reported),
            present_only=options.present_only,
            source=f"{source} ({self._searched.in_words})",
        )

    @property
    def epochs(self) -> int:
        """Length of the training schedule behind all values."""
        return self._options.epochs

    @property
    def _objective_name(self) -> str:
        return self._options.error_name(self._options.search)

    @property
    def _mean_name(self) -> str:
        return f"{self._objective_name}_mean"

    def seeds_of(self, codes: IntArray) -> list[tuple[int, ...]]:
        """The training seeds that each architecture has on the searched split.

        Args:
            codes: ``n x d`` codes of the cell.

        Returns:
            ``n`` ascending tuples. Many architectures were trained fewer than three times.

        Raises:
            ArchitectureError: If an architecture is not in the data.
        """
        return self._searched.seeds_of(self._index.rows(codes))

    def draw_seeds(self, codes: IntArray, rng: np.random.Generator) -> IntArray | None:
        """One of its seeds for each architecture, uniformly.

        Args:
            codes: ``n x d`` codes of the cell.
            rng: The generator that decides, so that equal states give equal seeds.

        Returns:
            ``n`` seeds, or None with ``seeds="mean"``, where there is nothing to choose.

        Raises:
            ArchitectureError: If an architecture is not in the data.
        """
        if self.seeds == "mean":
            return None
        return self._searched.draw(self._index.rows(codes), rng)

    def _of_runs(self, codes: IntArray, rows: IntArray, seeds: IntArray) -> dict[str, FloatArray]:
        names = self.cell.to_strings
        places = self._searched.places(rows, seeds, lambda row: names(codes[row : row + 1])[0])
        result = {self._objective_name: self._searched.errors[rows, places]}
        if self.has_cost:
            result[COST] = self._searched.seconds[rows, places]
        return result

    def optimum(self, objective: str) -> float | None:
        """The lowest error over all architectures that can be searched.

        With ``seeds="single"``, that of the objective is the lowest error of any single
        run, and that of ``<objective>_mean`` the lowest mean, which is higher.

        Args:
            objective: Name of the objective or of a reported error.

        Raises:
            UnknownNameError: If there is no such quantity.
        """
        if self.seeds == "single" and objective == self._objective_name:
            return float(np.nanmin(self._searched.errors))
        return super().optimum(objective)

    def _digest_parts(self) -> dict[str, FloatArray]:
        if self.seeds == "mean":
            return super()._digest_parts()
        runs = {f"errors of seed {s}": v for s, v in self._searched.errors_by_seed().items()}
        return super()._digest_parts() | runs

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description: the path as given and resolved, the options, a digest.

        Raises:
            BenchmarkError: If the benchmark was made from an API object and not kept.
        """
        if self.path is None:
            raise BenchmarkError(
                "a benchmark made from an API object has no file to be read from again",
                "pass keep=FILE.parquet to from_api, or the path to NASBench201Benchmark",
            )
        return {
            KIND: _NAME,
            "path": str(self.path),
            "resolved_path": str(self._resolved_path),
            **asdict(self._options),
            "report": list(self._options.report),
            "cache": self._cache,
            "fingerprint": self.fingerprint(),
        }

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Self:
        """Reads the file of a description from `to_dict` again.

        Raises:
            BenchmarkError: If the file is gone, or holds other values than before.
        """
        saved = read_saved(_Saved, description)
        path = saved.find()
        benchmark = cls(path, **saved.options())
        benchmark.path = Path(saved.path)
        benchmark._check_fingerprint(saved.fingerprint, f"the file {path}")
        return benchmark


@dataclass(frozen=True)
class _Saved(Saved):
    """The content of `NASBench201Benchmark.to_dict`, without the kind."""

    dataset: str
    epochs: int
    seeds: str
    search: str
    report: list[str]
    present_only: bool
    cache: bool
