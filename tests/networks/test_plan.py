import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import BlockGraph, Cell, RestrictedCell
from ax_anasod.exceptions import ArchitectureError, CellError
from ax_anasod.networks.plan import Block, plan_cells


class Graphed(Cell):
    """Two blocks with a given graph."""

    def __init__(self, targets=(1, 2), sources=(0, 1), outputs=(2,)):
        super().__init__("graphed", ["a", "b"], num_blocks=2)
        object.__setattr__(self, "_given", (targets, sources, outputs))

    @property
    def block_graph(self):
        targets, sources, outputs = self._given
        return BlockGraph(("cell",), 1, targets, tuple((s,) for s in sources), outputs)


def test_nas_bench_201_reads_as_its_string():
    cell = cells.get("nas-bench-201")
    text = "|none~0|+|skip_connect~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|none~2|"
    ((plan,),) = plan_cells(cell, cell.from_strings([text]))
    assert plan.num_inputs == 1
    assert plan.outputs == (3,)
    assert plan.blocks == (
        Block("none", 0, 1),
        Block("skip_connect", 0, 2),
        Block("nor_conv_1x1", 1, 2),
        Block("nor_conv_3x3", 0, 3),
        Block("avg_pool_3x3", 1, 3),
        Block("none", 2, 3),
    )


def test_darts_has_a_plan_for_each_part_also_when_restricted():
    cell = cells.get("darts")
    codes = cell.sample(4, np.random.default_rng(0))
    plans = plan_cells(cell, codes)
    assert {len(parts) for parts in plans} == {2}
    # A restricted cell sorts its codes, but reads each of them as the full cell does.
    assert plan_cells(RestrictedCell(cell, codes), codes) == plans


def test_networks_of_graphs_are_refused():
    cell = cells.get("nas-bench-graph")
    codes = cell.sample(1, np.random.default_rng(0))
    for each in (cell, RestrictedCell(cell, codes)):
        with pytest.raises(CellError, match="graph neural networks"):
            plan_cells(each, codes)


def test_wiring_without_meaning_is_refused():
    cell = Cell("mine", operations=["a", "b"], num_blocks=2, wiring=[3])
    with pytest.raises(CellError, match="does not say which block reads which"):
        plan_cells(cell, np.array([[0, 1, 2]]))


def test_residual_blocks_are_refused():
    cell = cells.get("hybrid-lm")
    with pytest.raises(CellError, match="add to what they read"):
        plan_cells(cell, cell.sample(1, np.random.default_rng(0)))


def test_a_state_is_complete_before_it_is_read():
    cell = Graphed(targets=(2, 1), sources=(1, 0))
    ((plan,),) = plan_cells(cell, np.array([[0, 1]]))
    assert plan.blocks == (Block("b", 0, 1), Block("a", 1, 2))


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        ({"sources": (0, 2)}, "writes state 2 and reads state 2"),
        ({"targets": (1, 3), "sources": (0, 2), "outputs": (3,)}, "reads state 2, which nothing"),
        ({"outputs": (0, 2)}, r"hands on the states \[0, 2\]"),
        ({"outputs": ()}, r"hands on the states \[\]"),
    ],
)
def test_graphs_that_are_no_network_are_refused(graph, message):
    with pytest.raises(CellError, match=message):
        plan_cells(Graphed(**graph), np.array([[0, 1]]))


def test_malformed_codes_are_refused():
    with pytest.raises(ArchitectureError):
        plan_cells(cells.get("nas-bench-201"), np.array([[0, 0, 0, 0, 0, 5]]))
