"""Which of several candidates is taken that are equally good."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

# Acquisition values are logarithms, or of targets with variance 1: what differs less is equal
# but for rounding and for where the fit of the model happened to end.
_TOLERANCE: Final = 1e-6


def best_row(values: npt.NDArray[np.floating[Any]], rng: np.random.Generator) -> int:
    """The row of the largest value; of several within 1e-6 of it, one that is drawn.

    Where a model has learned nothing, nearly all candidates are equally good. The first of them
    would be that with most of the last operation, at every step.

    Args:
        values: ``m`` acquisition values, of which larger ones are better.
        rng: Source of randomness; not used where one value is the largest.
    """
    tied = np.flatnonzero(~(values < values.max() - _TOLERANCE))
    return int(tied[0] if len(tied) == 1 else rng.choice(tied))
