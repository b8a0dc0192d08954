"""Operations of decoders against plain formulas."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from ax_anasod.exceptions import OptionError
from ax_anasod.networks.decoder_config import DecoderConfig, costs
from ax_anasod.networks.sequence_operations import (
    SEQUENCE_OPERATIONS,
    CausalAttention,
    LinearAttention,
    rotated,
)

CONFIG = DecoderConfig(width=24, heads=3, hidden=20, window=5)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(2, 11, CONFIG.width, generator=torch.Generator().manual_seed(0))


def attention_by_hand(module: CausalAttention, x: Tensor, window: int) -> Tensor:
    heads = []
    channels = CONFIG.width // CONFIG.heads
    q, k, v = (x @ w.T for w in module.inputs.weight.chunk(3))
    for head in range(CONFIG.heads):
        own = slice(head * channels, (head + 1) * channels)
        scores = rotated(q[..., own], module.base) @ rotated(k[..., own], module.base).mT
        scores = scores / channels**0.5
        for t in range(x.shape[1]):
            scores[:, t, t + 1 :] = -torch.inf
            scores[:, t, : max(t + 1 - window, 0)] = -torch.inf
        heads.append(scores.softmax(dim=-1) @ v[..., own])
    return torch.cat(heads, dim=-1) @ module.output.weight.T


@pytest.mark.parametrize("name", ["attention", "sliding-window-attention"])
def test_attention_is_softmax_over_what_came_before(x: Tensor, name: str) -> None:
    module = SEQUENCE_OPERATIONS[name](CONFIG)
    assert isinstance(module, CausalAttention)
    window = CONFIG.window if name == "sliding-window-attention" else x.shape[1]
    torch.testing.assert_close(module(x), attention_by_hand(module, x, window))


def test_positions_are_rotations_by_their_distance(x: Tensor) -> None:
    # As complex numbers, whose products depend on the difference of positions only.
    half = CONFIG.width // 2
    numbers = torch.complex(x[..., :half], x[..., half:])
    position = torch.arange(x.shape[1])[:, None]
    frequency = 50.0 ** (-torch.arange(half) / half)
    expected = numbers * torch.exp(1j * position * frequency)
    found = rotated(x, 50.0)
    torch.testing.assert_close(torch.complex(found[..., :half], found[..., half:]), expected)


def test_linear_attention_is_its_recurrence(x: Tensor) -> None:
    module = LinearAttention(CONFIG)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(parameter.numel()))
    torch.testing.assert_close(module(x), module.recurrent(x), rtol=1e-4, atol=1e-4)


def test_linear_attention_forgets_as_its_gate_says(x: Tensor) -> None:
    module = LinearAttention(CONFIG)
    far = x.clone()
    far[:, 0] += 1.0
    nn.init.constant_(module.forget.weight, -100.0)
    nn.init.ones_(module.taps)
    x, far = x.abs(), far.abs()  # so that the gate is closed at every token
    with torch.no_grad():
        changed = (module(x) - module(far)).abs().amax(dim=(0, 2))
    # Two tokens see the first directly, by the convolution; then all is forgotten.
    assert changed[:2].min() > 1e-3
    assert changed[2:].max() < 1e-6


@pytest.mark.parametrize("name", SEQUENCE_OPERATIONS)
def test_no_token_sees_later_ones(x: Tensor, name: str) -> None:
    module = SEQUENCE_OPERATIONS[name](CONFIG)
    changed = x.clone()
    changed[:, 7:] = 0.0
    result, other = module(x), module(changed)
    assert result.shape == x.shape
    torch.testing.assert_close(result[:, :7], other[:, :7])
    assert not torch.allclose(result[:, 7:], other[:, 7:])


@pytest.mark.parametrize("name", SEQUENCE_OPERATIONS)
@pytest.mark.parametrize("config", [CONFIG, DecoderConfig()])
def test_weights_are_counted_in_closed_form(name: str, config: DecoderConfig) -> None:
    module = nn.ModuleList([SEQUENCE_OPERATIONS[name](config), nn.RMSNorm(config.width)])
    assert costs(config, 9)[name].parameters == sum(p.numel() for p in module.parameters())


def test_the_cache_is_what_the_next_token_needs() -> None:
    short, long = costs(CONFIG, 4), costs(CONFIG, 400)
    # Keys and values of every token; a state and the inputs of one convolution; nothing.
    assert long["attention"].cache_bytes == 4 * 2 * 400 * CONFIG.width
    state = CONFIG.heads * (CONFIG.width // CONFIG.heads) ** 2
    assert long["linear-attention"].cache_bytes == 4 * (state + 3 * CONFIG.width)
    assert long["mlp"].cache_bytes == 0
    assert long["sliding-window-attention"].cache_bytes == 4 * 2 * 5 * CONFIG.width
    assert short["sliding-window-attention"] == short["attention"]


def test_heads_that_do_not_fit_are_refused() -> None:
    with pytest.raises(OptionError, match="width 24 is no even number of channels for each of 8"):
        replace(CONFIG, heads=8)
    with pytest.raises(OptionError):
        DecoderConfig(width=0)
