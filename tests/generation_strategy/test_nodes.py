"""A client that several threads use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from ax_anasod.cells import Cell
from ax_anasod.core import History
from ax_anasod.exceptions import RunError
from ax_anasod.experiment import make_client
from ax_anasod.generators import RandomArchitectureGenerator
from ax_anasod.typing import Codes

CELL = Cell("own", operations=["conv", "pool", "skip"], num_blocks=4)
propose = RandomArchitectureGenerator.propose


def test_a_second_thread_that_proposes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    client = make_client(CELL, "random")

    def slow(self: RandomArchitectureGenerator, n: int, history: History, fixed: object) -> Codes:
        # The other thread comes while this one is at work.
        with ThreadPoolExecutor(1) as other, pytest.raises(RunError, match="two threads at once"):
            other.submit(client.get_next_trials, 1).result()
        return propose(self, n, history, {})

    monkeypatch.setattr(RandomArchitectureGenerator, "propose", slow)
    assert [*client.get_next_trials(1)] == [0]
    assert [*client.get_next_trials(1)] == [1]


@pytest.mark.parametrize("ended", [True, False])
def test_a_trial_that_ends_meanwhile_explains_an_error(
    monkeypatch: pytest.MonkeyPatch, ended: bool
) -> None:
    client = make_client(CELL, "random")
    (index,) = client.get_next_trials(1)

    def fails(self: object, n: int, history: History, fixed: object) -> Codes:
        if ended:
            client.complete_trial(index, raw_data={"error": 1.0})
        raise IndexError("boolean index did not match")

    monkeypatch.setattr(RandomArchitectureGenerator, "propose", fails)
    with pytest.raises(RunError if ended else IndexError):
        client.get_next_trials(1)
