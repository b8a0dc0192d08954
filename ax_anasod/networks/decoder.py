"""Architectures as language models: tokens in, logits out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from ax_anasod.cells import Architecture
from ax_anasod.cells.definition import CellDefinition
from ax_anasod.exceptions import CellError, OptionError, UnknownNameError, nearest_hint
from ax_anasod.networks.decoder_config import DecoderConfig
from ax_anasod.networks.sequence_operations import SEQUENCE_OPERATIONS, SequenceOperation

# Lengths that a user's operation is tried on.
_TRIED: Final = (5, 8)


class Decoder(nn.Module):
    """A causal language model: embedding, residual blocks with a norm before each, untied head.

    Args:
        operations: The modules of the blocks, in order.
        config: The skeleton.
    """

    def __init__(self, operations: Sequence[nn.Module], config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        width, vocabulary = config.width, config.vocabulary
        self.embedding = nn.Embedding(vocabulary, width)
        self.before = nn.Embedding(vocabulary, width) if config.shift else None
        self.norms = nn.ModuleList(nn.RMSNorm(width) for _ in operations)
        self.operations = nn.ModuleList(operations)
        self.last_norm = nn.RMSNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        for table in (self.embedding, self.before):
            if table is not None:
                nn.init.normal_(table.weight, std=width**-0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        """``batch x length`` tokens to logits ``batch x length x vocabulary``."""
        x = self.embedding(tokens)
        if self.before is not None:
            x = x + F.pad(self.before(tokens), (0, 0, 1, 0))[:, :-1]
        for norm, operation in zip(self.norms, self.operations, strict=True):
            x = x + operation(norm(x))
        logits: Tensor = self.head(self.last_norm(x))
        return logits


def build_decoder(
    architectures: Architecture | Sequence[Architecture],
    config: DecoderConfig | None = None,
    operations: Mapping[str, SequenceOperation] | None = None,
    *,
    seed: int | None = None,
    device: str = "cpu",
) -> Decoder:
    """A language model whose blocks are those of architectures.

    Args:
        architectures: One architecture, which is repeated ``config.repeats`` times; or one for
            each repeat.
        config: The skeleton.
        operations: Operations of your own, name -> what makes a module from the config; tried
            for their shape and for causality.
        seed: What the first weights are drawn from; by default they come from torch's global
            generator, which is left alone otherwise.
        device: Where the weights are; on ``"meta"`` the network has shapes, but no numbers.

    Returns:
        The network.

    Raises:
        CellError: The blocks of the cell are no chain, or an operation has no module.
        OptionError: The number of architectures is another, or an operation of your own fails,
            changes the shape, or lets a token see later ones.
        UnknownNameError: An operation of your own is none of the cell.

    Example:
        >>> from ax_anasod import cells
        >>> cell = cells.get("hybrid-lm")
        >>> network = build_decoder(cell.architecture("MMAMLM"))
        >>> network(torch.zeros(2, 48, dtype=torch.long)).shape
        torch.Size([2, 48, 100])
    """
    config = config or DecoderConfig()
    given = [architectures] if isinstance(architectures, Architecture) else list(architectures)
    if isinstance(architectures, Architecture):
        given *= config.repeats
    if len(given) != config.repeats:
        raise OptionError(
            f"{len(given)} architectures are given for repeats = {config.repeats}",
            "give one, or as many as there are repeats",
        )
    names = [name for architecture in given for name in architecture.operations]
    with nullcontext() if seed is None else torch.random.fork_rng(devices=[]):
        factories = _resolve(given[0].cell, operations or {}, config)
        if seed is not None:
            # Not torch.manual_seed, which would set the generators of all GPUs, too.
            torch.default_generator.manual_seed(seed)
        with torch.device(device):
            return Decoder([factories[name](config) for name in names], config)


def _resolve(
    cell: CellDefinition, own: Mapping[str, SequenceOperation], config: DecoderConfig
) -> dict[str, SequenceOperation]:
    if cell.wiring:
        raise CellError(f"the blocks of cell {cell.name!r} are no chain: it has wiring choices")
    for name in own:
        if name not in cell.operations:
            raise UnknownNameError(f"operation of cell {cell.name!r}:", name, cell.operations)
    for name, factory in own.items():
        _try(name, factory, config)
    factories = {**SEQUENCE_OPERATIONS, **own}
    for name in cell.operations:
        if name not in factories:
            raise CellError(
                f"operation {name!r} of cell {cell.name!r} has no module for sequences",
                f"pass operations={{{name!r}: lambda config: ...}}, in "
                "ax-anasod train --operations MODULE:NAME; built in, "
                + nearest_hint(name, SEQUENCE_OPERATIONS),
            )
    return factories


def _try(name: str, factory: SequenceOperation, config: DecoderConfig) -> None:
    """Make sure that an operation keeps the shape, and that no token sees later ones."""
    try:
        module = factory(config)
        for length in _TRIED:
            x = torch.randn(
                2, length, config.width, generator=torch.Generator().manual_seed(length)
            )
            changed = x.clone()
            changed[:, -1] += 1.0
            with torch.no_grad():
                result, other = module.eval()(x), module(changed)
            if not isinstance(result, Tensor) or result.shape != x.shape:
                got = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
                raise OptionError(
                    f"operation {name!r} maps sequences of shape {tuple(x.shape)} to {got}"
                )
            if not torch.equal(result[:, :-1], other[:, :-1]):
                raise OptionError(
                    f"operation {name!r} is not causal: the last of {length} tokens changes what "
                    "comes before it"
                )
    except OptionError:
        raise
    except Exception as error:  # A user's code may raise anything.
        raise OptionError(
            f"operation {name!r} fails: {type(error).__name__}: {error}",
            "an operation is called with a DecoderConfig and maps batch x length x width to the "
            "same",
        ) from error
