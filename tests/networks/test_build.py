import numpy as np
import pytest
import torch
from torch import nn

from ax_anasod import cells
from ax_anasod.cells import BlockGraph, Cell, NASNetCell
from ax_anasod.exceptions import ArchitectureError, CellError
from ax_anasod.networks import NetworkConfig, build_network, codes_of_layers, num_parameters
from ax_anasod.networks.operations import DepthwiseConv


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def skeleton_of(cell: Cell) -> str:
    return "nas-bench-201" if cell.name == "nas-bench-201" else "nasnet"


@pytest.mark.parametrize("seed", range(2))
def test_random_cells_learn_from_every_weight(image_cell, images, seed):
    config = NetworkConfig(skeleton_of(image_cell), channels=4, cells=3, auxiliary=True)
    rng = np.random.default_rng(seed)
    codes = image_cell.sample(3, rng)
    network = build_network(image_cell, codes, config, seed=seed)
    logits, auxiliary = network(images)
    assert logits.shape == auxiliary.shape == (4, 10)
    targets = torch.tensor([0, 1, 2, 3])
    loss = nn.functional.cross_entropy(logits, targets)
    (loss + nn.functional.cross_entropy(auxiliary, targets)).backward()
    for name, weights in network.named_parameters():
        assert weights.grad is not None, name
        assert torch.isfinite(weights.grad).all(), name


def test_the_papers_network_of_24_different_cells():
    cell = cells.get("nasnet")
    rng = np.random.default_rng(0)
    counts = np.tile([0, 1, 0, 6, 0, 1, 2, 0], (24, 1))  # paper, Figure 7
    codes = cell.decode(counts, rng)
    assert len(np.unique(codes, axis=0)) > 20
    network = build_network(cell, codes, NetworkConfig(), seed=0).eval()
    assert [layer.cell.out_channels // 5 for layer in network.layers] == [36] * 8 + [72] * 8 + [
        144
    ] * 8
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 10)
    # Table 4 of the paper says 3.5 million, of a draw that is not published.
    assert 1.5e6 < num_parameters(network) < 4e6


def test_every_layer_has_its_own_cell(small_nasnet, small):
    convolutions = small_nasnet.operations.index("dil_conv_3x3")
    codes = np.array([[convolutions] * 4 + [0], [0] * 4 + [1], [0] * 4 + [2]])
    network = build_network(small_nasnet, codes, small, seed=0)
    found = [
        sum(isinstance(module, DepthwiseConv) for module in layer.cell.blocks)
        for layer in network.layers
    ]
    assert found == [4, 0, 0]


def test_one_architecture_is_repeated(small_nasnet, small):
    code = small_nasnet.sample(1, np.random.default_rng(0))
    assert np.array_equal(codes_of_layers(small_nasnet, code, small), np.repeat(code, 3, axis=0))
    repeated = build_network(small_nasnet, np.repeat(code, 3, axis=0), small, seed=0)
    single = build_network(small_nasnet, code, small, seed=0)
    assert all(map(torch.equal, single.parameters(), repeated.parameters()))


def test_of_two_parts_the_second_one_reduces():
    cell = cells.get("darts")
    pools, skips = (cell.operations.index(name) for name in ("max_pool_3x3", "skip_connect"))
    codes = np.array([[pools] * 8 + [skips] * 8 + [0] * 6])
    network = build_network(cell, codes, NetworkConfig(channels=4, cells=6), seed=0)
    kinds = [type(layer.cell.blocks[0]).__name__ for layer in network.layers]
    reduction, pool = "FactorizedReduction", "Pool"
    assert kinds == [pool, pool, reduction, pool, reduction, pool]


def test_the_nas_bench_201_network_normalises_before_it_pools():
    cell = cells.get("nas-bench-201")
    config = NetworkConfig("nas-bench-201", channels=4, cells=3)
    network = build_network(cell, np.array([[1] * 6]), config, seed=0)
    features, _ = network.features(torch.randn(4, 3, 8, 8, generator=torch.Generator()))
    assert features.min() == 0
    assert any(module is network.last[0] for module in network.modules())
    assert isinstance(network.last[0], nn.BatchNorm2d)


def test_the_seed_decides_alone(small_nasnet, small, disturb):
    code = small_nasnet.sample(1, np.random.default_rng(0))
    disturb(1)
    first = build_network(small_nasnet, code, small, seed=3)
    state = torch.get_rng_state()
    disturb(2)
    again = build_network(small_nasnet, code, small, seed=3)
    other = build_network(small_nasnet, code, small, seed=4)
    assert all(map(torch.equal, first.parameters(), again.parameters()))
    assert not torch.equal(first.classifier.weight, other.classifier.weight)
    disturb(1)
    assert torch.equal(torch.get_rng_state(), state)


class Tree(Cell):
    """Two inputs or none of them read twice: a graph of the user's own."""

    @property
    def block_graph(self):
        return BlockGraph(("cell",), 2, (2, 2, 3), ((0,), (1,), (2,)), (2, 3))


def test_a_users_graph_becomes_a_network(images):
    cell = Tree("tree", ["sep_conv_3x3", "skip_connect"], num_blocks=3)
    network = build_network(cell, np.array([[0, 0, 1]]), NetworkConfig(channels=4, cells=3), seed=0)
    assert network.layers[0].cell.out_channels == 8
    assert len(network.layers[0].preprocess) == 2
    assert network(images).shape == (4, 10)


def test_built_in_operations_serve_a_users_cell(images):
    cell = Cell("row", ["nor_conv_3x3", "max_pool_3x3"], num_blocks=2)
    for skeleton in ("nasnet", "nas-bench-201"):
        config = NetworkConfig(skeleton, channels=4, cells=3)
        network = build_network(cell, np.array([[0, 1]]), config, seed=0)
        assert network(images).shape == (4, 10)


class TestWhatDoesNotFit:
    def test_the_number_of_architectures(self, small_nasnet, small):
        codes = small_nasnet.sample(2, np.random.default_rng(0))
        with pytest.raises(ArchitectureError, match="3 cells is built from 1 or 3 .*, got 2"):
            build_network(small_nasnet, codes, small, seed=0)

    def test_an_invalid_architecture(self, small):
        class NeverOne(Cell):
            def is_valid(self, codes):
                return (self.validate_codes(codes) != 1).any(axis=1)

        cell = NeverOne("mine", ["skip_connect", "none"], num_blocks=2)
        with pytest.raises(ArchitectureError):
            build_network(cell, np.array([[1, 1]]), small, seed=0)

    @pytest.mark.parametrize("cell", [NASNetCell(num_nodes=2), cells.get("darts")])
    def test_two_inputs_in_the_skeleton_of_nas_bench_201(self, cell):
        config = NetworkConfig("nas-bench-201", channels=4, cells=3)
        codes = cell.sample(1, np.random.default_rng(0))
        with pytest.raises(CellError, match="2 inputs.*take the skeleton 'nasnet'"):
            build_network(cell, codes, config, seed=0)

    def test_three_parts(self, small):
        cell = Cell("three", ["skip_connect", "none"], num_blocks=3, parts=3)
        with pytest.raises(CellError, match="3 parts and 1 inputs.*room for 1 or 2 parts"):
            build_network(cell, np.array([[0, 0, 0]]), small, seed=0)
