"""The sizes of a decoder, and what its operations cost, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final

from annotated_types import Ge, Le

from ax_anasod.exceptions import OptionError
from ax_anasod.settings import Configuration, PositiveFloat, PositiveInt, checked

_BYTES: Final = 4


@checked
@dataclass(frozen=True)
class DecoderConfig(Configuration):
    """The skeleton of a decoder: tokens in, logits out.

    Args:
        width: Channels of the residual stream.
        heads: Heads of both kinds of attention.
        hidden: Hidden channels of the MLP.
        vocabulary: How many tokens there are.
        shift: Whether each position also gets an embedding of the token before.
        repeats: How often the pattern of blocks is repeated.
        rotary_base: Base of the rotary positions.
        window: How many tokens ``sliding-window-attention`` sees, itself included.

    Raises:
        OptionError: A value is out of range, or the width is no even number of channels a head.
    """

    # No more than any network has that is trained.
    width: Annotated[int, Ge(1), Le(10**5)] = 32
    heads: Annotated[int, Ge(1), Le(10**5)] = 2
    hidden: Annotated[int, Ge(1), Le(10**6)] = 64
    vocabulary: Annotated[int, Ge(1), Le(2 * 10**6)] = 100
    shift: bool = True
    repeats: Annotated[int, Ge(1), Le(1000)] = 1
    rotary_base: PositiveFloat = 100.0
    window: PositiveInt = 16

    def __post_init__(self) -> None:
        if self.width % (2 * self.heads):
            raise OptionError(
                f"width {self.width} is no even number of channels for each of {self.heads} heads",
                f"take a multiple of {2 * self.heads}",
            )

    @property
    def layers(self) -> int:
        """The number of architectures that a network has room for."""
        return self.repeats


@dataclass(frozen=True)
class OperationCost:
    """The exact cost of one block.

    Args:
        parameters: Weights, those of its norm included.
        cache_bytes: What it keeps to go on after ``tokens`` tokens, in 32-bit floats.
        flops: Operations for the token at position ``tokens``, multiplications and additions
            of its matrices, convolutions and states; norms and activations are not counted.
    """

    parameters: int
    cache_bytes: int
    flops: int


def costs(config: DecoderConfig, tokens: int) -> Mapping[str, OperationCost]:
    """The cost of a block of each built-in operation, in closed form.

    Args:
        config: The skeleton.
        tokens: The length of the context.

    Example:
        >>> costs(DecoderConfig(), tokens=48)["attention"]
        OperationCost(parameters=4128, cache_bytes=12288, flops=14336)
    """
    d, h, hidden = config.width, config.heads, config.hidden
    seen = min(tokens, config.window)
    state = d * d // h
    return MappingProxyType(
        {
            "attention": OperationCost(
                4 * d * d + d, 2 * _BYTES * tokens * d, 8 * d * d + 4 * tokens * d
            ),
            "linear-attention": OperationCost(
                5 * d * d + 6 * d + d * h + d,
                _BYTES * (state + 3 * d),
                10 * d * d + 2 * d * h + 9 * d + 5 * state,
            ),
            "mlp": OperationCost(3 * d * hidden + d, 0, 6 * d * hidden),
            "sliding-window-attention": OperationCost(
                4 * d * d + d, 2 * _BYTES * seen * d, 8 * d * d + 4 * seen * d
            ),
        }
    )


def outer_parameters(config: DecoderConfig) -> int:
    """Weights around the blocks: embeddings, the last norm, the head."""
    tables = 3 if config.shift else 2
    return tables * config.vocabulary * config.width + config.width
