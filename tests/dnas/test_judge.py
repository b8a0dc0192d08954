"""What a supernet says of architectures."""

from __future__ import annotations

import numpy as np

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
