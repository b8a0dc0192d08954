"""First trials from a differentiable search: its cells, then draws around its distribution."""

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
from ax_anasod.generators import DirichletGenerator, HistoryGenerator, RandomArchitectureGenerator
from ax_anasod.simplex import bomze_round

NB201 = cells.get("nas-bench-201")
TOY = Cell("toy", operations=["conv", "pool", "skip"], num_blocks=4)
GIVEN = [[0, 0, 0, 0], [1, 0, 0, 0], [0, 2, 0, 0]]


def start(
    rows: list[list[int]], *probabilities: list[float], uniform: float = 0.25
) -> dict[str, Any]:
    return {"rows": rows, "probabilities": list(probabilities), "uniform": uniform}


def architectures(cell: Cell, seed: int = 0, **arguments: Any) -> RandomArchitectureGenerator:
    return RandomArchitectureGenerator(cell.to_dict(), seed, **arguments)


def first_of_many(
    generator: HistoryGenerator, number: int, history: Callable[..., History]
) -> npt.NDArray[np.int64]:
    """What is proposed at so many positions of a run that has no trials."""
    none = history(width=len(generator.search_space.names))
    return np.concatenate(
        [generator.propose(1, replace(none, position=i), {}) for i in range(number)]
    )


def drawn(
    cell: Cell,
    number: int,
    probabilities: npt.ArrayLike,
    uniform: float,
    history: Callable[..., History],
) -> npt.NDArray[np.int64]:
    stored = start([], *np.atleast_2d(probabilities).tolist(), uniform=uniform)
    return first_of_many(architectures(cell, start=stored), number, history)


class TestGivenCells:
    SHARP = start(GIVEN, [0.9, 0.1, 0.0])

    def test_are_proposed_in_order_and_then_draws(self, history: Callable[..., History]) -> None:
        proposed = architectures(TOY, start=self.SHARP).propose(8, history(width=4), {})

        assert proposed[:3].tolist() == GIVEN
        assert len(np.unique(proposed, axis=0)) == 8

    def test_one_after_the_other_or_at_once_is_the_same(
        self, history: Callable[..., History]
    ) -> None:
        generator = architectures(TOY, seed=5, start=self.SHARP)
        rows: list[list[int]] = []
        for _ in range(8):
            rows += generator.propose(1, history(rows, [np.nan] * len(rows), width=4), {}).tolist()

        assert generator.propose(8, history(width=4), {}).tolist() == rows
        assert (
            architectures(TOY, 6, start=self.SHARP).propose(8, history(width=4), {}).tolist()[3:]
            != (rows[3:])
        )

    def test_with_a_trial_of_whatever_kind_are_passed_over(
        self, history: Callable[..., History]
    ) -> None:
        past = history([GIVEN[1], [2, 2, 2, 2]], [np.nan, 1.0])
        past.failed[0] = True

        proposed = architectures(TOY, start=self.SHARP).propose(4, past, {})

        assert proposed[:2].tolist() == [GIVEN[0], GIVEN[2]]
        assert proposed[2].tolist() not in [*GIVEN, [2, 2, 2, 2]]

    def test_are_known_in_any_form(self, history: Callable[..., History]) -> None:
        graphs = cells.get("nas-bench-graph")
        code = next(c for c in graphs.enumerate() if len(graphs.members(c)) > 1)
        form = next(m for m in graphs.members(code) if m.tolist() != code.tolist())
        generator = architectures(graphs, start=start([code.tolist()], [1 / 9] * 9))

        (proposed,) = generator.propose(1, history([form.tolist()], [1.0]), {})

        assert proposed.tolist() != code.tolist()

    def test_have_the_fixed_values_or_are_passed_over(
        self, history: Callable[..., History]
    ) -> None:
        generator = architectures(TOY, start=self.SHARP)

        proposed = generator.propose(6, history(width=4), {0: 0, 3: 0})

        assert proposed[:2].tolist() == [GIVEN[0], GIVEN[2]]
        assert (proposed[:, [0, 3]] == 0).all()
        assert len(np.unique(proposed, axis=0)) == 6

    def test_once_everything_has_a_trial_draws_repeat(
        self, history: Callable[..., History]
    ) -> None:
        cell = Cell("two", operations=["a", "b"], num_blocks=1)
        generator = architectures(cell, start=start([[1]], [0.99, 0.01], uniform=0.01))

        proposed = generator.propose(50, history([[1], [0]], [1.0, 2.0]), {})

        assert proposed[:, 0].mean() < 0.2


class TestDrawnArchitectures:
    def test_have_the_distribution_with_its_share_of_uniform(
        self, history: Callable[..., History]
    ) -> None:
        codes = drawn(TOY, 2000, [0.8, 0.2, 0.0], 0.3, history)

        shares = np.stack([(codes == i).mean(axis=0) for i in range(3)], axis=1)
        np.testing.assert_allclose(shares, [[0.66, 0.24, 0.1]] * 4, atol=0.04)

    def test_have_the_distribution_of_each_edge(self, history: Callable[..., History]) -> None:
        rows = np.random.default_rng(0).dirichlet([1.0] * 3, size=4)

        codes = drawn(TOY, 2000, rows, 0.2, history)

        shares = np.stack([(codes == i).mean(axis=0) for i in range(3)], axis=1)
        np.testing.assert_allclose(shares, 0.8 * rows + 0.2 / 3, atol=0.04)

    def test_pass_something_on(self, history: Callable[..., History]) -> None:
        codes = drawn(NB201, 300, [0.7, 0.1, 0.1, 0.1, 0.0], 0.1, history)

        graphs = [NB201.graph(NB201.architecture(code)) for code in codes]
        for graph in graphs:
            graph.remove_nodes_from(
                [node for node, name in graph.nodes(data="operation") if name == "none"]
            )
            assert "output" in graph
            assert any(graph.pred["output"])

    def test_are_those_that_a_restricted_cell_has(self, history: Callable[..., History]) -> None:
        darts = cells.get("darts")
        few = RestrictedCell(darts, darts.sample(30, np.random.default_rng(3)))
        sharp = np.full(7, 0.01)
        sharp[3] = 0.94

        codes = drawn(few, 200, sharp, 0.5, history)

        assert few.is_valid(codes).all()
        counts = few.encode(few.enumerate())[:, 3]
        assert few.encode(codes)[:, 3].mean() > np.sort(counts)[-5:].mean() - 1

    @pytest.mark.parametrize("name", ["nas-bench-graph", "nasnet"])
    def test_of_cells_that_no_supernet_holds_are_draws_too(
        self, history: Callable[..., History], name: str
    ) -> None:
        cell = cells.get(name)
        k = cell.num_operations
        shares = np.full(k, 0.1 / (k - 1))
        shares[1] = 0.9

        codes = drawn(cell, 200, shares, 0.1, history)

        assert cell.is_representative(codes).all()
        assert cell.encode(codes)[:, 1].mean() / cell.num_blocks > 0.7


class TestEncodings:
    def test_are_the_given_counts_and_then_new_draws(self, history: Callable[..., History]) -> None:
        given = [[0, 0, 0, 6, 0], [0, 1, 0, 5, 0]]
        stored = start(given, [0.0, 0.1, 0.0, 0.9, 0.0])
        generator = DirichletGenerator(NB201.to_dict(), seed=2, start=stored)

        proposed = generator.propose(8, history([given[0]], [3.0]), {})

        assert proposed[0].tolist() == given[1]
        assert len(np.unique(proposed, axis=0)) == 8
        assert (proposed.sum(axis=1) == 6).all()

    def test_are_drawn_around_the_mean_of_all_edges(self, history: Callable[..., History]) -> None:
        rows = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.5, 0.0], [0.5, 0.5, 0.0]]
        generator = DirichletGenerator(TOY.to_dict(), start=start([], *rows, uniform=0.25))

        counts = first_of_many(generator, 2000, history)

        # Eq. 3 with beta = 3 and k = 3: alpha = 9 p + 1.
        fractions = np.random.default_rng(0).dirichlet([5.5, 5.5, 1.0], size=30_000)
        expected = bomze_round(4 * fractions, 4)
        for row in np.unique(expected, axis=0):
            share, wanted = ((c == row).all(axis=1).mean() for c in (counts, expected))
            assert share == pytest.approx(wanted, abs=0.04)

    def test_have_the_fixed_counts(self, history: Callable[..., History]) -> None:
        stored = start([[4, 0, 0], [3, 1, 0], [2, 2, 0]], [0.9, 0.1, 0.0])
        generator = DirichletGenerator(TOY.to_dict(), start=stored)

        proposed = generator.propose(4, history(width=3), {1: 2})

        assert proposed[0].tolist() == [2, 2, 0]
        assert (proposed[:, 1] == 2).all()
