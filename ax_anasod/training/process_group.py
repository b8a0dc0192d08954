"""One process among several that train a network together, and what it knows of the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed


@dataclass(frozen=True)
class Rank:
    """The place of a process among those that train a network.

    Args:
        rank: Its number, from 0.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    def share(self, batch: int) -> slice:
        """Which images of a batch this process takes.

        Shares differ by one image at most. Where there are not two images for each process,
        the last ones take none, since batch norm cannot learn from a single image.

        Args:
            batch: How many images it has.

        Example:
            >>> [Rank(rank, 2).share(5) for rank in range(2)]
            [slice(0, 3, None), slice(3, 5, None)]
        """
        takers = max(1, min(self.size, batch // 2))
        if self.rank >= takers:
            return slice(batch, batch)
        each, more = divmod(batch, takers)
        start = self.rank * each + min(self.rank, more)
        return slice(start, start + each + (self.rank < more))

    def any(self, here: bool) -> bool:
        """Whether something is so in any of the processes, which wait for each other here."""
        if self.size == 1:
            return here
        # On the CPU: a device that is at work or has no memory left is not asked.
        flag = torch.tensor([float(here)])
        distributed.all_reduce(flag)
        return bool(flag.item())

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes; all get the same bits."""
        if self.size == 1 or not tensors:
            return
        together = torch.cat([tensor.flatten() for tensor in tensors])
        distributed.all_reduce(together)
        parts = torch.split(together, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace each floating-point tensor by its mean over all processes."""
        if self.size == 1:
            return
        numbers = [tensor for tensor in tensors if tensor.is_floating_point()]
        self.add_up(numbers)
        for tensor in numbers:
            tensor.div_(self.size)


class ProcessGroup:
    """The other processes of one training, for a process that gives them no orders.

    Args:
        place: The place of this process; by default it is alone.
    """

    def __init__(self, place: Rank | None = None) -> None:
        self.place = place or Rank()

    @contextmanager
    def learning(self, number: int) -> Iterator[None]:
        """Have them train an epoch while this process does so in the block."""
        yield

    def close(self) -> None:
        """Have them let go of the training."""
