"""Uniform draws over architectures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.core import History
from ax_anasod.exceptions import ArchitectureError
from ax_anasod.generators import RandomArchitectureGenerator

SMALL = Cell("small", operations=["a", "b"], num_blocks=3, wiring=[3])
GRAPH = cells.get("nas-bench-graph")


def test_every_architecture_is_as_likely_as_any_other(history: Callable[..., History]) -> None:
    generator = RandomArchitectureGenerator(SMALL.to_dict(), seed=1)

    codes = generator.propose(12_000, history(), {})

    _, numbers = np.unique(codes, axis=0, return_counts=True)
    assert len(numbers) == 24
    assert stats.chisquare(numbers).pvalue > 1e-3


def test_draws_are_valid_representatives(history: Callable[..., History]) -> None:
    codes = RandomArchitectureGenerator(GRAPH.to_dict()).propose(2000, history(), {})

    assert GRAPH.is_valid(codes).all()
    np.testing.assert_array_equal(GRAPH.canonical(codes), codes)


def test_proposals_follow_from_seed_and_position(history: Callable[..., History]) -> None:
    def proposal(seed: int, trials: int) -> tuple[int, ...]:
        past = history([[0, 0, 0, 0]] * trials, [1.0] * trials)
        drawn = RandomArchitectureGenerator(SMALL.to_dict(), seed=seed).propose(1, past, {})
        return tuple(drawn[0].tolist())

    assert proposal(1, 7) == proposal(1, 7)
    assert len({proposal(1, trials) for trials in range(60)}) > 15
    assert len({proposal(seed, 3) for seed in range(60)}) > 15


class TestFixed:
    def test_fixed_blocks_hold_and_the_others_are_uniform(
        self, history: Callable[..., History]
    ) -> None:
        generator = RandomArchitectureGenerator(SMALL.to_dict())

        codes = generator.propose(6000, history(), {1: 1, 3: 2})

        rows, numbers = np.unique(codes, axis=0, return_counts=True)
        assert rows.tolist() == [[0, 1, 0, 2], [0, 1, 1, 2], [1, 1, 0, 2], [1, 1, 1, 2]]
        assert stats.chisquare(numbers).pvalue > 1e-3

    def test_only_valid_ones_are_drawn(self, history: Callable[..., History]) -> None:
        skip = GRAPH.operations.index("skip")
        generator = RandomArchitectureGenerator(GRAPH.to_dict())

        codes = generator.propose(500, history(), {0: skip, 1: skip, 2: skip})

        assert (codes[:, :3] == skip).all()
        assert (codes[:, 3] != skip).all()

    def test_where_there_is_none_it_is_said(
        self, history: Callable[..., History], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ax_anasod.generators.fixed._MAX_DRAWS", 10_000)
        skip = GRAPH.operations.index("skip")
        generator = RandomArchitectureGenerator(GRAPH.to_dict())

        with pytest.raises(ArchitectureError):
            generator.propose(1, history(), dict.fromkeys(range(4), skip))

    def test_a_restricted_cell_draws_among_what_is_present(
        self, history: Callable[..., History]
    ) -> None:
        large = Cell("large", operations=["a", "b", "c"], num_blocks=30)
        present = RestrictedCell(large, large.sample(50, np.random.default_rng(0)))
        first = present.enumerate()[0]
        generator = RandomArchitectureGenerator(present.to_dict())

        codes = generator.propose(20, history(), {i: int(first[i]) for i in range(10)})

        assert present.is_valid(codes).all()
        assert (codes[:, :10] == first[:10]).all()
        with pytest.raises(ArchitectureError):
            generator.propose(1, history(), dict.fromkeys(range(30), 0))
