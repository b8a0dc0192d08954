"""Architectures proposed one after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.core import History
from ax_anasod.exceptions import ArchitectureError
from ax_anasod.generators import ArchitectureGenerator

SMALL = Cell("small", operations=["a", "b"], num_blocks=3, wiring=[3])
GRAPH = cells.get("nas-bench-graph")
# skip, gcn, gat, gin: the skip may stand elsewhere.
REPRESENTATIVE = GRAPH.canonical(np.array([[8, 1, 0, 2, 8]]))
MEMBERS = GRAPH.members(REPRESENTATIVE[0])
OTHER_FORM = MEMBERS[(MEMBERS != REPRESENTATIVE).any(axis=1)][:1]


class Recorder(ArchitectureGenerator):
    """Remembers what it was asked with, and draws."""

    def __init__(self, cell: Cell) -> None:
        super().__init__(cell.to_dict())
        self.seen: list[History] = []

    def next_code(self, history: History, fixed: Mapping[int, int]) -> npt.NDArray[np.int64]:
        self.seen.append(history)
        return self.draw_one(self.rng(history), fixed)


def test_several_proposals_are_the_same_as_one_after_another(
    history: Callable[..., History],
) -> None:
    generator = Recorder(SMALL)
    start = history([[0, 0, 1, 2], [1, 1, 0, 0]], [3.0, 4.0])

    together = generator.propose(3, start, {})
    first = generator.propose(1, start, {})
    longer = history([*start.rows.tolist(), *first.tolist()], [3.0, 4.0, np.nan])
    second = generator.propose(1, longer, {})

    np.testing.assert_array_equal(together[:2], np.concatenate([first, second]))


def test_what_was_just_proposed_is_pending(history: Callable[..., History]) -> None:
    generator = Recorder(SMALL)

    codes = generator.propose(2, history([[0, 0, 1, 2]], [3.0]), {})

    last = generator.seen[-1]
    assert last.pending.tolist() == [False, True]
    assert last.position == 2
    assert last.trial_indices.tolist() == [0, -1]
    np.testing.assert_array_equal(last.rows[1], codes[0])


def test_history_holds_representatives(history: Callable[..., History]) -> None:
    generator = Recorder(GRAPH)
    generator.propose(1, history(OTHER_FORM.tolist(), [1.0]), {})

    np.testing.assert_array_equal(generator.seen[0].rows, REPRESENTATIVE)


def test_no_proposals_are_an_empty_array(history: Callable[..., History]) -> None:
    assert Recorder(SMALL).propose(0, history(width=4), {}).shape == (0, 4)


class TestAdmissible:
    def test_invalid_codes_are_dropped_and_others_made_representatives(self) -> None:
        assert len(OTHER_FORM)
        codes = np.concatenate([[[8, 8, 8, 8, 0]], OTHER_FORM])

        kept = Recorder(GRAPH).admissible(codes, {})

        np.testing.assert_array_equal(kept, REPRESENTATIVE)

    def test_fixed_columns_are_set(self) -> None:
        codes = np.array([[0, 0, 0, 0], [1, 1, 1, 1]])

        kept = Recorder(SMALL).admissible(codes, {0: 1, 3: 2})

        assert kept.tolist() == [[1, 0, 0, 2], [1, 1, 1, 2]]

    def test_codes_that_the_fixed_columns_make_invalid_are_dropped(self) -> None:
        restricted = RestrictedCell(SMALL, [[0, 0, 0, 0], [1, 0, 0, 0]])
        codes = np.array([[0, 0, 0, 0], [0, 1, 0, 0]])

        assert Recorder(restricted).admissible(codes, {0: 1}).tolist() == [[1, 0, 0, 0]]


def test_fixed_columns_that_allow_nothing_are_refused(history: Callable[..., History]) -> None:
    restricted = RestrictedCell(SMALL, [[0, 0, 0, 0]])

    with pytest.raises(ArchitectureError):
        Recorder(restricted).propose(1, history(width=4), {0: 1})
