"""The tables behind the cards and the pictures, one row per trial."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ax_anasod.analysis.series import SearchSeries
from ax_anasod.typing import Mask


def incumbent_frame(series: SearchSeries, objective: str | None = None) -> pd.DataFrame:
    """The course of one objective.

    Args:
        series: The search.
        objective: Which objective; the first where None is named.

    Returns:
        One row per trial: ``position`` on the time axis, ``trial_index``, ``status``,
        ``failed`` (or abandoned), ``node``, ``value`` (NaN where there is none),
        ``incumbent`` (best value so far), ``improved`` (whether the trial became the
        incumbent), ``best`` (whether it is the best of the search).

    Raises:
        UnknownNameError: There is no such objective.
    """
    incumbent = series.incumbent(objective)
    values = series.values[:, series.column(objective)]
    before = np.concatenate([[np.nan], incumbent])[:-1]
    improved = ~np.isnan(incumbent) & (incumbent != before)
    return pd.DataFrame(
        {
            **_trial_columns(series),
            "value": np.where(series.observed, values, np.nan),
            "incumbent": incumbent,
            "improved": improved,
            "best": _marks(series, series.best(objective)),
        }
    )


def distribution_frame(series: SearchSeries) -> pd.DataFrame:
    """The operation distributions of the trials.

    Returns:
        One row per trial: ``position``, ``trial_index``, ``status``, ``failed``, ``node``,
        ``best`` (by the first objective), and for each operation its share of the operation
        blocks in the column :func:`share_column`.
    """
    shares = pd.DataFrame(series.shares, columns=_share_columns(series))
    trials = pd.DataFrame({**_trial_columns(series), "best": _marks(series, series.best())})
    return pd.concat([trials, shares], axis=1)


def trade_off_frame(series: SearchSeries, x: str, y: str) -> pd.DataFrame:
    """Two objectives against each other.

    Args:
        series: The search.
        x: An objective.
        y: Another one.

    Returns:
        One row per trial with values, by ``x``: ``trial_index``, ``status``, ``node``, ``x`` and
        ``y`` (the values), ``feasible`` (whether it keeps all limits), ``front`` (whether no
        feasible trial beats it in these two).

    Raises:
        UnknownNameError: There is no such objective.
    """
    trials = {key: _trial_columns(series)[key] for key in ("trial_index", "status", "node")}
    front = np.zeros(series.num_trials, dtype=bool)
    front[series.pareto_front([x, y])] = True
    frame = pd.DataFrame(
        {
            **trials,
            "x": series.values[:, series.column(x)],
            "y": series.values[:, series.column(y)],
            "feasible": series.feasible,
            "front": front,
        }
    )
    return frame[series.observed].sort_values("x", kind="stable")


def share_column(operation: str) -> str:
    """The column of an operation's share in a :func:`distribution_frame`.

    Example:
        >>> share_column("gcn")
        'share_gcn'
    """
    # An operation may be called "status"; the prefix keeps the columns apart.
    return f"share_{operation}"


def _share_columns(series: SearchSeries) -> list[str]:
    return [share_column(operation) for operation in series.cell.operations]


def _trial_columns(series: SearchSeries) -> dict[str, object]:
    return {
        "position": series.positions,
        "trial_index": series.trial_indices,
        "status": list(series.statuses),
        "failed": series.failed,
        "node": list(series.nodes),
    }


def _marks(series: SearchSeries, row: int | None) -> Mask:
    marks = np.zeros(series.num_trials, dtype=bool)
    if row is not None:
        marks[row] = True
    return marks
