import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from ax_anasod import cells
from ax_anasod.cells import NASNetCell
from ax_anasod.cells.genotype import DARTS_OPERATIONS, GenotypeCell
from ax_anasod.networks import (
    OPERATIONS,
    NetworkConfig,
    build_network,
    count_flops,
    num_parameters,
    published_config,
)

# Parameters, and multiply-adds of a 32x32 image with those of the bias, both in millions, as
# the benchmark gives them: the first architecture, then the smallest and the largest one, and
# the largest one for 100 classes.
FIRST = "avg_pool_3x3 nor_conv_1x1 skip_connect nor_conv_1x1 skip_connect skip_connect"
NASBENCH201 = [
    (FIRST, 10, 0.129306, 15.64737),
    ("none " * 6, 10, 0.073306, 7.78305),
    ("nor_conv_3x3 " * 6, 10, 1.531546, 220.11969),
    ("nor_conv_3x3 " * 6, 100, 1.537396, 220.12554),
]


@pytest.mark.parametrize(("names", "num_classes", "millions", "multiply_adds"), NASBENCH201)
def test_nas_bench_201_networks_have_the_published_size(
    names, num_classes, millions, multiply_adds
):
    cell = cells.get("nas-bench-201")
    codes = np.array([[cell.operations.index(name) for name in names.split()]])
    config = published_config(cell, num_classes=num_classes)
    network = build_network(cell, codes, config, seed=0)
    assert num_parameters(network) == round(millions * 1e6)
    flops = count_flops(network, 32)
    assert (flops / 2 + num_classes) / 1e6 == pytest.approx(multiply_adds, abs=5e-6)


# 545 networks that others have built: 20 cells, 36 channels, auxiliary tower left out.


@pytest.fixture(scope="module")
def darts_table(shared_data):
    return pd.read_csv(shared_data / "darts" / "darts_bench_545_trained.csv.gz")


@pytest.fixture(scope="module")
def darts_cell():
    # The 545 have the eighth operation of DARTS, too, which its search space leaves out.
    return GenotypeCell("darts8", ("none", *DARTS_OPERATIONS), 4, ("normal", "reduce"))


@pytest.fixture(scope="module")
def darts_parameters(darts_cell):
    """Number of parameters of ``n x d`` codes: one constant, and a share of each block."""
    nothing = build_network(
        darts_cell, np.zeros((1, 22), dtype=int), NetworkConfig(cells=20), seed=0
    )
    layers = {
        # Blocks of the normal cell are never strided; those that read an input of the
        # reduction cell are.
        (0, 1): [36] * 6 + [72] * 6 + [144] * 6,
        (1, 1): [72, 144],
        (1, 2): [72, 144],
    }
    weights = np.zeros((2, 3, darts_cell.num_operations), dtype=int)
    for (part, stride), channels in layers.items():
        for index, name in enumerate(darts_cell.operations):
            weights[part, stride, index] = sum(
                num_parameters(OPERATIONS[name](c, c, stride)) for c in channels
            )

    def count(codes):
        reads_input = darts_cell.sources(codes) < 2
        part = np.repeat([0, 1], 8)
        stride = np.where(reads_input & (part == 1), 2, 1)
        return num_parameters(nothing) + weights[part, stride, codes[:, :16]].sum(axis=1)

    return count


def test_the_formula_is_that_of_built_networks(darts_cell, darts_parameters):
    codes = darts_cell.sample(3, np.random.default_rng(0))
    config = NetworkConfig(cells=20, auxiliary=True)
    built = [build_network(darts_cell, code[None], config, seed=0) for code in codes]
    assert [num_parameters(network) for network in built] == darts_parameters(codes).tolist()


def test_all_545_agree_exactly(darts_table, darts_cell, darts_parameters):
    codes = darts_cell.from_strings(darts_table["arch"].tolist())
    expected = np.round(darts_table["params_m"].to_numpy() * 1e6).astype(int)
    assert np.array_equal(darts_parameters(codes), expected)


def elements(network, kind, size: int) -> int:
    """How many numbers the layers of a kind give for one image."""
    found = []
    handles = [
        module.register_forward_hook(lambda module, inputs, output: found.append(output.numel()))
        for module in network.modules()
        if isinstance(module, kind)
    ]
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, size, size))
    for handle in handles:
        handle.remove()
    return sum(found)


def test_multiply_adds_agree_with_those_of_others(darts_table, darts_cell):
    # Their tool counts normalisations and average pools, too: 4 and 1 an element, and 64 pixels
    # and a division for each of the 576 channels that are pooled last.
    rows = darts_table.iloc[[2, 100]]
    for code, millions in zip(
        darts_cell.from_strings(rows["arch"].tolist()), rows["flops_m"], strict=True
    ):
        network = build_network(darts_cell, code[None], NetworkConfig(cells=20), seed=0)
        others = 4 * elements(network, nn.BatchNorm2d, 32) + elements(network, nn.AvgPool2d, 32)
        total = count_flops(network, 32) // 2 + others + 65 * 576
        assert total == round(millions * 1e6)


def test_the_tower_is_counted_where_asked_for():
    cell = NASNetCell(num_nodes=2)
    config = NetworkConfig(channels=4, cells=3, auxiliary=True)
    network = build_network(cell, np.zeros((1, 5), dtype=int), config, seed=0)
    tower = sum(p.numel() for p in network.auxiliary.parameters())
    assert num_parameters(network, auxiliary=True) == num_parameters(network) + tower


def test_flops_follow_the_size_of_the_image_and_leave_the_network_alone():
    cell = cells.get("nas-bench-201")
    config = NetworkConfig("nas-bench-201", channels=4, cells=3)
    network = build_network(cell, np.array([[3] * 6]), config, seed=0)
    classifier = 2 * 16 * 10
    square, wide = count_flops(network, 16), count_flops(network, (16, 32))
    assert wide - classifier == 2 * (square - classifier)
    assert network.training
    assert all(weights.device.type == "cpu" for weights in network.parameters())
