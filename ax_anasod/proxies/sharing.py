"""Architectures of a cell that are one network."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.cells.graph import IDENTITY_OPERATIONS, ZERO_OPERATIONS
from ax_anasod.networks.plan import CellPlan, plan_cells
from ax_anasod.typing import AnyArray, Codes

Computed = tuple[tuple[int, ...], ...]


def computed(plan: CellPlan, numbers: dict[tuple[str, tuple[int, ...], int], int]) -> Computed:
    """The sums that the outputs of a cell are, each as the sorted numbers of its terms.

    Two cells with equal numbers are one network with independent first weights: blocks that
    nothing reads, or that pass nothing on, are left out, and identities are followed. This holds
    where no block strides and operations of zeros give zeros. (Not all cells that are one network
    have equal numbers: that would be to decide whether graphs are isomorphic.)

    Args:
        plan: The cell.
        numbers: What has a number already: an operation on a sum, and which one of its kind in
            the cell. It grows.
    """
    needed = set(plan.outputs)
    for block in reversed(plan.blocks):
        if block.target in needed and block.operation not in ZERO_OPERATIONS:
            needed.add(block.source)
    sums: dict[int, list[int]] = {state: [-1 - state] for state in range(plan.num_inputs)}
    alike: Counter[tuple[str, tuple[int, ...]]] = Counter()
    for block in plan.blocks:
        read = sums.get(block.source, [])
        if block.operation in ZERO_OPERATIONS or block.target not in needed or not read:
            continue
        if block.operation not in IDENTITY_OPERATIONS:
            kind = (block.operation, tuple(sorted(read)))
            read = [numbers.setdefault((*kind, alike[kind]), len(numbers))]
            alike[kind] += 1
        sums[block.target] = sums.get(block.target, []) + read
    return tuple(tuple(sorted(sums.get(state, ()))) for state in plan.outputs)


@lru_cache(maxsize=4)
def representatives(cell: Cell) -> tuple[AnyArray, Codes]:
    """For each architecture of a cell of one part the first one that is its network.

    Args:
        cell: A cell that can be listed.

    Returns:
        The sorted keys of its ``n`` architectures, and codes ``n x d``.
    """
    codes = cell.enumerate()
    numbers: dict[tuple[str, tuple[int, ...], int], int] = {}
    first: dict[Computed, int] = {}
    plans = plan_cells(cell, codes)
    rows = [first.setdefault(computed(plan, numbers), i) for i, (plan,) in enumerate(plans)]
    keys = cell.keys(codes)
    order = np.argsort(keys, kind="stable")
    return keys[order], codes[np.array(rows)[order]]
