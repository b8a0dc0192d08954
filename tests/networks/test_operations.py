import math

import numpy as np
import pytest
import torch
from torch import nn

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.exceptions import CellError, OptionError, UnknownNameError
from ax_anasod.networks import OPERATIONS, NetworkConfig, build_network, num_parameters
from ax_anasod.networks.operations import resolve_operations

WITHOUT_GRADIENT = {"none"}


@pytest.fixture
def mine() -> Cell:
    return Cell("mine", operations=["conv3x3", "skip_connect"], num_blocks=2)


@pytest.mark.parametrize("name", ["nasnet", "darts", "nas-bench-201"])
def test_every_operation_of_the_built_in_cells_has_a_module(name):
    cell = cells.get(name)
    assert set(resolve_operations(cell, None)) == set(cell.operations)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", OPERATIONS)
class TestEveryOperation:
    @pytest.mark.parametrize("c_out", [6, 9])
    @pytest.mark.parametrize("size", [(8, 8), (7, 5), (1, 1)])
    def test_shape(self, name, stride, size, c_out):
        images = torch.randn(2, 6, *size, generator=torch.Generator().manual_seed(0))
        module = OPERATIONS[name](6, c_out, stride).eval()
        expected = (2, c_out, *(math.ceil(side / stride) for side in size))
        assert module(images).shape == expected

    def test_gradients(self, name, stride):
        images = torch.randn(2, 6, 8, 8, generator=torch.Generator().manual_seed(0))
        images.requires_grad_()
        module = OPERATIONS[name](6, 6, stride)
        result = module(images)
        weights = torch.randn(result.shape, generator=torch.Generator().manual_seed(1))
        (weights * result).sum().backward()
        gradients = [images.grad, *(p.grad for p in module.parameters())]
        for gradient in gradients:
            assert torch.isfinite(gradient).all()
            assert bool(gradient.abs().max() > 1e-6) == (name not in WITHOUT_GRADIENT)


def published_parameters(name: str, c: int, stride: int) -> int:
    """What the papers' definitions of the operations give for c channels."""
    norm = 2 * c
    return {
        "none": 0,
        "max_pool_3x3": 0,
        "avg_pool_3x3": 0,
        "skip_connect": 0 if stride == 1 else c * c + norm,
        "sep_conv_3x3": 2 * (9 * c + c * c + norm),
        "sep_conv_5x5": 2 * (25 * c + c * c + norm),
        "dil_conv_3x3": 9 * c + c * c + norm,
        "dil_conv_5x5": 25 * c + c * c + norm,
        "nor_conv_1x1": c * c + norm,
        "nor_conv_3x3": 9 * c * c + norm,
    }[name]


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", OPERATIONS)
def test_number_of_parameters(name, stride):
    module = OPERATIONS[name](10, 10, stride)
    assert num_parameters(module) == published_parameters(name, 10, stride)


def test_nothing_passes_none_and_all_passes_a_skip():
    images = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(OPERATIONS["none"](3, 3, 1)(images), torch.zeros(2, 3, 5, 5))
    assert torch.equal(OPERATIONS["skip_connect"](3, 3, 1)(images), images)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", ["avg_pool_3x3", "max_pool_3x3"])
def test_pools_do_not_see_the_border(name, stride):
    constant = torch.full((1, 3, 6, 6), -2.0)
    pooled = OPERATIONS[name](3, 3, stride)(constant)
    assert torch.equal(pooled, torch.full_like(pooled, -2.0))


@pytest.mark.parametrize(
    ("name", "reach", "step"),
    [
        ("nor_conv_1x1", 0, 1),
        ("nor_conv_3x3", 1, 1),
        ("sep_conv_3x3", 2, 1),
        ("sep_conv_5x5", 4, 1),
        ("dil_conv_3x3", 2, 2),
        ("dil_conv_5x5", 4, 2),
    ],
)
def test_how_far_a_convolution_sees(name, reach, step):
    module = OPERATIONS[name](1, 1, 1).eval()
    for weights in module.parameters():
        nn.init.ones_(weights)
    images = torch.ones(1, 1, 15, 15, requires_grad=True)
    module(images)[0, 0, 7, 7].backward()
    rows = images.grad[0, 0].abs().sum(dim=1).nonzero().flatten() - 7
    assert rows.tolist() == list(range(-reach, reach + 1, step))


def test_a_factorised_reduction_reads_even_and_odd_pixels():
    module = OPERATIONS["skip_connect"](1, 2, 2).eval()
    images = torch.ones(1, 1, 4, 4, requires_grad=True)
    module(images).sum().backward()
    read = (images.grad[0, 0] != 0).int().tolist()
    assert read == [[1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1]]


def conv3x3(c_in: int, c_out: int, stride: int) -> nn.Module:
    return nn.Conv2d(c_in, c_out, 3, stride, padding=1)


class TestOwnOperations:
    def build(self, cell, operations):
        config = NetworkConfig(channels=4, cells=3, in_channels=1)
        return build_network(cell, np.array([[0, 1]]), config, operations, seed=0)

    def test_they_are_built_and_trained(self, mine):
        network = self.build(mine, {"conv3x3": conv3x3})
        assert sum(type(module) is nn.Conv2d for _, module in network.named_modules()) > 3
        network(torch.zeros(2, 1, 8, 8)).sum().backward()
        assert all(p.grad is not None for p in network.parameters())

    def test_they_come_before_built_in_ones(self, mine):
        network = self.build(mine, {"conv3x3": conv3x3, "skip_connect": conv3x3})
        assert not any(isinstance(module, nn.Identity) for module in network.modules())

    def test_one_that_lacks_is_named(self, mine):
        with pytest.raises(
            CellError,
            match=r"'conv3x3' of cell 'mine' has no module.*operations=.*--operations MODULE",
        ):
            self.build(mine, None)

    def test_one_too_many_is_named(self, mine):
        with pytest.raises(UnknownNameError):
            self.build(mine, {"conv3": conv3x3})

    @pytest.mark.parametrize(
        ("factory", "message"),
        [
            (lambda c_in, c_out: nn.Identity(), "called as operation\\(c_in, c_out, stride\\)"),
            (lambda c_in, c_out, stride: c_in / 0, "gave no module .* ZeroDivisionError: division"),
            (lambda c_in, c_out, stride: "conv", "must give a torch.nn.Module, got 'conv'"),
            (
                lambda c_in, c_out, stride: nn.Conv2d(c_in, c_out, 3, padding=1),
                r"\(2, 8, 4, 4\) \(c_out=8, stride=2\) to \(2, 8, 4, 4\) instead of \(2, 8, 2, 2\)",
            ),
            (
                lambda c_in, c_out, stride: nn.Conv2d(c_in, c_out, 3, stride),
                r"to \(2, 4, 2, 2\) instead of \(2, 4, 4, 4\)",
            ),
            (lambda c_in, c_out, stride: nn.Linear(7, 3), "fails on images of shape"),
            (
                lambda c_in, c_out, stride: nn.Conv2d(c_in, c_out, -1),
                "'conv3x3' (gave no module|fails)",
            ),
        ],
    )
    def test_wrong_ones_are_refused(self, mine, factory, message):
        with pytest.raises(OptionError, match=message):
            self.build(mine, {"conv3x3": factory})


def test_operations_of_sequences_are_no_operations_of_images() -> None:
    with pytest.raises(CellError, match="'attention' of cell 'hybrid-lm' works on sequences"):
        resolve_operations(cells.get("hybrid-lm"), None)
