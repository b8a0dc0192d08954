"""Names of the arrays that nearly everything takes and gives; a row is an architecture."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike as ArrayLike
from numpy.typing import NDArray

Codes: TypeAlias = NDArray[np.int64]
"""Architectures as integers, ``... x d``: an operation for each block, then the wiring."""

Counts: TypeAlias = NDArray[np.int64]
"""Unnormalised encodings, ``... x k``: how many blocks have each operation."""

Fractions: TypeAlias = NDArray[np.float64]
"""Normalised encodings, ``... x k``, whose rows sum to 1."""

Values: TypeAlias = NDArray[np.float64]
"""Objective values, ``n`` or ``n x m``."""

Settings: TypeAlias = NDArray[np.float64]
"""Numbers that are searched beside the architecture, ``... x h``
(:class:`ax_anasod.hyperparameters.Hyperparameters`)."""

FloatArray: TypeAlias = NDArray[np.float64]
"""Real numbers that none of the names above is for."""

IntArray: TypeAlias = NDArray[np.integer[Any]]
"""Whole numbers of any type, as users and files have them."""

Indices: TypeAlias = NDArray[np.int64]
"""Whole numbers that stand for something: rows, keys, numbers of blocks."""

Positions: TypeAlias = NDArray[np.intp]
"""Places in an array, as NumPy gives them."""

Mask: TypeAlias = NDArray[np.bool_]
"""A selection of rows, columns or entries."""

AnyArray: TypeAlias = NDArray[Any]
"""An array of any type of entries, such as those of a key or a table's column."""
