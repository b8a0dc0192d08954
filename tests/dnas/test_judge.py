"""What a supernet says of architectures."""

from __future__ import annotations

import numpy as np
import pytest

from tests.dnas.conftest import Search


def test_architectures_are_judged_on_the_same_batches(search: Search) -> None:
    one = search()
    one.run()
    codes = one.task.cell.sample(3, np.random.default_rng(0))
    losses, errors = one.judge(codes)
    assert np.array_equal(one.judge(codes[::-1])[0], losses[::-1])
    assert losses.shape == errors.shape == (3,)
    assert len(set(losses.tolist())) == 3
    assert one.judge(codes[:0])[0].shape == (0,)


def test_an_advantage_is_that_of_the_losses_in_standard_errors(search: Search) -> None:
    one = search()
    one.run()
    first, second = one.task.cell.sample(2, np.random.default_rng(0))
    (lower, higher), _ = one.judge(np.stack([first, second]))
    advantage = one.judge.advantage(first, second)
    assert (advantage > 0) == (lower < higher)
    assert advantage == pytest.approx(-one.judge.advantage(second, first))
    assert one.judge.advantage(first, first) == 0.0
