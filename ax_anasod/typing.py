"""Names of the arrays that nearly everything takes and gives; a row is an architecture."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
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
"""What is searched beside the architecture, as numbers, ``... x h``
(:class:`ax_anasod.hyperparameters.Hyperparameters`)."""
