from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from ax_anasod.threads import one_thread


def threads() -> set[int]:
    """The numbers of threads of torch, and of the linear algebra of NumPy and SciPy."""
    pools = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
    assert pools
    return pools | {torch.get_num_threads()}


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    with threadpool_limits(2):
        torch.set_num_threads(2)
        yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_one_thread_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert threads() == {2}
    with one_thread():
        assert threads() == {1}
    assert threads() == {2}
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert threads() == {2}
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with one_thread():
        assert threads() == {2}
