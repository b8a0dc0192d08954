import numpy as np
import pytest
import torch
from torch import nn

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.networks.layers import DropPath
from ax_anasod.networks.plan import plan_cells
from ax_anasod.networks.skeletons import CellModule


class Times(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, images):
        return self.factor * images


def value_in_graph(graph, node, factors, inputs):
    """The value of a node by networkx alone: the sum of what comes in, times a factor."""
    operation = graph.nodes[node]["operation"]
    if operation.startswith("input_"):
        return inputs[int(operation.removeprefix("input_"))]
    total = sum(value_in_graph(graph, before, factors, inputs) for before in graph.pred[node])
    return total * factors.get(operation, 1.0)


def test_the_module_computes_the_graph_of_the_cell(image_cell):
    factors = {name: 1.0 + index / 7 for index, name in enumerate(image_cell.operations)}
    modules = {name: lambda *_, f=f: Times(f) for name, f in factors.items()}
    inputs = [2.0, 3.0][: image_cell.block_graph.num_inputs]
    images = [torch.full((1, 1, 1, 1), value, dtype=torch.float64) for value in inputs]
    codes = image_cell.sample(20, np.random.default_rng(0))
    for code, plans in zip(codes, plan_cells(image_cell, codes), strict=True):
        graph = image_cell.graph(image_cell.architecture(code))
        outputs = [node for node in graph if graph.nodes[node]["operation"] == "output"]
        for plan, output in zip(plans, outputs, strict=True):
            module = CellModule(plan, 1, False, modules, DropPath())
            expected = value_in_graph(graph, output, factors, inputs)
            assert module(images).sum().item() == pytest.approx(expected, rel=1e-12)


def test_a_plain_cell_is_a_row_of_blocks():
    cell = Cell("mine", operations=["twice", "thrice"], num_blocks=3)
    (plans,) = plan_cells(cell, cell.from_strings(["twice|thrice|twice"]))
    modules = {"twice": lambda *_: Times(2), "thrice": lambda *_: Times(3)}
    module = CellModule(plans[0], 1, False, modules, DropPath())
    assert module([torch.ones(1, 1, 1, 1)]).item() == 12


def test_only_blocks_that_read_an_input_are_strided():
    cell = cells.get("nasnet")
    asked = []

    def factory(c_in, c_out, stride):
        asked.append(stride)
        return nn.Identity()

    code = cell.sample(1, np.random.default_rng(3))
    ((plan,),) = plan_cells(cell, code)
    CellModule(plan, 4, True, dict.fromkeys(cell.operations, factory), DropPath())
    assert asked == [2 if block.source < 2 else 1 for block in plan.blocks]
    assert set(asked) == {1, 2}


@pytest.mark.parametrize("block", [nn.Identity(), Times(1)])
def test_identities_are_never_dropped(block):
    cell = cells.get("nas-bench-201")
    ((plan,),) = plan_cells(cell, np.array([[1] * 6]))
    modules = dict.fromkeys(cell.operations, lambda *_: block)
    module = CellModule(plan, 1, False, modules, DropPath(0.9))
    images = torch.ones(50, 1, 2, 2)
    unchanged = torch.equal(module([images]), 4 * images)
    assert unchanged == isinstance(block, nn.Identity)
    assert torch.equal(module.eval()([images]), 4 * images)
