"""The operations of a decoder: what mixes tokens, and what does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from ax_anasod.networks.decoder_config import DecoderConfig

SequenceOperation = Callable[[DecoderConfig], nn.Module]
"""Makes the module of one operation: ``batch x length x width`` to the same, causal."""

# The gate of linear attention forgets slowly before it is trained (Yang et al. 2024, Sec. 4.4).
_FORGET_TEMPERATURE: Final = 16.0


class CausalAttention(nn.Module):
    """Softmax attention on earlier tokens, with rotary positions.

    Source: Vaswani et al., "Attention is all you need" (NeurIPS 2017); Su et al., "RoFormer"
    (2021), Eq. 34, for the positions.

    Args:
        config: The network.
        window: How many tokens each sees, itself included; all earlier ones by default.
    """

    def __init__(self, config: DecoderConfig, window: int | None = None) -> None:
        super().__init__()
        self.heads, self.window, self.base = config.heads, window, config.rotary_base
        self.inputs = nn.Linear(config.width, 3 * config.width, bias=False)
        self.output = nn.Linear(config.width, config.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``batch x length x width`` to the same."""
        q, k, v = (_to_heads(t, self.heads) for t in self.inputs(x).chunk(3, dim=-1))
        q, k = rotated(q, self.base), rotated(k, self.base)
        mask = None
        if self.window is not None:
            position = torch.arange(x.shape[1], device=x.device)
            distance = position[:, None] - position
            mask = (distance >= 0) & (distance < self.window)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
        result: Tensor = self.output(_from_heads(mixed))
        return result


class LinearAttention(nn.Module):
    r"""Attention without softmax, which forgets: its state has a fixed size.

    .. math::
        S_t = \alpha_t S_{t-1} + k_t v_t^\top, \quad y_t = S_t^\top q_t

    with one :math:`\alpha_t \in (0, 1)` a head and token that depends on the token. Queries, keys
    and values pass a causal convolution over two tokens and SiLU; the result is normalised by
    head and gated. Trained in the form of masked products, quadratic in the length;
    :meth:`recurrent` is the same token by token.

    Source: Yang et al., "Gated linear attention transformers with hardware-efficient training"
    (ICML 2024), with one gate a head as in Dao and Gu, "Transformers are SSMs" (ICML 2024).

    Args:
        config: The network.
    """

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.inputs = nn.Linear(width, 3 * width, bias=False)
        # The weights of the token before, and of this one, in each channel.
        self.taps = nn.Parameter(torch.stack([torch.zeros(3 * width), torch.ones(3 * width)]))
        self.forget = nn.Linear(width, config.heads, bias=False)
        self.gate = nn.Linear(width, width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``batch x length x width`` to the same."""
        q, k, v, log_decay = self._inputs(x)
        total = log_decay.cumsum(dim=-1)
        later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).triu(1)
        decay = (total[..., :, None] - total[..., None, :]).masked_fill(later, -torch.inf).exp()
        return self._finish((q @ k.mT * decay) @ v, x)

    def recurrent(self, x: Tensor) -> Tensor:
        """The same, with a state of ``heads x (width / heads)^2`` that goes from token to token."""
        q, k, v, log_decay = self._inputs(x)
        state = torch.zeros(*k.shape[:2], k.shape[-1], v.shape[-1], dtype=x.dtype, device=x.device)
        mixed = []
        for t in range(x.shape[1]):
            state = log_decay[..., t].exp()[..., None, None] * state
            state = state + k[..., t, :, None] * v[..., t, None, :]
            mixed.append((q[..., t, None, :] @ state).squeeze(-2))
        return self._finish(torch.stack(mixed, dim=-2), x)

    def _inputs(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        z = self.inputs(x)
        z = F.silu(self.taps[0] * _before(z) + self.taps[1] * z)
        q, k, v = (_to_heads(t, self.heads) for t in z.chunk(3, dim=-1))
        log_decay = F.logsigmoid(self.forget(x)).mT / _FORGET_TEMPERATURE
        return q * q.shape[-1] ** -0.5, k, v, log_decay

    def _finish(self, mixed: Tensor, x: Tensor) -> Tensor:
        normed = F.rms_norm(mixed, mixed.shape[-1:])
        result: Tensor = self.output(_from_heads(normed) * F.silu(self.gate(x)))
        return result


class SwiGLU(nn.Module):
    """A gated layer of each token alone.

    Source: Shazeer, "GLU variants improve transformer" (2020), Eq. 6.

    Args:
        config: The network.
    """

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.inputs = nn.Linear(config.width, 2 * config.hidden, bias=False)
        self.output = nn.Linear(config.hidden, config.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``batch x length x width`` to the same."""
        gate, value = self.inputs(x).chunk(2, dim=-1)
        result: Tensor = self.output(F.silu(gate) * value)
        return result


def sliding_window_attention(config: DecoderConfig) -> nn.Module:
    """Attention on the last ``config.window`` tokens."""
    return CausalAttention(config, window=config.window)


SEQUENCE_OPERATIONS: Final[Mapping[str, SequenceOperation]] = MappingProxyType(
    {
        "attention": CausalAttention,
        "linear-attention": LinearAttention,
        "mlp": SwiGLU,
        "sliding-window-attention": sliding_window_attention,
    }
)
"""The built-in operations of decoders."""


def rotated(x: Tensor, base: float) -> Tensor:
    """Turn each pair of channels by an angle proportional to the position.

    Args:
        x: ``... x length x channels``, an even number of channels.
        base: The longest wavelength is about ``2 pi base``.
    """
    half = x.shape[-1] // 2
    position = torch.arange(x.shape[-2], dtype=x.dtype, device=x.device)
    frequency = base ** (-torch.arange(half, dtype=x.dtype, device=x.device) / half)
    angle = position[:, None] * frequency
    first, second = x[..., :half], x[..., half:]
    sine, cosine = angle.sin(), angle.cos()
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)


def _before(x: Tensor) -> Tensor:
    """The input moved by one token: at each place the token before, zero at the beginning."""
    return F.pad(x, (0, 0, 1, 0))[:, :-1]


def _to_heads(x: Tensor, heads: int) -> Tensor:
    return x.view(*x.shape[:-1], heads, -1).transpose(1, 2)


def _from_heads(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(-2)
