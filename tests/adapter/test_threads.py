"""In anybody's loop, on a machine that others use, too, models do not wait for themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from ax_anasod.cells import Cell
from ax_anasod.experiment import make_client
from ax_anasod.generators import EncodingGenerator, TwoLevelGenerator


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    ("strategy", "owner", "method"),
    [
        ("anasod-bo", EncodingGenerator, "fit"),
        ("anasod-bo", EncodingGenerator, "gen"),
        ("two-level-bo", TwoLevelGenerator, "propose"),
    ],
)
def test_proposals_are_made_with_one_thread(
    toy_cell: Cell, monkeypatch: pytest.MonkeyPatch, strategy: str, owner: Any, method: str
) -> None:
    original, seen = getattr(owner, method), []

    def watched(*args: Any, **kwargs: Any) -> Any:
        seen.append(torch.get_num_threads())
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, method, watched)
    client = make_client(toy_cell, strategy, num_initial=2)
    for _ in range(4):
        for index in client.get_next_trials(1):
            client.complete_trial(index, {"error": float(index)})

    assert set(seen) == {1}
    assert torch.get_num_threads() == 2
