"""How many threads the surrogates use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch, NumPy and SciPy work with one thread, unless OMP_NUM_THREADS is set.

    The surrogates of a search are too small for more: threads that wait for each other took
    eight times the computing time on two cores, and twenty times as long where these had
    other work.
    """
    if "OMP_NUM_THREADS" in os.environ:
        yield
        return
    import torch

    before = torch.get_num_threads()
    with _pools().limit(limits=1):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


@cache
def _pools() -> ThreadpoolController:
    # Once: to look for them among all libraries that are loaded takes 30 ms.
    import scipy.linalg  # noqa: F401  # it brings a pool of its own
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
