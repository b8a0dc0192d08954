"""The training runs of NAS-Bench-201 as flat arrays, out of the official nested records.

The official file, in the format of the package ``nas-bench-201``, holds for each
architecture the results at 12 epochs (``less``) and 200 epochs (``full``); NATS-Bench
calls them ``12`` and ``200``. Each is one record (`ArchResults`) of runs (`ResultsCount`)
by data set and seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Final, TypeVar

import numpy as np

from ax_anasod.exceptions import BenchmarkError, shown
from ax_anasod.typing import FloatArray, IntArray

RUNS: Final = ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120")
"""The training sets; `cifar10-valid` is half of the training images."""

SPLITS: Final = ("x-valid", "x-test", "ori-test")
"""The splits that a network is evaluated on after its training."""

EPOCHS: Final = {"less": 12, "full": 200, "12": 12, "200": 200}
"""Length of the training schedule behind each official name."""


_Kind = TypeVar("_Kind")

MOST_RUNS: Final = 2_000_000
"""More training runs than any file has; the official one has some 200,000."""


@dataclass(frozen=True)
class Trials:
    """Training runs, one in each of ``n`` rows.

    Args:
        architectures: The official strings.
        architecture: ``n`` places in ``architectures``.
        epochs: ``n`` lengths of the schedule, 12 or 200.
        run: ``n`` places in `RUNS`.
        seed: ``n`` training seeds.
        accuracy: Split -> ``n`` accuracies after the last epoch in percent, NaN where the
            run was not evaluated on the split.
        seconds: ``n`` training times over all epochs in seconds, NaN where unknown.
    """

    architectures: tuple[str, ...]
    architecture: IntArray
    epochs: IntArray
    run: IntArray
    seed: IntArray
    accuracy: dict[str, FloatArray]
    seconds: FloatArray

    def select(self, epochs: int, run: str) -> Trials:
        """Only the runs of one schedule on one training set."""
        chosen = (self.epochs == epochs) & (self.run == RUNS.index(run))
        return Trials(
            self.architectures,
            self.architecture[chosen],
            self.epochs[chosen],
            self.run[chosen],
            self.seed[chosen],
            {split: values[chosen] for split, values in self.accuracy.items()},
            self.seconds[chosen],
        )

    def describe(self) -> str:
        """The schedules and training sets of the data, for messages."""
        pairs = np.unique(np.stack([self.epochs, self.run], axis=1), axis=0).tolist()
        return ", ".join(f"{RUNS[run]} after {epochs} epochs" for epochs, run in pairs)


def collect(content: object, source: str) -> Trials:
    """The runs in the dictionary that an official file holds.

    Args:
        content: The dictionary: ``meta_archs`` (strings in index order) and ``arch2infos``
            (index -> schedule -> record).
        source: The file in words, for messages.

    Raises:
        BenchmarkError: If ``content`` has another form, or an accuracy or time is out of range.
    """
    if not isinstance(content, Mapping) or not {"meta_archs", "arch2infos"} <= content.keys():
        raise BenchmarkError(
            f"{source} holds no NAS-Bench-201 results: a dictionary with 'meta_archs' and "
            f"'arch2infos' was expected, it holds {_kind(content)}"
        )
    if not isinstance(content["arch2infos"], Mapping):
        raise BenchmarkError(f"{source} lists architectures, but holds no results ('arch2infos')")
    return collect_records(content["meta_archs"], content["arch2infos"].items(), source)


def collect_records(strings: object, records: Iterable[tuple[Any, Any]], source: str) -> Trials:
    """The runs in records that come one architecture at a time.

    Args:
        strings: The official strings in index order, a list.
        records: Index -> schedule (a key of `EPOCHS`) -> record, a dictionary or an object
            with the same attributes.
        source: The file in words, for messages.

    Raises:
        BenchmarkError: If a record has another form, or a value is out of its range.
    """
    if not isinstance(strings, list) or not all(isinstance(string, str) for string in strings):
        raise BenchmarkError(f"{source}: 'meta_archs' is no list of architecture strings")
    rows: list[tuple[Any, ...]] = []
    for index, schedules in records:
        try:
            for row in _rows(strings, index, schedules):
                rows.append(row)
                # One record can stand for any number of architectures.
                if len(rows) > MOST_RUNS:
                    raise ValueError(f"more than {MOST_RUNS:,} training runs come before its end")
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise BenchmarkError(
                f"{source}: the record of architecture {shown(index)} is malformed: "
                f"{type(error).__name__} {error}"
            ) from error
    if not rows:
        raise BenchmarkError(f"{source} holds no results of any architecture")
    return checked_trials(_flat(strings, rows), source)


def checked_trials(trials: Trials, source: str) -> Trials:
    """Check that no run is out of range or there twice; returns the runs.

    Raises:
        BenchmarkError: If a run is out of range or there twice, naming it.
    """
    for what, values, highest in (
        *((f"{split} accuracy", values, 100.0) for split, values in trials.accuracy.items()),
        ("training time", trials.seconds, np.inf),
    ):
        wrong = (values < 0) | (values > highest) | np.isinf(values)
        if wrong.any():
            row = int(np.argmax(wrong))
            allowed = "0 to 100 percent" if highest < np.inf else "a finite number of seconds"
            raise BenchmarkError(
                f"{source}: the {what} of {_run_in_words(trials, row)} is {values[row]:g}, "
                f"allowed is {allowed}"
            )
    keys = np.stack([trials.seed, trials.run, trials.epochs, trials.architecture])
    order = np.lexsort(keys)
    repeated = (keys[:, order[1:]] == keys[:, order[:-1]]).all(axis=0)
    if repeated.any():
        row = int(order[np.argmax(repeated)])
        raise BenchmarkError(f"{source} holds {_run_in_words(trials, row)} more than once")
    return trials


def _run_in_words(trials: Trials, row: int) -> str:
    return (
        f"{trials.architectures[trials.architecture[row]]!r} on {RUNS[trials.run[row]]}, "
        f"{trials.epochs[row]} epochs, seed {trials.seed[row]}"
    )


def _kind(content: object) -> str:
    if isinstance(content, Mapping):
        return f"one with {', '.join(map(shown, list(content)[:6]))}"
    return type(content).__name__


def _fields(record: object) -> Mapping[str, Any]:
    return record if isinstance(record, Mapping) else vars(record)


def _part(record: Mapping[str, Any], name: str, kind: type[_Kind]) -> _Kind:
    part = record[name]
    if not isinstance(part, kind):
        raise TypeError(f"{name} is a {type(part).__name__}")
    return part


def _rows(strings: list[str], index: object, schedules: object) -> Iterator[tuple[Any, ...]]:
    # A negative index would quietly be a place from the end.
    if not isinstance(index, int) or not 0 <= index < len(strings):
        raise IndexError(f"there are {len(strings)} architecture strings")
    if not isinstance(schedules, Mapping):
        raise TypeError(f"it is a {type(schedules).__name__}")
    for name, epochs in EPOCHS.items():
        if name not in schedules:
            continue
        record = _fields(schedules[name])
        written = _part(record, "arch_str", str)
        if written != strings[index]:
            raise ValueError(f"it is {shown(written)}, not {shown(strings[index])}")
        results = _part(record, "all_results", dict)
        by_run = _part(record, "dataset_seed", dict)
        for place, run in enumerate(RUNS):
            for seed in _part(by_run, run, list) if run in by_run else ():
                if not isinstance(seed, int) or not 0 <= seed < 2**63:
                    raise ValueError(f"a seed of {run} is {shown(seed)}")
                result = _fields(results[run, seed])
                yield (index, epochs, place, int(seed), *_measurements(result))


def _measurements(result: Mapping[str, Any]) -> tuple[float, ...]:
    last = _part(result, "epochs", int) - 1
    accuracies = _part(result, "eval_acc1es", dict)
    values = [_number(accuracies.get(f"{split}@{last}", np.nan)) for split in SPLITS]
    # Runs of the first release have no times; they are None there.
    if not result["train_times"]:
        return (*values, np.nan)
    times = _part(result, "train_times", dict)
    return (*values, sum(_number(times[epoch]) for epoch in range(last + 1)))


def _number(value: object) -> float:
    if not isinstance(value, Real):
        raise TypeError(f"a number is a {type(value).__name__}")
    return float(value)


def _flat(strings: list[str], rows: list[tuple[Any, ...]]) -> Trials:
    index, epochs, run, seed, *measured = zip(*rows, strict=True)
    present, place = np.unique(np.array(index, dtype=np.int64), return_inverse=True)
    *accuracies, seconds = (np.array(values, dtype=np.float64) for values in measured)
    return Trials(
        tuple(strings[i] for i in present),
        place,
        np.array(epochs, dtype=np.int64),
        np.array(run, dtype=np.int64),
        np.array(seed, dtype=np.int64),
        dict(zip(SPLITS, accuracies, strict=True)),
        seconds,
    )
