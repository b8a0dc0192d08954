"""Moves along the simplex: some blocks more of one operation, as many less of another.

Varying one count alone leaves the simplex, where no architecture is and the surrogate has
seen nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


def line(counts: Counts, more: int, less: int) -> Counts:
    """All encodings that differ from one only in how two operations share their blocks.

    Args:
        counts: ``k``, an encoding.
        more: Index of the operation that gains blocks along the line.
        less: Index of the operation that loses them.

    Returns:
        ``m x k`` encodings, in which operation ``more`` has 0, 1, ..., m - 1 blocks.

    Example:
        >>> line(np.array([1, 2, 4]), 0, 1).tolist()
        [[0, 3, 4], [1, 2, 4], [2, 1, 4], [3, 0, 4]]
    """
    shared = int(counts[more] + counts[less])
    encodings = np.tile(counts, (shared + 1, 1))
    encodings[:, more] = np.arange(shared + 1)
    encodings[:, less] = shared - encodings[:, more]
    return encodings


def exchanges(counts: Counts) -> tuple[Counts, npt.NDArray[np.int64]]:
    """All encodings one exchanged block away.

    Args:
        counts: ``k``, an encoding.

    Returns:
        ``m x k`` encodings, and ``m x 2`` the operation that gained a block and the one
        that lost it.

    Example:
        >>> encodings, operations = exchanges(np.array([2, 0]))
        >>> encodings.tolist(), operations.tolist()
        ([[1, 1]], [[1, 0]])
    """
    gain, loss = np.divmod(np.arange(len(counts) ** 2), len(counts))
    possible = (gain != loss) & (counts[loss] > 0)
    operations = np.stack([gain[possible], loss[possible]], axis=1)
    rows = np.arange(len(operations))
    encodings = np.tile(counts, (len(operations), 1))
    encodings[rows, operations[:, 0]] += 1
    encodings[rows, operations[:, 1]] -= 1
    return encodings, operations
