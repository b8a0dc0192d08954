"""The features of architectures that surrogates take as inputs."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from ax_anasod.cells import Cell, one_hot_adjacency, path_features
from ax_anasod.typing import Codes, FloatArray

Inputs = Literal["adjacency", "path"]
MAX_FEATURES: Final = 1_000
"""The most path features; all of NAS-Bench-201 are fewer."""


def features(cell: Cell, codes: Codes, kind: Inputs, max_features: int) -> FloatArray:
    """The features of architectures.

    Args:
        cell: The cell.
        codes: ``n x d`` codes.
        kind: ``"adjacency"``: :func:`ax_anasod.cells.one_hot_adjacency`; ``"path"``:
            :func:`ax_anasod.cells.path_features`.
        max_features: The most path features.

    Returns:
        ``n x D`` zeros and ones.
    """
    if kind == "adjacency":
        return one_hot_adjacency(cell, codes)
    return path_features(cell, codes, max_features=max_features)


def check_features(cell: Cell, kind: Inputs, max_features: int) -> None:
    """Check that the cell has the features.

    Raises:
        CellError: Even the shortest path needs more than ``max_features`` features.
    """
    features(cell, np.empty((0, len(cell.code_sizes)), dtype=np.int64), kind, max_features)
