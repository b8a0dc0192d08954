"""Decoding: exact, uniform over the distinct valid architectures, and picky."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chisquare

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.exceptions import EncodingError, OptionError, UnknownNameError
from ax_anasod.simplex import enumerate_grid

DRAWS_EACH = 60


def frequencies(cell: Cell, drawn: NDArray[np.int64], expected: NDArray[np.int64]) -> list[int]:
    """How often each expected architecture was drawn; fails on any other."""
    order = {key: i for i, key in enumerate(cell.keys(expected).tolist())}
    counts = [0] * len(expected)
    for key in cell.keys(drawn).tolist():
        counts[order[key]] += 1
    return counts


def architectures_with(cell: Cell, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The distinct valid architectures of an encoding, by looking at each one."""
    chosen = []
    for code in cell.enumerate():
        parts = code[: cell.num_blocks].reshape(-1, counts.sum())
        if all(
            np.bincount(part, minlength=len(counts)).tolist() == counts.tolist() for part in parts
        ):
            chosen.append(code)
    return np.array(chosen, dtype=np.int64).reshape(len(chosen), len(cell.code_sizes))


def check_uniform(observed: Sequence[int], expected: Sequence[float] | None = None) -> None:
    if len(observed) > 1:
        assert chisquare(observed, expected).pvalue > 1e-4


@pytest.mark.parametrize("spread", ["every part", "all parts together"])
def test_shuffle_is_uniform(small_cell: Cell, rng: np.random.Generator, spread: str) -> None:
    total = small_cell.total if spread == "every part" else small_cell.num_blocks
    seen = 0
    for counts in enumerate_grid(total, small_cell.num_operations):
        expected = architectures_with(small_cell, counts)
        assert small_cell.is_feasible(counts[None])[0] == (len(expected) > 0)
        if len(expected):
            encodings = np.tile(counts, (DRAWS_EACH * len(expected), 1))
            drawn = small_cell.decode(encodings, rng)
            check_uniform(frequencies(small_cell, drawn, expected))
        seen += len(expected)
    if total == small_cell.num_blocks:
        assert seen == small_cell.size


@pytest.mark.parametrize(
    "operations", [["skip", "skip", "gcn", "gat"], ["skip", "skip", "skip", "fc"], ["gcn"] * 4]
)
def test_shuffle_is_uniform_over_graph_networks(
    operations: list[str], rng: np.random.Generator
) -> None:
    cell = cells.get("nas-bench-graph")
    counts = np.array([operations.count(name) for name in cell.operations])
    everything = cell.enumerate()
    expected = everything[(cell.encode(everything) == counts).all(axis=1)]
    drawn = cell.decode(np.tile(counts, (DRAWS_EACH * len(expected), 1)), rng)
    check_uniform(frequencies(cell, drawn, expected))


@pytest.mark.parametrize("fractions", [[0.2, 0.5, 0.3], [0.9, 0.1, 0.0], [0.0, 0.4, 0.6]])
def test_categorical_follows_the_fractions(
    small_cell: Cell, rng: np.random.Generator, fractions: list[float]
) -> None:
    if small_cell.num_operations == 2:
        fractions = [fractions[0], 1.0 - fractions[0]]
    everything = small_cell.enumerate()
    chances = np.prod(np.array(fractions) ** small_cell.encode(everything), axis=1)
    possible = everything[chances > 0]
    n = 20_000
    drawn = small_cell.decode(np.tile(fractions, (n, 1)), rng, method="categorical")
    observed = np.array(frequencies(small_cell, drawn, possible))
    expected = n * chances[chances > 0] / chances.sum()
    # Pearson's statistic needs expected frequencies of about five.
    rare = expected < 5
    observed = np.append(observed[~rare], observed[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    if expected[-1] < 5:
        observed = np.append(observed[:-2], observed[-2:].sum())
        expected = np.append(expected[:-2], expected[-2:].sum())
    check_uniform(observed, expected)


def test_sample_is_uniform(small_cell: Cell, rng: np.random.Generator) -> None:
    everything = small_cell.enumerate()
    drawn = small_cell.sample(DRAWS_EACH * len(everything), rng)
    check_uniform(frequencies(small_cell, drawn, everything))


@st.composite
def cells_and_counts(draw: st.DrawFn) -> tuple[Cell, NDArray[np.int64]]:
    k = draw(st.integers(2, 12))
    parts = draw(st.integers(1, 3))
    total = draw(st.integers(1, 14))
    wiring = draw(st.lists(st.integers(2, 9), max_size=3))
    cell = Cell("any", [f"op {i}" for i in range(k)], total * parts, wiring, parts)
    together = draw(st.booleans())
    weights = draw(st.lists(st.integers(1, 9), min_size=k, max_size=k))
    seed = draw(st.integers(0, 2**32))
    p = np.array(weights) / sum(weights)
    blocks = cell.num_blocks if together else cell.total
    return cell, np.random.default_rng(seed).multinomial(blocks, p, size=7)


@given(cells_and_counts(), st.integers(0, 2**32))
def test_encode_inverts_decode(drawn: tuple[Cell, NDArray[np.int64]], seed: int) -> None:
    cell, counts = drawn
    codes = cell.decode(counts, np.random.default_rng(seed))
    whole = counts * (cell.num_blocks // counts[0].sum())
    assert (cell.encode(codes) == whole).all()
    if counts[0].sum() == cell.total:
        parts = codes[:, : cell.num_blocks].reshape(len(codes), cell.parts, cell.total)
        for part in range(cell.parts):
            ordered = np.sort(parts[:, part], axis=1)
            assert (ordered == [np.repeat(np.arange(len(c)), c) for c in counts]).all()


@given(cells_and_counts(), st.integers(0, 2**32))
def test_decode_inverts_encode(drawn: tuple[Cell, NDArray[np.int64]], seed: int) -> None:
    cell, _ = drawn
    rng = np.random.default_rng(seed)
    codes = cell.sample(20, rng)
    assert (cell.encode(cell.decode(cell.encode(codes), rng)) == cell.encode(codes)).all()


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_every_cell_decodes_its_own_encodings(seed: int) -> None:
    for name in cells.names():
        cell = cells.get(name)
        rng = np.random.default_rng(seed)
        counts = cell.encode(cell.sample(20, rng))
        for method in ("shuffle", "categorical"):
            codes = cell.decode(counts, rng, method)
            assert cell.is_valid(codes).all()
            assert (cell.canonical(codes) == codes).all()
            if method == "shuffle":
                assert (cell.encode(codes) == counts).all()


def test_fractions_and_counts_decode_alike(cell: Cell) -> None:
    rows = cell.sample(10, np.random.default_rng(1))
    counts = cell.snap(cell.encode(rows) / cell.num_blocks)
    from_counts = cell.decode(counts, np.random.default_rng(2))
    from_fractions = cell.decode(counts / cell.total, np.random.default_rng(2))
    assert (from_counts == from_fractions).all()


def test_the_seed_decides(cell: Cell) -> None:
    counts = cell.encode(cell.sample(200, np.random.default_rng(1)))
    for method in ("shuffle", "categorical"):
        first, second, other = (
            cell.decode(counts, np.random.default_rng(seed), method) for seed in (3, 3, 4)
        )
        assert (first == second).all()
        assert (first != other).any()


def test_a_cell_too_large_to_list_decodes_in_batches(rng: np.random.Generator) -> None:
    cell = Cell("wide", [f"op {i}" for i in range(12)], num_blocks=40)
    counts = rng.multinomial(40, np.full(12, 1 / 12), size=10_000)
    assert (cell.encode(cell.decode(counts, rng)) == counts).all()
    # Every block sees every operation as often as the counts say.
    same = np.tile([4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 0, 0], (10_000, 1))
    codes = cell.decode(same, rng)
    for block in range(40):
        check_uniform(np.bincount(codes[:, block], minlength=12)[:10])


WIRED = Cell("wired", ["a", "b"], num_blocks=4, wiring=[2], parts=2)


@pytest.mark.parametrize(
    ("encodings", "message"),
    [
        ([[1, 2]], r"must sum to 2, but row 0 \[1, 2\] sums to 3"),
        ([[1, 1], [2, 2]], r"must sum to 2, but row 1 \[2, 2\]"),
        ([[3, -1]], "negative"),
        ([[1, 1, 0]], r"n x 2 array \(one column for each of a, b\), got shape \(1, 3\)"),
        ([1, 1], r"got shape \(2,\)"),
        ([["a", "b"]], "must be numbers"),
        ([[True, False]], "must be numbers"),
        ([[1, 1], [1]], "rows of unequal length"),
        ([[0.5, 0.6]], r"row 0 \[0.5, 0.6\] sums to 1.1"),
        ([[1.5, -0.5]], "non-negative"),
        ([[float("nan"), 1.0]], "sums to nan"),
        ([[1.0, 1.0]], "counts are given as an integer array"),
        ([[0.3, 0.7]], r"not on the grid: times 2 blocks they give \[0.6, 1.4\].*snap"),
    ],
)
def test_refuses_what_is_no_encoding(encodings: Any, message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        WIRED.decode(encodings, np.random.default_rng(0))


def test_refuses_unknown_methods_and_seeds_in_place_of_generators() -> None:
    with pytest.raises(UnknownNameError):
        WIRED.decode([[1, 1]], np.random.default_rng(0), method="shufle")
    with pytest.raises(OptionError):
        WIRED.decode([[1, 1]], 3)  # type: ignore[arg-type]
    restricted = RestrictedCell(WIRED, WIRED.enumerate()[:5])
    with pytest.raises(UnknownNameError):
        restricted.decode([[4, 0]], np.random.default_rng(0), method="Shuffle")
    with pytest.raises(OptionError):
        restricted.sample(1, 3)  # type: ignore[arg-type]


def test_refuses_encodings_without_valid_architecture() -> None:
    cell = cells.get("nas-bench-graph")
    counts = np.zeros((2, 9), dtype=int)
    counts[0, :4] = 1
    counts[1, 8] = 4
    with pytest.raises(EncodingError, match="no valid architecture with the operations 4 skip"):
        cell.decode(counts, np.random.default_rng(0))
    with pytest.raises(EncodingError):
        cell.decode(counts / 4, np.random.default_rng(0), method="categorical")


class HopelessCell(Cell):
    """Too large to list, so that only drawing can tell that nothing is valid."""

    def is_valid(self, codes: ArrayLike) -> NDArray[np.bool_]:
        return np.zeros(len(self.validate_codes(codes)), dtype=bool)


def test_drawing_ends_where_nothing_is_valid() -> None:
    cell = HopelessCell("hopeless", ["a", "b"], num_blocks=30)
    for encodings in ([[10, 20]], np.tile([10, 20], (100_000, 1))):
        with pytest.raises(EncodingError):
            cell.decode(encodings, np.random.default_rng(0))


def test_rare_architectures_are_found(rng: np.random.Generator) -> None:
    cell = cells.get("nas-bench-graph")
    almost_skip = np.append(np.full(8, 1e-5), 1 - 8e-5)
    codes = cell.decode(np.tile(almost_skip, (200, 1)), rng, method="categorical")
    assert cell.is_valid(codes).all()
