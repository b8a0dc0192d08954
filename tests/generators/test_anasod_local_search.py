"""Local search on encodings, then on architectures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.core import History
from ax_anasod.generators import AnasodLocalSearchGenerator
from ax_anasod.generators.anasod_local_search import encodings_of
from ax_anasod.simplex import neighbours, sample_uniform
from ax_anasod.testing import SyntheticObjective

NB201 = cells.get("nas-bench-201")
DARTS = cells.get("darts")
GRAPH = cells.get("nas-bench-graph")


def counts_distance(cell: Cell, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Blocks that have to move from one operation to another, of the encodings of codes."""
    return np.abs(encodings_of(cell, first) - encodings_of(cell, second)).sum(axis=1) // 2


def test_first_phase_judges_each_neighbouring_encoding_once(
    search: Callable[..., History],
) -> None:
    objective = SyntheticObjective(NB201)
    past = search(AnasodLocalSearchGenerator(NB201.to_dict(), seed=2), objective, 10)
    best = past.rows[past.values[:, 0].argmin()]
    expected = neighbours(NB201.encode(best[None])[0])
    judged = {tuple(row) for row in NB201.encode(past.rows).tolist()}
    new = [row for row in expected.tolist() if tuple(row) not in judged]

    past = search(AnasodLocalSearchGenerator(NB201.to_dict(), seed=2), objective, len(new), past)

    assert sorted(NB201.encode(past.rows[10:]).tolist()) == sorted(new)


def test_starts_are_uniform_on_the_simplex(history: Callable[..., History]) -> None:
    firsts = np.concatenate(
        [
            AnasodLocalSearchGenerator(NB201.to_dict(), seed).propose(1, history(width=6), {})
            for seed in range(400)
        ]
    )

    drawn = NB201.snap(sample_uniform(5, 4000, np.random.default_rng(0)))
    tables = [
        np.bincount(counts.max(axis=1), minlength=7)[2:5]
        for counts in (NB201.encode(firsts), drawn)
    ]
    assert stats.chi2_contingency(tables).pvalue > 1e-3
    shuffled = NB201.encode(NB201.sample(4000, np.random.default_rng(0)))
    tables[1] = np.bincount(shuffled.max(axis=1), minlength=7)[2:5]
    assert stats.chi2_contingency(tables).pvalue < 1e-3, "uniform architectures are something else"


@pytest.mark.parametrize("cell", [NB201, GRAPH], ids=lambda cell: cell.name)
def test_second_phase_ends_at_an_optimum_among_architectures(
    cell: Cell, search: Callable[..., History]
) -> None:
    objective = SyntheticObjective(cell, seed=4)

    past = search(AnasodLocalSearchGenerator(cell.to_dict(), seed=1), objective, 250)

    best = past.rows[past.values[:, 0].argmin()]
    assert (objective(cell.neighbours(best)) >= past.values.min()).all()


def test_the_first_phase_comes_before_the_second(search: Callable[..., History]) -> None:
    # The error depends on the counts alone: climbing on encodings finds the optimum.
    worth = np.array([0.0, 1.0, 2.0, 4.0, 3.0])

    def objective(codes: np.ndarray) -> np.ndarray:
        return np.asarray(60.0 - NB201.encode(codes) @ worth)

    past = search(AnasodLocalSearchGenerator(NB201.to_dict(), seed=0), objective, 110)

    assert past.values.min() == 60 - 24
    found = int(past.values[:, 0].argmin())
    steps = counts_distance(NB201, past.rows[1:found], past.rows[: found - 1])
    assert steps.max() > 1
    architecture_steps = (past.rows[11:found] != past.rows[10 : found - 1]).sum(axis=1)
    assert np.median(architecture_steps) > 2, "encodings are judged by shuffled architectures"


def test_parts_share_the_encoding_in_the_first_phase(search: Callable[..., History]) -> None:
    past = search(
        AnasodLocalSearchGenerator(DARTS.to_dict(), seed=1), SyntheticObjective(DARTS), 30
    )

    parts = past.rows[:, :16].reshape(30, 2, 8)
    counts = (parts[..., None] == np.arange(7)).sum(axis=2)
    np.testing.assert_array_equal(counts[:, 0], counts[:, 1])


def test_parts_with_different_counts_have_the_nearest_shared_encoding() -> None:
    code = np.zeros((1, 22), dtype=np.int64)
    code[0, 8:16] = 1

    counts = encodings_of(DARTS, code)

    assert counts.sum() == 8
    assert counts[0, :2].tolist() == [4, 4]


def test_encodings_that_a_table_lacks_are_passed_over(search: Callable[..., History]) -> None:
    restricted = RestrictedCell(NB201, NB201.sample(80, np.random.default_rng(0)))

    past = search(
        AnasodLocalSearchGenerator(restricted.to_dict()), SyntheticObjective(restricted), 90
    )

    assert restricted.is_valid(past.rows).all()
    assert len(np.unique(restricted.keys(past.rows))) == 80


def test_a_prefix_of_the_history_gives_the_same_next_trial(
    history: Callable[..., History], search: Callable[..., History]
) -> None:
    past = search(
        AnasodLocalSearchGenerator(NB201.to_dict(), seed=7), SyntheticObjective(NB201), 80
    )

    for length in (0, 10, 25, 60, 79):
        prefix = history(past.rows[:length].tolist(), past.values[:length, 0].tolist(), width=6)
        code = AnasodLocalSearchGenerator(NB201.to_dict(), seed=7).propose(1, prefix, {})[0]
        np.testing.assert_array_equal(code, past.rows[length])


def test_no_two_workers_get_the_same(history: Callable[..., History]) -> None:
    codes = AnasodLocalSearchGenerator(NB201.to_dict()).propose(40, history(width=6), {})

    assert len(np.unique(NB201.keys(codes))) == 40


def test_fixed_columns_hold(history: Callable[..., History]) -> None:
    generator = AnasodLocalSearchGenerator(NB201.to_dict(), num_initial=3)
    codes = generator.propose(3, history(width=6), {0: 2})

    more = generator.propose(
        15, history(codes.tolist(), SyntheticObjective(NB201)(codes).tolist()), {0: 2}
    )

    assert set(np.concatenate([codes, more])[:, 0].tolist()) == {2}


def test_encodings_without_a_neighbour_in_a_table(search: Callable[..., History]) -> None:
    listed = NB201.sample(3, np.random.default_rng(1))
    cell = RestrictedCell(NB201, listed)
    past = search(AnasodLocalSearchGenerator(cell.to_dict(), seed=0), SyntheticObjective(cell), 15)
    assert {tuple(row) for row in past.rows.tolist()} == {tuple(row) for row in listed.tolist()}
