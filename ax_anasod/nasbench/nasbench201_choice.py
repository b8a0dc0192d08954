"""Which of the values in an official NAS-Bench-201 file a benchmark gives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.objectives import name_list

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


@dataclass(frozen=True)
class Choice:
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


def choose(
    dataset: str,
    epochs: int,
    seeds: str,
    search: str,
    report: str | Iterable[str] | None,
    present_only: bool,
) -> Choice:
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
    return Choice(dataset, epochs, seeds, search, reported, present_only)
