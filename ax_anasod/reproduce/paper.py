"""The numbers of the paper, and which benchmarks they are of.

Source: Wan, Ru, Esperança & Carlucci, *Approximate Neural Architecture Search via Operation
Distribution Learning*, WACV 2022: Table 1 (Section 3.1), Table 2 (Section 4.1), Table 6
(Appendix B). All are validation errors in percent, on NAS-Bench-201 after 200 epochs, on
NAS-Bench-301 as a surrogate predicts them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ax_anasod import cells
from ax_anasod.nasbench import Benchmark, NASBench201Benchmark, NASBench301Benchmark
from ax_anasod.nasbench.nasbench301.onnx_surrogate import OnnxSurrogate


@dataclass(frozen=True)
class PaperValue:
    """A mean over ten runs as the paper prints it.

    Args:
        mean: The mean, in percent.
        error: One standard error of it, in percent.
    """

    mean: float
    error: float


@dataclass(frozen=True)
class PaperSpread:
    """A column of Table 1: standard deviations in percent.

    Args:
        overall: Of all architectures drawn.
        within: Median over the encodings, of architectures with the same encoding.
        within_top: The same, over the better half of the encodings.
        seeds: Median over the architectures, of one trained with different seeds.
    """

    overall: float
    within: float
    within_top: float
    seeds: float


CIFAR10: Final = "NB201 CIFAR-10"
CIFAR100: Final = "NB201 CIFAR-100"
IMAGENET16: Final = "NB201 ImageNet16"
DARTS: Final = "NB301 CIFAR-10"
TASKS: Final = (CIFAR10, CIFAR100, IMAGENET16, DARTS)
"""The columns of the paper's tables."""

TABLE_1: Final = {
    CIFAR10: PaperSpread(9.5, 1.2, 0.84, 0.19),
    CIFAR100: PaperSpread(14.0, 2.4, 1.4, 0.35),
    IMAGENET16: PaperSpread(10.0, 2.7, 1.9, 0.36),
    DARTS: PaperSpread(0.77, 0.25, 0.22, 0.17),
}


def _row(*values: tuple[float, float] | None) -> dict[str, PaperValue]:
    return {
        task: PaperValue(*value)
        for task, value in zip(TASKS, values, strict=True)
        if value is not None
    }


TABLE_2: Final = {
    "RS": _row((8.67, 0.03), (27.91, 0.17), (54.17, 0.10), (5.71, 0.02)),
    "ANASOD-RS": _row((8.71, 0.05), (27.95, 0.20), (53.85, 0.12), (5.65, 0.04)),
    "ANASOD-biasedRS": _row((8.48, 0.06), (27.35, 0.20), (53.30, 0.10), (5.47, 0.04)),
    "RL": _row((8.91, 0.05), (28.15, 0.18), (54.45, 0.12), None),
    "RE": _row((8.86, 0.05), (28.40, 0.14), (54.28, 0.10), (5.62, 0.03)),
    "SMAC": _row((8.89, 0.05), (27.80, 0.20), (53.64, 0.13), (5.45, 0.03)),
    "TPE": _row((8.57, 0.04), (27.28, 0.14), (53.54, 0.14), (5.51, 0.02)),
    "GCNBO": _row((8.84, 0.01), (27.93, 0.03), (53.46, 0.06), (5.54, 0.04)),
    "BANANAS": _row((8.51, 0.08), (26.53, 0.02), (53.41, 0.04), (5.36, 0.05)),
    "NAS-BOWL": _row((8.50, 0.09), (26.51, 0.00), (53.36, 0.04), (5.31, 0.06)),
    "ANASOD-BO": _row((8.41, 0.05), (26.41, 0.02), (53.36, 0.10), (5.24, 0.02)),
}

TABLE_6: Final = {
    "LS": _row((8.34, 0.03), (26.41, 0.04), (53.43, 0.08), (5.79, 0.06)),
    "ANASOD-LS": _row((8.36, 0.02), (26.38, 0.07), (53.07, 0.09), (5.43, 0.04)),
}

_OFFICIAL: Final = {"cifar10": CIFAR10, "cifar100": CIFAR100, "ImageNet16-120": IMAGENET16}
# A table does not say what its columns are; the paper's is recognised by this name.
_COLUMN: Final = re.compile(r"(cifar10|cifar100|imagenet16)(_120)?_valid_200_error")
_COLUMNS: Final = {"cifar10": CIFAR10, "cifar100": CIFAR100, "imagenet16": IMAGENET16}


def task_of(benchmark: Benchmark) -> str | None:
    """The column of the paper's tables that a benchmark has the values of.

    Args:
        benchmark: The benchmark.

    Returns:
        One of :data:`TASKS` where the benchmark searches the validation error, after 200
        epochs, of all architectures of the paper's cell: the official NAS-Bench-201, a table
        over its cell with a column named like ``cifar10_valid_200``, or NAS-Bench-301 after
        full training. None for all others, of which the paper has no number.
    """
    objective = benchmark.objectives[0].name
    if isinstance(benchmark, NASBench301Benchmark):
        return DARTS if benchmark.is_fully_trained else None
    if benchmark.cell != cells.get("nas-bench-201"):
        return None
    if isinstance(benchmark, NASBench201Benchmark):
        searches_validation = objective.endswith("_valid_error")
        if benchmark.epochs == 200 and searches_validation and benchmark.dataset is not None:
            return _OFFICIAL[benchmark.dataset]
        return None
    match = _COLUMN.fullmatch(objective)
    return None if match is None else _COLUMNS[match[1]]


def source_of(benchmark: Benchmark) -> str | None:
    """What has to be said of values that nobody has trained; None where all were trained."""
    if not isinstance(benchmark, NASBench301Benchmark):
        return None
    sentence = (
        f"The values are predictions: {benchmark.description}, in {benchmark.path}; the paper "
        "does not say which surrogate of NAS-Bench-301 it asked, nor whether with noise."
    )
    if isinstance(benchmark.surrogate, OnnxSurrogate):
        sentence += (
            " This one is YAHPO Gym's, about 1.3 points more optimistic than the benchmark's "
            "own: compare the order of the methods, not the values."
        )
    return sentence
