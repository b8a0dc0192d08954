"""The share of an architecture's value that its distribution explains (Table 1, Figure 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.cells.encodings import count_keys
from ax_anasod.exceptions import CellError, OptionError
from ax_anasod.nasbench import (
    Benchmark,
    HybridLMBenchmark,
    NASBench201Benchmark,
    NASBench301Benchmark,
)
from ax_anasod.simplex import sample_uniform
from ax_anasod.typing import FloatArray, IntArray, Mask

ENCODINGS: Final = 200
"""Encodings in a sample of the paper."""

ARCHITECTURES: Final = 5
"""Different architectures of each of them."""

# Draws made of an encoding to find five different architectures among them.
_DRAWS: Final = 40
# Encodings with fewer architectures are drawn again, at most so many times over.
_ROUNDS: Final = 50
# With more architectures than this, a benchmark is not asked for all of them.
_COUNTABLE: Final = 1_000_000


@dataclass(frozen=True)
class Spread:
    """A sample of encodings, with several architectures of each.

    Args:
        counts: ``m x k`` the encodings.
        values: ``m x a`` values of architectures of each.
        seed_deviations: Standard deviations over the training seeds, of those of the
            architectures that have several, or as a surrogate predicts them; None where the
            data has means only.
    """

    counts: IntArray
    values: FloatArray
    seed_deviations: FloatArray | None

    @property
    def overall(self) -> float:
        """Standard deviation of all values."""
        return float(self.values.std(ddof=1))

    @property
    def deviations(self) -> FloatArray:
        """Standard deviation within each encoding, ``m``."""
        deviations: FloatArray = self.values.std(axis=1, ddof=1)
        return deviations

    @property
    def within(self) -> float:
        """Median of the deviations within an encoding."""
        return float(np.median(self.deviations))

    @property
    def within_top(self) -> float:
        """Median of the deviations within the encodings whose mean is in the better half."""
        means = self.values.mean(axis=1)
        return float(np.median(self.deviations[means <= np.median(means)]))

    @property
    def seeds(self) -> float | None:
        """Median of the deviations over training seeds."""
        known = self.seed_deviations
        return float(np.median(known)) if known is not None and len(known) else None


def draw_spread(
    benchmark: Benchmark,
    rng: np.random.Generator,
    encodings: int = ENCODINGS,
    architectures: int = ARCHITECTURES,
) -> Spread:
    """Draw encodings as random search does, and different architectures of each.

    An encoding that has fewer architectures (a single operation everywhere has one) is drawn
    again. The same encoding can come several times.

    Source: paper, Section 3.1, the caption of Figure 2.

    Args:
        benchmark: The benchmark, whose first objective is taken.
        rng: Source of randomness.
        encodings: How many encodings.
        architectures: How many architectures of each.

    Raises:
        OptionError: The cell has too few encodings with so many architectures.
    """
    cell, kept, drawn = benchmark.cell, [], []
    missing = encodings
    for _ in range(_ROUNDS):
        if not missing:
            break
        counts = cell.snap(sample_uniform(cell.num_operations, encodings, rng))
        codes, enough = _different(cell, counts, architectures, rng)
        kept.append(counts[enough][:missing])
        drawn.append(codes[enough][:missing])
        missing -= len(kept[-1])
    if missing:
        raise OptionError(
            f"of {_ROUNDS * encodings} random encodings of cell {cell.name!r} only "
            f"{encodings - missing} have {architectures} different architectures each; "
            f"{encodings} are needed"
        )
    codes = np.concatenate(drawn)
    flat = codes.reshape(encodings * architectures, -1)
    name = benchmark.objectives[0].name
    values = benchmark.query(flat, benchmark.draw_seeds(flat, rng))[name]
    return Spread(
        np.concatenate(kept),
        values.reshape(encodings, architectures),
        _seed_deviations(benchmark, flat),
    )


def explained_share(benchmark: Benchmark) -> float | None:
    """Share of the variance over all architectures that the encoding explains (R²).

    One minus the variance within encodings over the whole variance: what the best predictor
    that sees nothing but the operation distribution could reach. Where single training runs
    are searched, their mean is taken.

    Args:
        benchmark: The benchmark, whose first objective is taken.

    Returns:
        From 0 to 1; None where the architectures are too many to look at all of them.
    """
    cell = benchmark.cell
    try:
        if cell.size > _COUNTABLE:
            return None
        codes = cell.enumerate()
    except CellError:
        return None
    objective = benchmark.objectives[0].name
    seeds = benchmark.draw_seeds(codes, np.random.default_rng(0))
    result = benchmark.query(codes, seeds)
    values = result.get(f"{objective}_mean", result[objective])
    keys = count_keys(cell.encode(codes), cell.num_blocks)
    _, groups = np.unique(keys, return_inverse=True)
    means = np.bincount(groups, values) / np.bincount(groups)
    whole = float(((values - values.mean()) ** 2).sum())
    return 1.0 - float(((values - means[groups]) ** 2).sum()) / whole if whole else None


def _different(
    cell: Cell, counts: IntArray, number: int, rng: np.random.Generator
) -> tuple[IntArray, Mask]:
    """``number`` different architectures of each encoding, and which encodings have them.

    Returns:
        Codes ``m x number x d`` (meaningless where there are not enough) and ``m`` booleans.
    """
    codes = cell.decode(np.repeat(counts, _DRAWS, axis=0), rng)
    groups = np.repeat(np.arange(len(counts)), _DRAWS)
    # The first appearance of each architecture of each encoding, in the order of the draws.
    _, key = np.unique(cell.keys(codes), return_inverse=True)
    _, first = np.unique(groups * (key.max() + 1) + key, return_index=True)
    first.sort()
    place = np.arange(len(first)) - np.searchsorted(groups[first], groups[first])
    enough = np.bincount(groups[first], minlength=len(counts)) >= number
    chosen = np.zeros((len(counts), number), dtype=np.int64)
    taken = place < number
    chosen[groups[first][taken], place[taken]] = first[taken]
    return codes[chosen], enough


def _seed_deviations(benchmark: Benchmark, codes: IntArray) -> FloatArray | None:
    if isinstance(benchmark, NASBench301Benchmark):
        return benchmark.deviations(codes)
    if not isinstance(benchmark, NASBench201Benchmark | HybridLMBenchmark):
        return None
    if benchmark.seeds != "single":
        return None
    seeds = benchmark.seeds_of(codes)
    several = [row for row, owned in enumerate(seeds) if len(owned) > 1]
    if not several:
        return None
    lengths = [len(seeds[row]) for row in several]
    rows = np.repeat(several, lengths)
    values = benchmark.query(codes[rows], np.concatenate([seeds[row] for row in several]))
    errors = values[benchmark.objectives[0].name]
    parts = np.split(errors, np.cumsum(lengths)[:-1])
    return np.array([part.std(ddof=1) for part in parts])
