"""Mean curves of a contender with their standard errors: what the pictures show."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from ax_anasod.compare.run_results import curves
from ax_anasod.nasbench.benchmark import FloatArray
from ax_anasod.objectives import COST
from ax_anasod.plots.mean_curve import MeanCurve

_TIMES: Final = 200


def over_queries(results: pd.DataFrame, label: str, column: str, trials: int) -> MeanCurve | None:
    """The mean of a column of the incumbents after each query.

    Args:
        results: From :func:`ax_anasod.compare.run_results.results_frame`.
        label: The contender.
        column: ``"incumbent"`` or a reported quantity.
        trials: How many trials a finished run has.

    Returns:
        From the first query on after which all runs have an incumbent; None where there is
        no finished run.
    """
    values = curves(results, label, column, trials).to_numpy()
    return _mean_curve(np.arange(1.0, trials + 1), values)


def over_seconds(results: pd.DataFrame, label: str, trials: int) -> MeanCurve | None:
    """The mean incumbent over the simulated cost of the queries so far, in seconds.

    At each time the mean is over what every run has found by then; a run that has spent its
    budget keeps what it has. The curve begins where all have found something and ends where
    the last run ends, with the mean of the summary.

    Args:
        results: From :func:`ax_anasod.compare.run_results.results_frame`.
        label: The contender.
        trials: How many trials a finished run has.

    Returns:
        The curve, or None where costs are not known, there is no finished run, or one that
        has found nothing.
    """
    values = curves(results, label, "incumbent", trials).to_numpy()
    # A failed query has no cost in the data.
    costs = curves(results, label, COST, trials)
    if costs.isna().all(axis=None):
        return None
    spent = np.cumsum(costs.fillna(0.0).to_numpy(), axis=1)
    found = ~np.isnan(values)
    if not found[:, -1].all():
        return None
    start = spent[np.arange(len(spent)), found.argmax(axis=1)].max()
    end = spent[:, -1].max()
    if not 0 < start < end:
        return None
    times = np.geomspace(start, end, _TIMES)
    # Rounding must not put the ends outside.
    times[0], times[-1] = start, end
    seen = np.stack(
        [
            run[np.searchsorted(time, times, side="right") - 1]
            for run, time in zip(values, spent, strict=True)
        ]
    )
    return _mean_curve(times, seen)


def _mean_curve(x: FloatArray, values: FloatArray) -> MeanCurve | None:
    if not len(values):
        return None
    known = ~np.isnan(values).any(axis=0)
    kept = values[:, known]
    error = (
        kept.std(axis=0, ddof=1) / np.sqrt(len(kept)) if len(kept) > 1 else np.zeros(kept.shape[1])
    )
    return MeanCurve(x[known], kept.mean(axis=0), error)
