"""How far the trust region of encodings has narrowed, read off a history."""

from __future__ import annotations

import numpy as np

from ax_anasod.core.history import History
from ax_anasod.simplex import TrustRegionSchedule


def beta_after(history: History, num_initial: int, schedule: TrustRegionSchedule) -> float:
    """Beta of the trust region after all trials so far (paper, Algorithm 2, line 9).

    Args:
        history: The run so far; its first objective counts, a failed trial as the worst.
        num_initial: Random trials before the region starts: their best is what is to be
            beaten.
        schedule: How successes and failures change beta.
    """
    _, values = history.imputed()
    start = [float(np.min(values[:num_initial]))] if len(values) else []
    return schedule.replay([*start, *values[num_initial:].tolist()])
