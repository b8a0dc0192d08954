"""The values of an official NAS-Bench-201 file, by architecture and seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from ax_anasod.exceptions import BenchmarkError, OptionError, UnknownNameError
from ax_anasod.nasbench.benchmark import check_seeds
from ax_anasod.nasbench.nasbench201_trials import Trials
from ax_anasod.objectives import name_list
from ax_anasod.typing import FloatArray, IntArray, Mask

# CIFAR-10 has no validation images of its own. The networks to search among were trained
# on half of the training images and validated on the other half (`cifar10-valid`); the
# test error to report is of the same architectures trained on all 50,000 (`cifar10`).
PAIRING: Final = {
    "cifar10": {"valid": ("cifar10-valid", "x-valid"), "test": ("cifar10", "ori-test")},
    "cifar100": {"valid": ("cifar100", "x-valid"), "test": ("cifar100", "x-test")},
    "ImageNet16-120": {
        "valid": ("ImageNet16-120", "x-valid"),
        "test": ("ImageNet16-120", "x-test"),
    },
}
"""Data set -> split -> what the networks were trained on, and what evaluated on."""

_EPOCHS: Final = (12, 200)
_SEEDS: Final = ("mean", "single")


class SeedTable:
    """Errors and training times of the runs of one schedule, laid out by seed.

    Args:
        trials: All runs of a file, over ``n`` architectures.
        epochs: The schedule.
        run: What the networks were trained on.
        split: What they were evaluated on.
        source: The file in words, for messages.

    Attributes:
        errors: ``n x s`` errors in percent, NaN where an architecture lacks a seed.
        mean_error: ``n`` errors of the mean accuracy over the seeds that an architecture
            has, NaN where it has none.
        seconds: ``n x s`` training times in seconds, NaN where lacking.
        in_words: Which values these are.

    Raises:
        BenchmarkError: If the file has no such values at all.
    """

    def __init__(self, trials: Trials, epochs: int, run: str, split: str, source: str) -> None:
        self.in_words = f"{split} accuracy on {run} after {epochs} epochs"
        chosen = trials.select(epochs, run)
        accuracy = chosen.accuracy[split]
        evaluated = ~np.isnan(accuracy)
        if not evaluated.any():
            raise BenchmarkError(
                f"{source} holds no {self.in_words}", f"it holds runs on {trials.describe()}"
            )
        self._seeds, columns = np.unique(chosen.seed[evaluated], return_inverse=True)
        shape = (len(trials.architectures), len(self._seeds))
        rows = chosen.architecture[evaluated]
        accuracies = np.full(shape, np.nan)
        accuracies[rows, columns] = accuracy[evaluated]
        self.errors = 100.0 - accuracies
        self.mean_error = 100.0 - _row_means(accuracies)
        self.seconds = np.full(shape, np.nan)
        self.seconds[rows, columns] = chosen.seconds[evaluated]

    def keep(self, rows: IntArray) -> SeedTable:
        """Only some of the architectures, by place or by ``n`` booleans."""
        kept = SeedTable.__new__(SeedTable)
        kept.in_words, kept._seeds = self.in_words, self._seeds
        kept.errors, kept.mean_error = self.errors[rows], self.mean_error[rows]
        kept.seconds = self.seconds[rows]
        return kept

    @property
    def has_seed(self) -> Mask:
        """``n x s``, whether an architecture was trained with a seed."""
        owned: Mask = ~np.isnan(self.errors)
        return owned

    @property
    def present(self) -> Mask:
        """``n``, whether an architecture has any value."""
        some: Mask = np.logical_or.reduce(self.has_seed, axis=1)
        return some

    @property
    def has_seconds(self) -> bool:
        """True if the training time of every run is known."""
        return not np.isnan(self.seconds[self.has_seed]).any()

    @property
    def mean_seconds(self) -> FloatArray:
        """``n`` mean training times in seconds."""
        return _row_means(self.seconds)

    def errors_by_seed(self) -> dict[int, FloatArray]:
        """Seed -> ``n`` errors."""
        return {int(seed): self.errors[:, i] for i, seed in enumerate(self._seeds)}

    def seeds_of(self, rows: IntArray) -> list[tuple[int, ...]]:
        """The seeds of each of ``rows``, ascending."""
        return [tuple(self._seeds[owned].tolist()) for owned in self.has_seed[rows]]

    def draw(self, rows: IntArray, rng: np.random.Generator) -> IntArray:
        """One of its seeds for each of ``rows``, uniformly."""
        owned = self.has_seed[rows]
        # The (j+1)-th owned seed, with j uniform below the number of owned ones.
        wanted = rng.integers(owned.sum(axis=1)) + 1
        drawn: IntArray = self._seeds[(owned.cumsum(axis=1) >= wanted[:, None]).argmax(axis=1)]
        return drawn

    def places(self, rows: IntArray, seeds: IntArray, name_of: Callable[[int], str]) -> IntArray:
        """The columns of the runs of ``rows`` with ``seeds``, both ``n``.

        Args:
            rows: Architectures.
            seeds: One training seed for each.
            name_of: The string of the architecture in the i-th of ``rows``, for messages.

        Raises:
            OptionError: If there are not ``n`` whole numbers.
            BenchmarkError: If an architecture lacks its seed.
        """
        seeds = check_seeds(seeds, len(rows))
        places = np.minimum(np.searchsorted(self._seeds, seeds), len(self._seeds) - 1)
        trained = (self._seeds[places] == seeds) & self.has_seed[rows, places]
        if not trained.all():
            i = int(np.argmin(trained))
            owned = ", ".join(map(str, self.seeds_of(rows[i : i + 1])[0]))
            raise BenchmarkError(
                f"{name_of(i)!r} has no {self.in_words} with seed {seeds[i]}",
                f"its seeds: {owned}",
            )
        return places


def _row_means(values: FloatArray) -> FloatArray:
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        means: FloatArray = np.where(known, values, 0.0).sum(axis=1) / known.sum(axis=1)
    return means


@dataclass(frozen=True)
class NASBench201Options:
    """The options of a NAS-Bench-201 benchmark, checked.

    Args:
        dataset: Data set, a key of `PAIRING`.
        epochs: Length of the training schedule.
        seeds: ``"mean"`` or ``"single"``.
        search: The split that is searched.
        report: The splits that are reported.
        present_only: Search only the architectures in the file, where some lack.
    """

    dataset: str
    epochs: int
    seeds: str
    search: str
    report: tuple[str, ...]
    present_only: bool

    def error_name(self, split: str) -> str:
        """Name of the error on a split, e.g. ``cifar10_valid_error``."""
        return f"{self.dataset.lower().replace('-', '_')}_{split}_error"


def checked_options(
    dataset: str,
    epochs: int,
    seeds: str,
    search: str,
    report: str | Iterable[str] | None,
    present_only: bool,
) -> NASBench201Options:
    """Checks the options; their meaning is that of `NASBench201Benchmark`.

    Raises:
        UnknownNameError: If there is no such data set or split.
        OptionError: If another option is out of its range.
    """
    dataset = "cifar10" if dataset == "cifar10-valid" else dataset
    if dataset not in PAIRING:
        raise UnknownNameError("data set", dataset, (*PAIRING, "cifar10-valid"))
    if epochs not in _EPOCHS:
        raise OptionError(f"epochs is {epochs!r}, the benchmark has 12 and 200")
    if seeds not in _SEEDS:
        raise OptionError(f"seeds is {seeds!r}, allowed are 'mean' and 'single'")
    splits = PAIRING[dataset]
    if report is None:
        reported = tuple(split for split in splits if split != search)
    else:
        reported = name_list("report", report)
    for split in (search, *reported):
        if split not in splits:
            raise UnknownNameError("split", split, splits)
    if search in reported:
        raise OptionError(f"the split {search!r} is searched, so it cannot be reported, too")
    return NASBench201Options(dataset, epochs, seeds, search, reported, present_only)
