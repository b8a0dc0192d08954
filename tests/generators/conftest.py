"""Histories as a strategy sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from ax_anasod.core import History
from ax_anasod.generators import HistoryGenerator


@pytest.fixture(scope="session")
def history() -> Callable[..., History]:
    """A history of rows with values; NaN where a trial is pending."""

    def build(
        rows: Sequence[Sequence[int]] = (), values: Sequence[float] = (), width: int = 1
    ) -> History:
        width = len(rows[0]) if rows else width
        return History(
            rows=np.array(rows, dtype=np.int64).reshape(len(rows), width),
            values=np.array(values, dtype=np.float64).reshape(len(rows), 1),
            trial_indices=np.arange(len(rows)),
            failed=np.zeros(len(rows), dtype=np.bool_),
            position=len(rows),
        )

    return build


Objective = Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float64]]


@pytest.fixture(scope="session")
def search(history: Callable[..., History]) -> Callable[..., History]:
    """Run a generator on an objective, one trial after another, and return the history."""

    def run(
        generator: HistoryGenerator, objective: Objective, trials: int, start: History | None = None
    ) -> History:
        past = history(width=len(generator.search_space.names)) if start is None else start
        for _ in range(trials):
            rows = generator.propose(1, past, {})
            past = history(
                [*past.rows.tolist(), *rows.tolist()],
                [*past.values[:, 0].tolist(), float(objective(rows)[0])],
            )
        return past

    return run
