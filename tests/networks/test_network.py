import dataclasses

import numpy as np
import pytest
import torch

from ax_anasod import cells
from ax_anasod.exceptions import OptionError
from ax_anasod.networks import NetworkConfig, build_network
from ax_anasod.networks.network import AuxiliaryTower


@pytest.fixture(params=["nasnet", "nas-bench-201"])
def config(request) -> NetworkConfig:
    return NetworkConfig(request.param, channels=4, cells=3, num_classes=5, in_channels=1)


def build(config: NetworkConfig):
    cell = cells.get(config.skeleton)
    return build_network(cell, cell.sample(1, np.random.default_rng(1)), config, seed=0)


@pytest.mark.parametrize("size", [(28, 28), (8, 8), (33, 17), (1, 1)])
@pytest.mark.parametrize("auxiliary", [False, True])
def test_images_of_any_size(config, size, auxiliary):
    network = build(dataclasses.replace(config, auxiliary=auxiliary))
    images = torch.randn(3, 1, *size, generator=torch.Generator().manual_seed(0))
    result = network(images)
    if auxiliary:
        result, tower = result
        assert tower.shape == (3, 5)
    assert result.shape == (3, 5)
    assert network.eval()(images).shape == (3, 5)


def test_other_channels_are_refused(config):
    with pytest.raises(OptionError, match=r"takes images b x 1 x h x w, got \(2, 3, 8, 8\)"):
        build(config)(torch.zeros(2, 3, 8, 8))


def test_the_tower_reads_the_map_after_the_second_reduction(config):
    network = build(dataclasses.replace(config, auxiliary=True))
    _, middle = network.features(torch.zeros(2, 1, 32, 32))
    assert middle.shape[-2:] == (8, 8)
    assert middle.shape[1] == network.auxiliary.features[0].in_channels


def test_the_tower_pools_maps_of_8_pixels_as_published():
    tower = AuxiliaryTower(3, 5).eval()
    corner = torch.zeros(1, 3, 8, 8, requires_grad=True)
    pooled = torch.nn.functional.avg_pool2d(corner.relu() + corner, 5, stride=3)
    expected = tower.classifier(tower.features(pooled).flatten(1))
    assert torch.equal(tower(corner), expected)
    assert tower(torch.zeros(1, 3, 2, 2)).shape == (1, 5)


def test_drop_path_changes_training_only(config):
    network = build(config)
    images = torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    still = network.eval()(images)
    network.set_drop_path(0.5)
    assert torch.equal(network(images), still)
    network.train()
    assert not torch.equal(network(images), network(images))
    network.set_drop_path(0.0)
    assert torch.equal(network(images), network(images))


def test_a_rate_of_the_configuration_counts_from_the_start(config):
    network = build(dataclasses.replace(config, drop_path=0.5))
    images = torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert not torch.equal(network(images), network(images))
