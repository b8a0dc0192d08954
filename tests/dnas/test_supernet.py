"""The network that holds all architectures of a cell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.dnas import SuperNetwork, build_supernet
from ax_anasod.dnas.supernet import MixedOperation
from ax_anasod.exceptions import CellError, OptionError
from ax_anasod.networks import Network, NetworkConfig, OperationFactory, build_network
from tests.dnas.conftest import PARALLEL, WIRED, one_hot, random_rows

OWN: Mapping[str, OperationFactory] = {
    "conv": lambda c_in, c_out, stride: nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, stride, 1), nn.BatchNorm2d(c_out), nn.Tanh()
    ),
    "scale": lambda c_in, c_out, stride: nn.Conv2d(c_in, c_out, 1, stride),
}
MINE = Cell("mine", ["conv", "scale", "skip_connect", "none"], num_blocks=3)

CASES = [
    (cells.get("nas-bench-201"), "nas-bench-201", None),
    (cells.get("nas-bench-201"), "nasnet", None),
    (cells.get("nasnet"), "nasnet", None),
    (cells.get("darts"), "nasnet", None),
    (MINE, "nasnet", OWN),
    (MINE, "nas-bench-201", OWN),
    (PARALLEL, "nas-bench-201", None),
]


def give_weights(
    supernet: SuperNetwork, network: Network, cell: Cell, code: npt.NDArray[np.int64]
) -> None:
    """Copy what an architecture uses of a supernet into its own network."""
    edges, graph = supernet.edges, cell.block_graph
    on = edges.of(code[None])[0]
    for name in ("stem", "reductions", "last", "classifier"):
        if hasattr(network, name):
            own, shared = getattr(network, name), getattr(supernet.network, name)
            own.load_state_dict(shared.state_dict(), strict=False)
    for layer, mixed in zip(network.layers, supernet.network.layers, strict=True):  # type: ignore[arg-type]
        if hasattr(layer, "preprocess"):
            layer.preprocess.load_state_dict(mixed.preprocess.state_dict(), strict=False)
            layer, mixed = layer.cell, mixed.cell
        numbers = [int(block.operation) for block in mixed.plan.blocks]
        shared_blocks = dict(zip(numbers, mixed.blocks, strict=True))
        first = edges.edges[numbers[0]].part * graph.blocks_per_part
        order = sorted(range(graph.blocks_per_part), key=graph.targets.__getitem__)
        for block, module in zip(order, layer.blocks, strict=True):
            operation = shared_blocks[int(on[first + block])].operations[code[first + block]]
            module.load_state_dict(operation.state_dict(), strict=False)


@pytest.mark.parametrize(
    ("cell", "skeleton", "own"), CASES, ids=[f"{c.name}-in-{s}" for c, s, _ in CASES]
)
def test_one_architecture_computes_what_its_own_network_does(
    cell: Cell, skeleton: str, own: Mapping[str, OperationFactory] | None
) -> None:
    config = NetworkConfig(skeleton, channels=4, cells=6 if skeleton != "nasnet" else 4)
    supernet = build_supernet(cell, config, own, seed=0)
    images = torch.randn(3, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    for code in cell.sample(3, np.random.default_rng(0)):
        network = build_network(cell, code[None], config, own, seed=1)
        give_weights(supernet, network, cell, code)
        supernet.choose(code)
        with torch.no_grad():
            alone = network(images)
            assert torch.allclose(supernet(images), alone, atol=1e-6)
            supernet.choice.mix(torch.from_numpy(one_hot(supernet.edges, code[None])[0]))
            assert torch.allclose(supernet(images), alone, atol=1e-5)
            assert torch.allclose(supernet.eval()(images), alone, atol=1e-5)
        supernet.train()


def test_a_mixture_weighs_the_results_of_all_operations() -> None:
    supernet = build_supernet(MINE, NetworkConfig(channels=4, cells=3), OWN, seed=0)
    mixed = next(m for m in supernet.modules() if isinstance(m, MixedOperation))
    rows = random_rows(supernet.edges, 0)
    supernet.mix(torch.from_numpy(rows))
    images = torch.randn(2, 4, 6, 6)
    expected = sum(rows[0, i] * module(images) for i, module in enumerate(mixed.operations))
    assert torch.allclose(mixed(images), expected, atol=1e-6)


def test_a_mixture_is_the_expectation_over_architectures() -> None:
    """Where the wiring decides, a block counts with the share of the wirings that have it."""
    supernet = build_supernet(WIRED, NetworkConfig(channels=2, cells=3), seed=0)
    edges = supernet.edges
    rows = random_rows(edges, 1)
    codes = WIRED.enumerate()
    shares = np.exp(edges.log_probability(rows, codes)) / 3
    expected = np.einsum("n,nek->ek", shares, one_hot(edges, codes))
    supernet.mix(torch.from_numpy(rows))
    assert supernet.choice.weights.numpy() == pytest.approx(expected)  # type: ignore[union-attr]


def test_a_shortcut_adds_the_input_where_the_shape_stays() -> None:
    supernet = build_supernet(WIRED, NetworkConfig(channels=2, cells=3), seed=0)
    mixed = [m for m in supernet.modules() if isinstance(m, MixedOperation)]
    images = [torch.randn(2, module.nothing.c_in, 6, 6) for module in mixed]
    plain = [module(batch) for module, batch in zip(mixed, images, strict=True)]
    supernet.choice.shortcut = 0.5
    strided = 0
    for module, batch, without in zip(mixed, images, plain, strict=True):
        if without.shape == batch.shape:
            usage = supernet.edges.usage[module._edge]
            assert torch.allclose(module(batch), without + 0.5 * usage * batch)
        else:
            strided += 1
            assert torch.equal(module(batch), without)
    assert 0 < strided < len(mixed)


def test_batch_norm_takes_the_statistics_of_the_batch_and_learns_nothing_inside_operations() -> (
    None
):
    cell = cells.get("nas-bench-201")
    config = NetworkConfig("nas-bench-201", channels=4, cells=3)
    supernet = build_supernet(cell, config, seed=0)
    inside = {
        id(norm)
        for module in supernet.modules()
        if isinstance(module, MixedOperation)
        for norm in module.modules()
    }
    norms = [module for module in supernet.modules() if isinstance(module, nn.BatchNorm2d)]
    assert all(norm.running_mean is None for norm in norms)
    assert all((norm.weight is None) == (id(norm) in inside) for norm in norms)
    images = torch.randn(4, 3, 8, 8)
    with torch.no_grad():
        together = supernet.eval()(images)
        assert not torch.allclose(supernet(images[:2]), together[:2], atol=1e-3)
    learning = build_supernet(cell, config, affine=True, seed=0)
    assert all(m.weight is not None for m in learning.modules() if isinstance(m, nn.BatchNorm2d))


def test_weights_follow_from_the_seed_and_global_generators_are_left_alone() -> None:
    cell, config = cells.get("nas-bench-201"), NetworkConfig(channels=4, cells=3)
    before = torch.get_rng_state()
    first, again, other = (build_supernet(cell, config, seed=seed) for seed in (0, 0, 1))

    def weights(supernet: SuperNetwork) -> Tensor:
        return torch.cat([value.flatten() for value in supernet.state_dict().values()])

    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(other))
    assert torch.equal(torch.get_rng_state(), before)


def test_operations_with_weights_are_known() -> None:
    supernet = build_supernet(
        cells.get("nas-bench-201"), NetworkConfig(channels=4, cells=3), seed=0
    )
    assert supernet.weighted == {2, 3}
    own = build_supernet(MINE, NetworkConfig(channels=4, cells=3), OWN, seed=0)
    assert own.weighted == {0, 1}


def test_what_is_no_network_of_images_is_refused() -> None:
    config = NetworkConfig(channels=4, cells=3)
    with pytest.raises(CellError):
        build_supernet(cells.get("nas-bench-graph"), config, seed=0)
    with pytest.raises(CellError):
        build_supernet(MINE, config, seed=0)
    with pytest.raises(OptionError, match="'conv' must give a torch.nn.Module, got 5"):
        build_supernet(MINE, config, {**OWN, "conv": lambda *_: 5}, seed=0)  # type: ignore[dict-item]
    with pytest.raises(CellError, match="the skeleton 'nas-bench-201' has room for one of each"):
        build_supernet(cells.get("darts"), NetworkConfig("nas-bench-201", 4, 3), seed=0)
