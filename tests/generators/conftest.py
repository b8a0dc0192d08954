"""Histories as a strategy sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from ax_anasod.core import History


@pytest.fixture(scope="session")
def history() -> Callable[..., History]:
    """A history of rows with values; NaN where a trial is pending."""

    def build(rows: Sequence[Sequence[int]] = (), values: Sequence[float] = ()) -> History:
        width = len(rows[0]) if rows else 1
        return History(
            rows=np.array(rows, dtype=np.int64).reshape(len(rows), width),
            values=np.array(values, dtype=np.float64).reshape(len(rows), 1),
            trial_indices=np.arange(len(rows)),
            failed=np.zeros(len(rows), dtype=np.bool_),
            position=len(rows),
        )

    return build
