"""What is sent between the processes that train one network."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from ax_anasod.exceptions import OptionError
from ax_anasod.training.helper import packed, unpacked


class Gone(nn.Linear):
    """A network of a script that another process does not know."""


def test_a_network_arrives_with_its_weights() -> None:
    network = nn.Linear(3, 2)
    arrived = unpacked(packed({"network": network, "seed": 7}))
    assert arrived["seed"] == 7
    assert torch.equal(arrived["network"].weight, network.weight)


def test_a_network_that_the_process_does_not_know_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = packed(Gone(3, 2))
    monkeypatch.delattr(sys.modules[__name__], "Gone")
    with pytest.raises(OptionError, match="cannot be made in another process: .*Gone"):
        unpacked(content)
