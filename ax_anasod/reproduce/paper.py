"""The numbers of the paper, and which benchmarks they are of.

Source: Wan, Ru, Esperança & Carlucci, *Approximate Neural Architecture Search via Operation
Distribution Learning*, WACV 2022: Table 1 (Section 3.1), Tables 2 and 3 (Section 4.1), Tables 4
and 5 (Section 4.2), Table 6 (Appendix B), Figure 7 (Appendix D). All are errors in percent: on
NAS-Bench-201 after 200 epochs (validation, in Table 3 test), on NAS-Bench-301 as a surrogate
predicts them, in Tables 4 and 5 of networks trained for good.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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


@dataclass(frozen=True)
class PaperSearch:
    """A row of Table 3, as printed.

    Args:
        name: What the paper calls it.
        epochs: Epochs of the search, None where there are none.
        errors: Column -> test error of what was found, in percent: mean and standard deviation
            (None for the optimum) over seeds whose number is not stated.
        source: Where the paper takes it from.
    """

    name: str
    epochs: int | None
    errors: Mapping[str, tuple[float, float | None]]
    source: str


def _search(name: str, epochs: int | None, source: str, *errors: float | None) -> PaperSearch:
    values = zip(TASKS[:3], errors[::2], errors[1::2], strict=True)
    return PaperSearch(
        name, epochs, {task: (mean, sd) for task, mean, sd in values if mean is not None}, source
    )


_GAEA_PAPER: Final = "Li et al., ICLR 2021 (GAEA)"
_BENCHMARK_PAPER: Final = "Dong and Yang, ICLR 2020 (NAS-Bench-201)"
OPTIMUM: Final = "optimum"
TABLE_3: Final = {
    OPTIMUM: _search("Optimal", None, "not stated", 5.70, None, 26.50, None, 52.70, None),
    "rsps": _search("RSPS", 50, _GAEA_PAPER, 12.34, 1.7, 41.67, 4.3, 68.86, 3.9),
    "darts": _search("DARTS", 50, _BENCHMARK_PAPER, 45.70, 0.0, 84.39, 0.0, 83.68, 0.0),
    "setn": _search("SETN", 50, _GAEA_PAPER, 12.36, 0.0, 41.95, 0.2, 67.48, 0.2),
    "enas": _search("ENAS", 50, _BENCHMARK_PAPER, 45.70, 0.0, 84.97, 0.0, 83.68, 0.0),
    "gaea": _search("GAEA-DARTS", 25, _GAEA_PAPER, 8.36, 2.6, 31.61, 4.5, 58.41, 4.2),
    "anasod-dnas": _search("ANASOD-DNAS", 20, "own", 7.75, 1.2, 31.33, 1.7, 58.00, 2.9),
}
"""Method, or ``"optimum"`` -> its row."""


@dataclass(frozen=True)
class PaperNetwork:
    """A row of Table 4 or 5, as printed.

    Args:
        name: What the paper calls it.
        error: Its error, in percent.
        deviation: What stands behind the ±, None where nothing does.
        parameters: Weights in million, None where there is a dash.
        method: How it was searched: RS (random), RL (reinforcement learning), MCTS (tree
            search), GD (gradient descent) or BO (Bayesian optimisation).
        epochs: Epochs of the final training, None where the paper does not say.
        remark: What its mark says.
    """

    name: str
    error: float
    deviation: float | None
    parameters: float | None
    method: str
    epochs: int | None = None
    remark: str = ""


_ADVANCED: Final = "trained about as ANASOD-BO+"
_MOVED: Final = "transferred from CIFAR-10"
TABLE_4: Final = (
    PaperNetwork("Random-WS", 2.85, 0.08, 4.3, "RS"),
    PaperNetwork("NASNet-A", 2.65, None, 3.3, "RL"),
    PaperNetwork("LaNAS", 2.53, 0.05, 3.2, "MCTS"),
    PaperNetwork("DARTS", 2.76, 0.09, 3.3, "GD"),
    PaperNetwork("DARTS+", 2.37, 0.13, 4.3, "GD", remark=_ADVANCED),
    PaperNetwork("P-DARTS", 2.50, None, 3.4, "GD"),
    PaperNetwork("DropNAS", 2.58, 0.14, 4.1, "GD"),
    PaperNetwork("DropNAS (advanced)", 1.88, None, 4.1, "GD", remark=_ADVANCED),
    PaperNetwork("BANANAS", 2.64, None, None, "BO"),
    PaperNetwork("BOGCN", 2.61, None, 3.5, "BO"),
    PaperNetwork("NAS-BOWL", 2.61, 0.08, 3.7, "BO"),
    PaperNetwork("ANASOD-BO (Mixup)", 2.63, None, 3.5, "BO", 600),
    PaperNetwork("ANASOD-BO (CutMix)", 2.41, None, 3.5, "BO", 600),
    PaperNetwork("ANASOD-BO+", 1.86, None, 3.5, "BO", 1500),
)
TABLE_5: Final = (
    PaperNetwork("DARTS", 17.76, None, 3.3, "GD"),
    PaperNetwork("DARTS+", 14.87, None, 3.9, "GD", remark=_ADVANCED),
    PaperNetwork("P-DARTS", 16.55, None, 3.4, "GD", remark=_MOVED),
    PaperNetwork("DropNAS", 16.39, None, 4.4, "GD"),
    PaperNetwork("DropNAS+", 14.10, None, 4.4, "GD", remark=_ADVANCED),
    PaperNetwork("ANASOD-BO (CutMix)", 16.33, None, 3.5, "BO", 600, _MOVED),
    PaperNetwork("ANASOD-BO+", 13.76, None, 3.5, "BO", 1500, _MOVED),
)

FIGURE_7: Final = {
    "max_pool_3x3": 1,
    "skip_connect": 6,
    "sep_conv_5x5": 1,
    "dil_conv_3x3": 2,
}
"""Operation -> count of the best encoding in the open domain; the paper does not say the size
of the pooling."""

_OFFICIAL: Final = {"cifar10": CIFAR10, "cifar100": CIFAR100, "ImageNet16-120": IMAGENET16}
# A table does not say what its columns are; the paper's is recognised by this name.
_COLUMN: Final = re.compile(r"(cifar10|cifar100|imagenet16)(_120)?_(valid|test)_200_error")
_COLUMNS: Final = {"cifar10": CIFAR10, "cifar100": CIFAR100, "imagenet16": IMAGENET16}


def task_of(benchmark: Benchmark, objective: str | None = None, split: str = "valid") -> str | None:
    """The column of the paper's tables that a benchmark has the values of.

    Args:
        benchmark: The benchmark.
        objective: One of its objectives, the first by default.
        split: What the table is of: ``"valid"``, or ``"test"`` (Table 3).

    Returns:
        One of :data:`TASKS` where the benchmark searches the error on this split, after 200
        epochs, of all architectures of the paper's cell: the official NAS-Bench-201, a table
        over its cell with a column named like ``cifar10_valid_200``, or NAS-Bench-301
        (validation) after full training. None for all others, of which the paper has no
        number.
    """
    objective = objective or benchmark.objectives[0].name
    if isinstance(benchmark, NASBench301Benchmark):
        return DARTS if benchmark.is_fully_trained and split == "valid" else None
    if benchmark.cell != cells.get("nas-bench-201"):
        return None
    if isinstance(benchmark, NASBench201Benchmark):
        is_of_split = objective.endswith(f"_{split}_error")
        if benchmark.epochs == 200 and is_of_split and benchmark.dataset is not None:
            return _OFFICIAL[benchmark.dataset]
        return None
    match = _COLUMN.fullmatch(objective)
    return _COLUMNS[match[1]] if match is not None and match[3] == split else None


def source_of(benchmark: Benchmark) -> str | None:
    """A note on values that do not come from trainings; None where all do."""
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
