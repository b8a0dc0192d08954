"""Random choice among equally good candidates."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

# Acquisition values are logarithms, or of targets with variance 1: smaller differences come from
# rounding, and from where the fit of the model happened to end.
_TOLERANCE: Final = 1e-6


def best_row(values: npt.NDArray[np.floating[Any]], rng: np.random.Generator) -> int:
    """The row of the largest value; if several are within 1e-6 of it, one of them is drawn.

    If a model has learned nothing, nearly all candidates are equally good. The first of them,
    with the most blocks of the last operation, would otherwise be chosen at every step.

    Args:
        values: ``m`` acquisition values, of which larger ones are better.
        rng: Source of randomness; not used if one value is the largest.
    """
    tied = np.flatnonzero(~(values < values.max() - _TOLERANCE))
    return int(tied[0] if len(tied) == 1 else rng.choice(tied))
