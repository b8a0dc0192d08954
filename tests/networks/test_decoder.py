"""Architectures as language models."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.exceptions import CellError, OptionError, UnknownNameError
from ax_anasod.networks.decoder import Decoder, build_decoder
from ax_anasod.networks.decoder_config import DecoderConfig, costs, outer_parameters
from ax_anasod.networks.sequence_operations import CausalAttention, LinearAttention, SwiGLU

CELL = cells.get("hybrid-lm")
TOKENS = torch.randint(100, (3, 12), generator=torch.Generator().manual_seed(0))


def build(architecture: str = "MMAMLM", **config: int) -> Decoder:
    torch.manual_seed(0)
    return build_decoder(CELL.architecture(architecture), DecoderConfig(**config))


def test_blocks_are_those_of_the_architecture() -> None:
    kinds = {"A": CausalAttention, "L": LinearAttention, "M": SwiGLU}
    for architecture in ("AALLMM", "MLAMLA"):
        network = build(architecture)
        assert [type(block) for block in network.operations] == [kinds[c] for c in architecture]
        assert network(TOKENS).shape == (3, 12, 100)


@pytest.mark.parametrize("shift", [True, False])
def test_weights_are_counted_in_closed_form(shift: bool) -> None:
    network = build("AALLMM", shift=shift)
    block = costs(network.config, 1)
    expected = outer_parameters(network.config) + 2 * sum(
        block[name].parameters for name in CELL.operations
    )
    assert sum(p.numel() for p in network.parameters()) == expected


def test_no_logit_depends_on_later_tokens() -> None:
    network = build("ALMALM")
    changed = TOKENS.clone()
    changed[:, 6:] = (changed[:, 6:] + 1) % 100
    torch.testing.assert_close(network(TOKENS)[:, :6], network(changed)[:, :6])


def test_the_stem_shows_the_token_before() -> None:
    # Without a block that mixes tokens only the stem can.
    changed = TOKENS.clone()
    changed[:, 4] = (changed[:, 4] + 1) % 100
    for shift in (True, False):
        network = build("MMMMMM", shift=shift)
        moved = (network(TOKENS) - network(changed)).abs().amax(dim=(0, 2)) > 1e-6
        assert moved.nonzero().ravel().tolist() == ([4, 5] if shift else [4])


def test_the_pattern_is_repeated_or_drawn_anew() -> None:
    config = DecoderConfig(repeats=2)
    first, second = CELL.architecture("MMAMLM"), CELL.architecture("LLLAAA")
    same = build_decoder(first, config)
    assert len(same.operations) == 12
    assert [type(b) for b in same.operations[6:]] == [type(b) for b in same.operations[:6]]
    assert same.operations[0] is not same.operations[6]
    anew = build_decoder([first, second], config)
    assert [type(b) for b in anew.operations[6:9]] == [LinearAttention] * 3
    with pytest.raises(OptionError, match="1 architectures are given for repeats = 2"):
        build_decoder([first], config)


class Mean(nn.Module):
    """The mean of the tokens so far; or of all, which is not causal; or of another shape."""

    def __init__(self, flaw: str) -> None:
        super().__init__()
        self.flaw = flaw

    def forward(self, x: Tensor) -> Tensor:
        if self.flaw == "raises":
            raise ValueError("no mean")
        if self.flaw == "shape":
            return x.mean(dim=1)
        if self.flaw == "causality":
            return x.mean(dim=1, keepdim=True).expand_as(x)
        return x.cumsum(dim=1) / torch.arange(1, x.shape[1] + 1)[:, None]


@pytest.mark.parametrize(
    ("flaw", "message"),
    [
        ("shape", r"'mean' maps sequences of shape \(2, 5, 32\) to \(2, 32\)"),
        ("causality", "'mean' is not causal: the last of 5 tokens changes"),
        ("raises", "'mean' fails: ValueError: no mean"),
    ],
)
def test_operations_of_a_users_own(flaw: str, message: str) -> None:
    cell = Cell("mine", operations=["mean", "mlp"], num_blocks=3)
    architecture = cell.architecture("mean|mlp|mean")

    def factory(flaw: str) -> Callable[[DecoderConfig], nn.Module]:
        return lambda config: Mean(flaw)

    network = build_decoder(architecture, operations={"mean": factory("")})
    assert network(TOKENS).isfinite().all()
    with pytest.raises(OptionError, match=message):
        build_decoder(architecture, operations={"mean": factory(flaw)})


def test_what_cannot_be_built() -> None:
    own = Cell("mine", operations=["mean", "mlp"], num_blocks=3)
    with pytest.raises(CellError):
        build_decoder(own.architecture("mean|mlp|mean"))
    with pytest.raises(UnknownNameError):
        build_decoder(own.architecture("mean|mlp|mean"), operations={"men": SwiGLU})
    wired = Cell("wired", operations=["mlp", "attention"], num_blocks=2, wiring=[2])
    with pytest.raises(CellError, match="'wired' are no chain"):
        build_decoder(wired.architecture(wired.to_strings(wired.enumerate()[:1])[0]))
