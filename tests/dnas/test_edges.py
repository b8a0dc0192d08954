"""The edges of cells, and what a distribution says of architectures."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.stats import chisquare

from ax_anasod import cells
from ax_anasod.cells import Cell, NASNetCell
from ax_anasod.dnas import build_supernet
from ax_anasod.dnas.edges import CellEdges, Edge
from ax_anasod.exceptions import CellError, EncodingError
from ax_anasod.networks import NetworkConfig
from tests.dnas.conftest import PARALLEL, ROW, WIRED, one_hot, random_rows

NB201 = cells.get("nas-bench-201")
DARTS = cells.get("darts")


def test_each_block_of_a_cell_without_wiring_is_an_edge() -> None:
    edges = CellEdges(NB201)
    ends = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
    assert edges.edges == tuple(Edge(0, source, target) for source, target in ends)
    assert edges.usage.tolist() == [1.0] * 6
    assert edges.zeros == (0,)
    codes = NB201.sample(5, np.random.default_rng(0))
    assert (edges.of(codes) == np.arange(6)).all()


@pytest.mark.parametrize(("name", "nodes", "parts"), [("darts", 4, 2), ("nasnet", 5, 1)])
def test_where_the_wiring_decides_every_input_of_a_node_is_an_edge(
    name: str, nodes: int, parts: int
) -> None:
    edges = CellEdges(cells.get(name))
    expected = [
        (part, source, target)
        for part in range(parts)
        for target in range(2, 2 + nodes)
        for source in range(target)
    ]
    assert [(edge.part, edge.source, edge.target) for edge in edges.edges] == expected
    # Each node reads two of the states before it.
    assert edges.usage == pytest.approx([2 / target for _, _, target in expected])


def test_blocks_beside_each_other_have_edges_of_their_own() -> None:
    edges = CellEdges(PARALLEL)
    assert edges.edges == (Edge(0, 0, 1), Edge(0, 0, 1, copy=1), Edge(0, 1, 2))
    assert edges.of(np.array([[0, 1, 0]])).tolist() == [[0, 1, 2]]


def test_the_usage_is_the_share_of_architectures_with_a_block_there() -> None:
    edges = CellEdges(WIRED)
    used = one_hot(edges, WIRED.enumerate()).sum(axis=2).mean(axis=0)
    assert edges.usage == pytest.approx(used)


@pytest.mark.parametrize("cell", [NB201, ROW, WIRED, PARALLEL], ids=lambda cell: cell.name)
def test_probabilities_of_all_architectures_sum_to_one(cell: Cell) -> None:
    edges = CellEdges(cell)
    codes = cell.enumerate()
    wirings = np.prod(cell.wiring, dtype=int)
    for seed in range(3):
        rows = random_rows(edges, seed)
        logarithms = edges.log_probability(rows, codes)
        assert np.exp(logarithms).sum() / wirings == pytest.approx(1.0)
        blocks = codes[7, : cell.num_blocks]
        by_hand = np.prod([rows[e, o] for e, o in zip(edges.of(codes)[7], blocks, strict=True)])
        assert np.exp(logarithms[7]) == pytest.approx(by_hand)


@pytest.mark.parametrize("cell", [ROW, WIRED, PARALLEL], ids=lambda cell: cell.name)
def test_architectures_are_drawn_as_often_as_they_should(cell: Cell) -> None:
    edges = CellEdges(cell)
    rows = random_rows(edges, 5)
    codes = cell.enumerate()
    shares = np.exp(edges.log_probability(rows, codes)) * edges.passes(codes)
    expected = 20_000 * shares / shares.sum()
    drawn = edges.draw(rows, 20_000, np.random.default_rng(1))
    _, position = np.unique(np.concatenate([codes, drawn]), axis=0, return_inverse=True)
    position = position.ravel()  # NumPy 2.0 keeps a dimension.
    counts = np.bincount(position[len(codes) :], minlength=len(codes))[position[: len(codes)]]
    assert not counts[expected == 0].any()
    often = expected >= 5
    tail = expected[~often].sum()
    observed = [*counts[often], counts[~often].sum()]
    statistic = (
        chisquare(observed, [*expected[often], tail])
        if tail
        else chisquare(counts[often], expected[often])
    )
    assert statistic.pvalue > 1e-3


def test_a_share_of_zero_is_never_drawn_and_a_share_of_one_always() -> None:
    edges = CellEdges(NB201)
    rows = np.tile([0.0, 0.3, 0.0, 0.7, 0.0], (6, 1))
    rows[2] = [0.0, 0.0, 0.0, 0.0, 1.0]
    drawn = edges.draw(rows, 500, np.random.default_rng(0))
    assert set(np.unique(drawn[:, [0, 1, 3, 4, 5]])) == {1, 3}
    assert set(drawn[:, 2]) == {4}


def test_the_same_generator_draws_the_same() -> None:
    edges = CellEdges(DARTS)
    rows = random_rows(edges, 0)
    first, second, other = (edges.draw(rows, 4, np.random.default_rng(s)) for s in (0, 0, 1))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_architectures_that_pass_nothing_on_are_known_and_never_drawn() -> None:
    edges = CellEdges(NB201)
    codes = NB201.enumerate()
    closed = codes == 0
    ways = ([3], [0, 4], [1, 5], [0, 2, 5])
    dead = np.all([closed[:, way].any(axis=1) for way in ways], axis=0)
    assert np.array_equal(edges.passes(codes), ~dead)
    rows = np.tile([0.7, 0.3, 0.0, 0.0, 0.0], (6, 1))
    assert edges.passes(edges.draw(rows, 300, np.random.default_rng(0))).all()


@pytest.mark.parametrize("cell", [ROW, WIRED], ids=lambda cell: cell.name)
def test_the_output_depends_on_the_input_just_where_something_passes(cell: Cell) -> None:
    edges = CellEdges(cell)
    supernet = build_supernet(cell, NetworkConfig(channels=2, cells=3), seed=0)
    images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    codes = cell.enumerate()[::5]
    for code, passing in zip(codes, edges.passes(codes).tolist(), strict=True):
        supernet.choose(code)
        with torch.no_grad():
            differs = not torch.equal(supernet(images), supernet(images.flip(0)).flip(0))
            changed = not torch.allclose(supernet(images), supernet(3 * images.roll(1, 3)))
        assert changed == passing
        assert not differs or passing


def test_where_nothing_can_pass_nothing_is_drawn() -> None:
    with pytest.raises(EncodingError):
        CellEdges(ROW).draw(np.array([[1.0, 0, 0], [0, 0.5, 0.5]]), 1, np.random.default_rng(0))


def test_the_likeliest_architecture_takes_the_likeliest_operations() -> None:
    edges = CellEdges(NB201)
    rows = random_rows(edges, 3)
    assert edges.most_likely(rows).tolist() == rows.argmax(axis=1).tolist()
    without = edges.most_likely(np.tile([0.6, 0.1, 0.3, 0, 0], (6, 1)), exclude=(0,))
    assert without.tolist() == [2] * 6
    codes = NB201.enumerate()
    likeliest = codes[edges.log_probability(rows, codes).argmax()]
    assert np.array_equal(edges.most_likely(rows), likeliest)


def darts_genotype(rows: npt.NDArray[np.float64]) -> list[list[tuple[int, int]]]:
    """Operation and input of each block, as the code of Liu et al. derives them: of the edges of
    a node the two whose largest weight is largest."""
    found, start = [], 0
    for target in (2, 3, 4, 5) * 2:
        own = rows[start : start + target]
        best = sorted(sorted(range(target), key=lambda source: -own[source].max())[:2])
        found.append([(int(own[source].argmax()), source) for source in best])
        start += target
    return found


def test_the_likeliest_wiring_of_darts_is_that_of_its_strongest_inputs() -> None:
    edges = CellEdges(DARTS)
    for seed in range(3):
        rows = random_rows(edges, seed)
        code = edges.most_likely(rows)[None]
        blocks = list(zip(code[0, :16].tolist(), DARTS.sources(code)[0].tolist(), strict=True))
        assert [blocks[i : i + 2] for i in range(0, 16, 2)] == darts_genotype(rows)


def test_a_cell_whose_outputs_depend_on_its_wiring_is_refused() -> None:
    class Loose(NASNetCell):
        """Hands on the nodes that no other node reads."""

        def outputs(self, codes: Any) -> npt.NDArray[np.bool_]:
            outputs = super().outputs(codes)
            read = (self.sources(codes)[:, 2:] == 2).any(axis=1)
            outputs[read, 0, 2] = False
            return outputs

    cell = Loose(["skip_connect", "sep_conv_3x3"], num_nodes=2, name="loose")
    with pytest.raises(CellError, match="outputs of cell 'loose' depend on its wiring"):
        CellEdges(cell)
