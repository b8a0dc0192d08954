"""Proxies of one network, against what their papers define."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from ax_anasod import cells
from ax_anasod.networks import Network, NetworkConfig, build_network, published_config
from ax_anasod.proxies import Scores

CELL = cells.get("nas-bench-201")
CONFIG = published_config(CELL, channels=4, cells=3)
NOTHING, ALL_3X3 = [0] * 6, [3] * 6


def built(code: list[int]) -> Network:
    return build_network(CELL, np.array([code]), CONFIG, seed=1)


def scores(network: Network) -> Scores:
    draw = torch.Generator().manual_seed(0)
    images = torch.randn((8, 3, 8, 8), generator=draw)
    return Scores(network, images, torch.randint(10, (8,), generator=draw))


def test_synflow_is_the_sum_over_layers_of_a_network_that_is_linear_in_each() -> None:
    network = built(ALL_3X3)
    before = copy.deepcopy(network.state_dict())
    # Each path from the image to a logit has one weight of each layer that it passes: with
    # positive weights w dR/dw summed over one layer that all paths pass, such as the classifier,
    # is R without its biases.
    other = copy.deepcopy(network).double().eval()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.abs_()
        total = other(torch.ones(1, 3, 8, 8).double()).sum() - other.classifier.bias.sum()
    of_classifier = float(total)
    flow = np.expm1(scores(network).synflow)
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert of_classifier * 2 < flow < of_classifier * len(layers)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert scores(built(NOTHING)).synflow == 0.0


def test_patterns_of_a_network_that_can_be_counted() -> None:
    class Two(Network):
        def __init__(self) -> None:
            super().__init__(NetworkConfig(in_channels=2, num_classes=2))
            self.relu = nn.ReLU()
            self.classifier = nn.Linear(2, 2)

        def features(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            result = self.relu(images)
            return result, result

    images = torch.tensor([[1.0, 1], [1, 1], [-1, 1], [-1, -1]])[:, :, None, None]
    found = Scores(Two(), images, torch.tensor([0, 1, 0, 1]))
    # Units: on, on, off, off and on, on, on, off.
    assert found.swap == 2.0
    agree = torch.tensor([[2.0, 2, 1, 0], [2, 2, 1, 0], [1, 1, 2, 1], [0, 0, 1, 2]])
    assert found.naswot == pytest.approx(float(torch.logdet(agree + torch.eye(4))))


def test_jacov_prefers_gradients_that_do_not_correlate() -> None:
    found = scores(built(ALL_3X3))
    correlation = np.corrcoef(found._forward[1].numpy())
    values = np.linalg.eigvalsh(correlation).clip(min=0) + 1e-5
    assert found.jacov == pytest.approx(-(np.log(values) + 1 / values).sum())
    assert found.jacov < -8.0  # that of eight that do not correlate at all
    assert scores(built(NOTHING)).jacov < -1e5


def test_zico_is_the_mean_over_the_deviation_of_two_halves() -> None:
    network = built(ALL_3X3)
    found = scores(network)
    gradients = []
    for images, labels in zip(found.images.chunk(2), found.labels.chunk(2), strict=True):
        network.zero_grad()
        nn.functional.cross_entropy(network(images), labels).backward()
        layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        gradients.append([layer.weight.grad.double().numpy().copy() for layer in layers])
    expected = 0.0
    for pair in zip(*gradients, strict=True):
        absolute, deviation = np.abs(pair).mean(axis=0), np.std(pair, axis=0)
        expected += np.log((absolute[deviation > 0] / deviation[deviation > 0]).sum())
    assert found.zico == pytest.approx(expected, rel=1e-4)
