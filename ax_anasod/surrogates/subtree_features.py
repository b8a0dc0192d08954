"""Weisfeiler-Lehman subtree features of architectures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ax_anasod.exceptions import OptionError
from ax_anasod.surrogates.operation_graphs import OperationGraphs
from ax_anasod.typing import FloatArray

# Odd 64-bit constants that keep what is hashed into one value apart.
_LABEL: Final = np.uint64(0x9E3779B97F4A7C15)
_SUCCESSOR: Final = np.uint64(0xD1B54A32D192ED03)
_PREDECESSOR: Final = np.uint64(0x8CB92BA72F3D8DD7)


@dataclass(frozen=True)
class SubtreeFeatures:
    """The frequency of each subtree pattern in each of ``n`` graphs.

    Args:
        counts: ``n x F``, the patterns of depth 0 first, then those of depth 1, ...
        ends: For each depth, the number of patterns up to and including it.
    """

    counts: FloatArray
    ends: tuple[int, ...]


def subtree_features(graphs: OperationGraphs, depth: int) -> SubtreeFeatures:
    """Count the subtree patterns of up to ``depth`` Weisfeiler-Lehman iterations.

    Depth 0 counts the operations, depth 1 the operations together with what they read and
    what reads them, and so on.

    Source: Shervashidze et al., "Weisfeiler-Lehman graph kernels" (JMLR 2011).

    Args:
        graphs: The graphs of ``n`` architectures; the columns are the patterns that occur
            in any of them, so that training and candidate graphs go in together.
        depth: Number of iterations, at least 0.

    Raises:
        OptionError: ``depth`` is negative.
    """
    n = len(graphs.labels)
    rows = np.nonzero(graphs.present)[0]
    blocks = []
    for hashes in subtree_hashes(graphs, depth):
        patterns, column = np.unique(hashes[graphs.present], return_inverse=True)
        cells = rows * len(patterns) + column
        blocks.append(np.bincount(cells, minlength=n * len(patterns)).reshape(n, -1))
    ends = np.cumsum([block.shape[1] for block in blocks])
    return SubtreeFeatures(np.concatenate(blocks, axis=1).astype(np.float64), tuple(ends.tolist()))


def subtree_hashes(graphs: OperationGraphs, depth: int) -> list[npt.NDArray[np.uint64]]:
    """The hash of the subtree pattern around each node, after 0 to ``depth`` iterations.

    Two nodes have the same hash where networkx's ``weisfeiler_lehman_subgraph_hashes`` (from
    3.5 on, which tells successors from predecessors) gives them the same: what is hashed is
    the node's own last hash, the multiset of its successors' and that of its predecessors'.
    A multiset is hashed as a sum of 64-bit values, for all graphs and nodes at once.

    Args:
        graphs: The graphs of ``n`` architectures.
        depth: Number of iterations, at least 0.

    Returns:
        ``depth + 1`` arrays ``n x V``; nodes that do not exist have hashes, too.

    Raises:
        OptionError: ``depth`` is negative.
    """
    if depth < 0:
        raise OptionError(f"depth must be at least 0, got {depth}")
    forward = graphs.adjacency.astype(np.uint64)
    backward = forward.swapaxes(1, 2)
    hashes = [_mix(graphs.labels.astype(np.uint64) + _LABEL)]
    for _ in range(depth):
        last = hashes[-1]
        successors = (forward * _mix(last ^ _SUCCESSOR)[:, None, :]).sum(axis=2, dtype=np.uint64)
        predecessors = (backward * _mix(last ^ _PREDECESSOR)[:, None, :]).sum(
            axis=2, dtype=np.uint64
        )
        hashes.append(_mix(_mix(_mix(last) + successors) + predecessors))
    return hashes


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """A permutation of the 64-bit integers in which every bit depends on every other.

    Source: the finalizer of Steele, Lea and Flood, "Fast splittable pseudorandom number
    generators" (OOPSLA 2014), with the constants of David Stafford (mix 13).
    """
    mixed = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: npt.NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return result
