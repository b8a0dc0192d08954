"""The generator of two-level-bo: what it proposes, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.core import History
from ax_anasod.exceptions import CellError, OptionError, UnknownNameError
from ax_anasod.experiment import make_client
from ax_anasod.generators import EXPECTED_IMPROVEMENT, SURROGATES, TwoLevelGenerator

Build = Callable[..., History]
Search = Callable[..., History]

PLAIN = Cell("plain", ["conv", "pool", "skip"], num_blocks=4)
WIRED = Cell("wired", ["conv", "skip"], num_blocks=3, wiring=[2, 3])


def generator(cell: Cell, seed: int = 0, **options: Any) -> TwoLevelGenerator:
    return TwoLevelGenerator(cell.to_dict(), seed, **options)


def errors(cell: Cell) -> Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float64]]:
    """Errors that depend on the distribution, and a little on which block has what."""
    weights = np.random.default_rng(7).random((len(cell.code_sizes), max(cell.code_sizes)))

    def error(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        counts = cell.encode(codes) @ np.arange(cell.num_operations)
        places = weights[np.arange(codes.shape[1]), codes].sum(axis=1)
        return np.asarray(1.0 + counts + places)

    return error


def started(cell: Cell, build: Build, n: int = 8, seed: int = 0) -> History:
    """A history of random architectures."""
    codes = cell.sample(n, np.random.default_rng(seed))
    return build(codes.tolist(), errors(cell)(codes).tolist())


@pytest.mark.parametrize("cell", [PLAIN, WIRED], ids=lambda cell: cell.name)
def test_finds_the_optimum_without_proposing_anything_twice(
    cell: Cell, history: Build, search: Search
) -> None:
    error = errors(cell)
    found = search(generator(cell), error, 22, started(cell, history, n=4))
    own = cell.keys(found.rows[4:])
    assert len(np.unique(own)) == len(own)
    assert not np.isin(own, cell.keys(found.rows[:4])).any()
    assert found.values.min() == pytest.approx(error(cell.enumerate()).min())


@pytest.mark.parametrize("limit", [0, 100_000], ids=["searched", "enumerated"])
def test_a_proposal_is_a_function_of_history_and_seed(limit: int, history: Build) -> None:
    cell = cells.get("nas-bench-201")
    past = started(cell, history, n=12)
    proposals = [generator(cell, enumeration_limit=limit).propose(2, past, {}) for _ in range(2)]
    np.testing.assert_array_equal(*proposals)


def test_the_search_finds_what_an_enumeration_finds(history: Build) -> None:
    cell = cells.get("nas-bench-201")
    wins = 0
    for seed in range(5):
        past = started(cell, history, n=15, seed=seed)
        best, found = (generator(cell, enumeration_limit=limit) for limit in (100_000, 0))
        wins += np.array_equal(best.propose(1, past, {}), found.propose(1, past, {}))
        promised = [g.metadata()[EXPECTED_IMPROVEMENT] for g in (best, found)]
        assert promised[1] <= promised[0] * (1 + 1e-6)
        assert promised[1] > 0.5 * promised[0]
    assert wins >= 3


@pytest.mark.parametrize("name", ["darts", "nasnet"])
def test_large_cells_are_searched(name: str, history: Build) -> None:
    cell = cells.get(name)
    past = started(cell, history, n=15)
    rows = generator(cell).propose(2, past, {})
    assert cell.is_valid(rows).all()
    # Fewer of the operations that cost than the best of the random ones.
    assert errors(cell)(rows).min() < past.values.min()


def test_trials_take_turns_between_two_views() -> None:
    own = generator(cells.get("nas-bench-201"))
    names = [[level.name for level in own.levels(position)] for position in range(4)]
    assert names[0] == names[2] == ["distribution", "blocks"]
    assert names[1] == names[3] == ["distribution", "blocks", "paths", "steps"]
    # Every block reads all residual ones before it.
    residual = generator(cells.get("hybrid-lm"))
    assert [level.name for level in residual.levels(0)] == ["distribution", "blocks"]
    assert [level.name for level in residual.levels(1)] == ["distribution", "blocks", "order"]
    # A cell that does not say which block reads which has no paths.
    plain = generator(PLAIN)
    assert [level.name for level in plain.levels(1)] == ["distribution", "blocks"]
    for surrogate in SURROGATES:
        assert generator(cells.get("darts"), surrogate=surrogate).levels(0)


@pytest.mark.parametrize("surrogate", ["paths", "sum"])
def test_surrogates_of_paths_need_some(surrogate: str) -> None:
    with pytest.raises(CellError, match=f"surrogate '{surrogate}' compares paths.*'plain' has no"):
        generator(PLAIN, surrogate=surrogate)
    # A strategy refuses before its first trial.
    with pytest.raises(CellError, match="'alternating' leaves out"):
        make_client(PLAIN, "two-level-bo", surrogate=surrogate)


def test_several_at_once_are_several_in_a_row(history: Build) -> None:
    past = started(PLAIN, history)
    together = generator(PLAIN).propose(3, past, {})
    assert len(np.unique(PLAIN.keys(together))) == 3
    rows, values = past.rows.tolist(), past.values[:, 0].tolist()
    for expected in together:
        row = generator(PLAIN).propose(1, history(rows, values), {})[0]
        np.testing.assert_array_equal(row, expected)
        rows.append(row.tolist())
        values.append(np.nan)


def test_a_failed_trial_counts_as_the_worst_and_is_not_proposed_again(history: Build) -> None:
    past = started(PLAIN, history)
    chosen = generator(PLAIN).propose(1, past, {})
    failed = replace(
        history([*past.rows.tolist(), chosen[0].tolist()], [*past.values[:, 0], np.nan]),
        failed=np.array([False] * len(past.rows) + [True]),
    )
    worst = history(failed.rows.tolist(), [*past.values[:, 0], past.values.max()])
    after = [generator(PLAIN).propose(1, h, {})[0] for h in (failed, worst)]
    np.testing.assert_array_equal(*after)
    assert (after[0] != chosen[0]).any()


def test_only_failures_so_far(history: Build) -> None:
    past = history([[0, 0, 0, 0]], [np.nan])
    own = generator(PLAIN)
    rows = own.propose(1, replace(past, failed=np.array([True])), {})
    assert PLAIN.is_valid(rows).all()
    assert own.metadata() == {}


@pytest.mark.parametrize("limit", [0, 100_000], ids=["searched", "enumerated"])
@pytest.mark.parametrize("name", ["nas-bench-201", "nas-bench-graph"])
def test_fixed_columns(name: str, limit: int, history: Build) -> None:
    cell = cells.get(name)
    rows = generator(cell, enumeration_limit=limit).propose(3, started(cell, history), {0: 1, 3: 2})
    assert (rows[:, 0] == 1).all()
    assert (rows[:, 3] == 2).all()
    assert len(np.unique(cell.keys(cell.canonical(rows)))) == 3


@pytest.mark.parametrize("limit", [0, 100_000], ids=["searched", "enumerated"])
def test_a_table_with_gaps_and_a_space_that_is_used_up(limit: int, history: Build) -> None:
    whole = cells.get("nas-bench-201")
    cell = RestrictedCell(whole, whole.sample(14, np.random.default_rng(0)))
    past = started(whole, history, n=1)
    codes = cell.enumerate()
    past = history(codes[:10].tolist(), errors(whole)(codes[:10]).tolist())
    own = generator(cell, enumeration_limit=limit)
    rest = own.propose(4, past, {})
    assert set(cell.keys(rest)) == set(cell.keys(codes[10:]))
    # Everything has a trial: repeats are further observations.
    everything = history(codes.tolist(), errors(whole)(codes).tolist())
    assert np.isin(cell.keys(own.propose(2, everything, {})), cell.keys(codes)).all()


def test_one_terrible_cell_changes_little(history: Build) -> None:
    past = started(PLAIN, history, n=12)
    values = past.values[:, 0].copy()
    worst = int(values.argmax())
    proposals = []
    for terrible in (1e2, 1e6):
        values[worst] = terrible
        proposals.append(generator(PLAIN).propose(1, history(past.rows.tolist(), values), {}))
    np.testing.assert_array_equal(*proposals)


def test_expected_improvement_is_in_percent_of_the_best(history: Build) -> None:
    past = started(PLAIN, history, n=12)
    promised = []
    for factor in (1.0, 1000.0):
        for log_targets in (True, False):
            own = generator(PLAIN, log_targets=log_targets)
            own.propose(1, history(past.rows.tolist(), factor * past.values[:, 0]), {})
            promised.append(own.metadata()[EXPECTED_IMPROVEMENT])
    # Whatever the unit; with and without logarithms alike.
    assert promised[:2] == pytest.approx(promised[2:], rel=1e-4)
    assert 0 < promised[0] < 100
    assert promised[0] == pytest.approx(promised[1], rel=2.0)


def test_values_of_both_signs_are_modelled_as_they_are(history: Build) -> None:
    past = history(PLAIN.enumerate()[:3].tolist(), [-1.0, 2.0, 3.0])
    with_log, without = (
        generator(PLAIN, log_targets=log).propose(1, past, {}).tolist() for log in (True, False)
    )
    assert with_log == without


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_initial": 0}, "num_initial must be at least 1"),
        ({"enumeration_limit": -1}, "enumeration_limit must be at least 0"),
        (
            {"enumeration_limit": 10**8},
            "enumeration_limit must be .* at most 10,000,000",
        ),
    ],
)
def test_options_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        generator(PLAIN, **options)


def test_misspelt_surrogate() -> None:
    with pytest.raises(UnknownNameError):
        generator(PLAIN, surrogate="alternatin")
