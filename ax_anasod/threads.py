"""The threads and numerics of the surrogates, whatever the program around them has set."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


class _Shared:
    """A change of the whole process that threads make together.

    The first of them makes it and the last undoes it: if each of them undid its own, one that
    began within another's would keep for ever what that had set.

    Args:
        change: Makes the change as a context.
    """

    def __init__(self, change: Callable[[], AbstractContextManager[object]]) -> None:
        self._change = change
        self._lock, self._users, self._made = Lock(), 0, ExitStack()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._alone)

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._made.enter_context(self._change())
            self._users += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._users = max(self._users - 1, 0)
            if self._users == 0:
                self._made.close()

    def _alone(self) -> None:
        # The other threads are not in the child; one of them may have held the lock.
        self._lock, self._users = Lock(), 0
        self._made.close()


@contextmanager
def one_thread() -> Iterator[None]:
    """Set torch, NumPy and SciPy to work with one thread, unless OMP_NUM_THREADS is set.

    The surrogates of a search are too small for more: threads that wait for each other took
    eight times the computing time on two cores, and twenty times as long where these had
    other work.
    """
    if "OMP_NUM_THREADS" in os.environ:
        yield
        return
    import torch

    with _one_thread_in_pools, _pools().select(user_api="openmp").limit(limits=1):
        before = torch.get_num_threads()
        if before == 1:
            # OpenMP's number is that of the calling thread. Torch's own way of setting it would
            # also count for every thread that is started meanwhile, and then stay with it.
            yield
            return
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Set torch to compute the same in every program.

    With :func:`one_thread`, with gradients, outside of inference mode and of autocast, on the
    CPU, and with whole single precision. All are as before afterwards. The default dtype belongs
    to the whole process and is not touched: every tensor of ours names its own.
    """
    import torch

    with ExitStack() as stack:
        stack.enter_context(one_thread())
        stack.enter_context(_whole_precision)
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.autocast("cpu", enabled=False))
        # Only where it is needed: it slows every call of torch down.
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        yield


@contextmanager
def _products_in_whole_precision() -> Iterator[None]:
    # The setting of torch.set_float32_matmul_precision, by the name that can always be read.
    from torch.backends import mkldnn

    before = mkldnn.matmul.fp32_precision  # type: ignore[attr-defined]
    if before in ("none", "ieee"):
        yield
        return
    mkldnn.matmul.fp32_precision = "ieee"  # type: ignore[attr-defined]
    try:
        yield
    finally:
        mkldnn.matmul.fp32_precision = before  # type: ignore[attr-defined]


@cache
def _pools() -> ThreadpoolController:
    # Once: to look for them among all libraries that are loaded takes 30 ms.
    import scipy.linalg  # noqa: F401  # it brings a pool of its own
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


_one_thread_in_pools = _Shared(lambda: _pools().select(user_api="blas").limit(limits=1))
_whole_precision = _Shared(_products_in_whole_precision)
