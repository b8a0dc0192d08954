"""The card of the surrogate's prediction along the simplex."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import final

import numpy as np
import pandas as pd
from ax.analysis.plotly.color_constants import AX_BLUE
from ax.analysis.plotly.utils import LEGEND_POSITION, get_scatter_point_color
from ax.core.experiment import Experiment
from plotly import graph_objects as go

from ax_anasod.analysis.applicability import CardInput, Drawing, given
from ax_anasod.analysis.predictions import (
    SurrogateAdapter,
    SurrogatePlot,
    note_on_zeros,
    predict_encodings,
    values_beside,
)
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.exceptions import OptionError
from ax_anasod.plots import style
from ax_anasod.typing import Counts, FloatArray, Indices


@final
class DistributionSlicePlot(SurrogatePlot):
    """The surrogate's prediction while one operation hands its blocks to another.

    Ax's ``SlicePlot`` varies one parameter and keeps the others, which leaves the simplex.
    Here all encodings are shown that differ from the best one only in how two operations
    share their blocks: one block more of the one is one less of the other. Without a pair
    named, all pairs can be chosen from a menu: first those that share the most blocks, and
    of these the one with the largest predicted effect.

    The DataFrame computed has one row per pair and encoding: ``more`` and ``less`` (the two
    operations), ``count_more`` and ``count_less`` (their blocks), ``mean``, ``lower`` and
    ``upper`` (the prediction and its 95 % interval), and ``best`` (whether this is the best
    encoding).

    Args:
        more: The operation that gains blocks from left to right.
        less: The operation that loses them.
        objective: Which objective; the first where None is named.
        unit: Unit of its values, e.g. ``"percent"``.

    Raises:
        OptionError: Only one operation of the pair is named, or the same twice.
    """

    def __init__(
        self,
        more: str | None = None,
        less: str | None = None,
        objective: str | None = None,
        unit: str = "",
    ) -> None:
        if (more is None) != (less is None) or (more is not None and more == less):
            raise OptionError(
                f"a slice moves blocks between two operations, got more={more!r}, less={less!r}",
                "name two different operations, or none for all pairs",
            )
        self.pair = None if more is None or less is None else (more, less)
        super().__init__(objective, unit)

    @property
    def operations(self) -> Sequence[str]:
        """The operations that the cell must contain for this card."""
        return self.pair or ()

    def why_not(self, searched: CardInput) -> str | None:
        """A sentence where no surrogate is fitted, or the pair has no blocks."""
        reason, series = super().why_not(searched), searched.series
        if reason is not None or self.pair is None:
            return reason
        operations = [series.cell.operations.index(name) for name in self.pair]
        best = given(series.best(self.objective), "an observed trial")
        if series.counts[best, operations].sum() == 0:
            return f"The best encoding has no block of {self.pair[0]} or {self.pair[1]} to move."
        return None

    def draw(self, searched: CardInput) -> Drawing:
        """Predict, and draw the slices."""
        experiment, series = searched.experiment, searched.series
        name = series.objectives[series.column(self.objective)]
        best = given(series.best(self.objective), "an observed trial")
        fitted = self.fitted(searched)
        frame = slice_frame(experiment, fitted, series, name, self.pair)
        menu = (
            ""
            if self.pair
            else " The menu holds all pairs, those that share the most blocks first."
        )
        return Drawing(
            title=f"Prediction of {name} along the simplex",
            subtitle=(
                f"What the surrogate predicts of {name} (mean and 95% interval) when, starting "
                f"from the encoding of trial {series.trial_indices[best]}, one operation hands its "
                "blocks to another. The star is what that trial has shown, the diamond beside it "
                "what is predicted of its encoding; crosses are the other trials with these "
                "encodings." + menu + note_on_zeros(experiment, fitted, series, name)
            ),
            frame=frame,
            figure=_figure(frame, series, name, self.unit),
        )


def _figure(frame: pd.DataFrame, series: SearchSeries, name: str, unit: str) -> go.Figure:
    figure = go.Figure()
    buttons = []
    pairs = [rows for _, rows in frame.groupby(["more", "less"], sort=False)]
    for position, rows in enumerate(pairs):
        traces = _traces(rows, series, name)
        for trace in traces:
            trace.visible = position == 0
            figure.add_trace(trace)
        shown = [other == position for other in range(len(pairs)) for _ in traces]
        buttons.append(
            {
                "label": style.plotly_text(f"{rows['more'].iloc[0]} / {rows['less'].iloc[0]}"),
                "method": "update",
                "args": [{"visible": shown}, {"xaxis": _axis(rows)}],
            }
        )
    figure.update_layout(
        xaxis=_axis(pairs[0]),
        yaxis=style.value_axis(name, unit),
        legend=LEGEND_POSITION,
    )
    if len(pairs) > 1:
        figure.update_layout(
            updatemenus=[
                {"buttons": buttons, "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}
            ]
        )
    return figure


def _axis(rows: pd.DataFrame) -> dict[str, object]:
    more, less = rows["more"].iloc[0], rows["less"].iloc[0]
    gained, lost = rows["count_more"].tolist(), rows["count_less"].tolist()
    return {
        "title": {"text": style.plotly_text(f"blocks of {more} / blocks of {less}")},
        "tickvals": gained,
        "ticktext": [f"{a} / {b}" for a, b in zip(gained, lost, strict=True)],
        "range": [min(gained) - 0.3, max(gained) + 0.3],
        "zeroline": False,
    }


def _traces(rows: pd.DataFrame, series: SearchSeries, name: str) -> list[go.Scatter]:
    """Interval, mean, observed trials and best encoding of one pair."""
    x, mean = rows["count_more"].tolist(), rows["mean"].tolist()
    lower, upper = rows["lower"].tolist(), rows["upper"].tolist()
    best = rows[rows["best"]]
    trials, values = _observed(rows, series, name)
    seen = float(series.values[given(series.best(name), "a trial"), series.column(name)])
    label = style.plotly_text(name)
    return [
        go.Scatter(
            x=x + x[::-1],
            y=upper + lower[::-1],
            fill="toself",
            fillcolor=get_scatter_point_color(AX_BLUE, ci_transparency=True),
            line={"color": "rgba(255,255,255,0)"},
            hoverinfo="skip",
            name="95% interval",
        ),
        go.Scatter(
            x=x,
            y=mean,
            mode="lines+markers",
            line={"color": AX_BLUE},
            customdata=list(zip(lower, upper, strict=True)),
            hovertemplate=(
                f"{label}: %{{y:.5g}}<br>95% interval: %{{customdata[0]:.5g}} to "
                "%{customdata[1]:.5g}<extra></extra>"
            ),
            name="predicted mean",
        ),
        go.Scatter(
            x=series.counts[trials, series.cell.operations.index(rows["more"].iloc[0])].tolist(),
            y=values.tolist(),
            mode="markers",
            marker={"symbol": "x", "color": style.GREY, "size": 8},
            customdata=series.trial_indices[trials].tolist(),
            hovertemplate=f"trial %{{customdata}}<br>{label}: %{{y:.5g}}<extra></extra>",
            name="observed",
        ),
        go.Scatter(
            x=best["count_more"].tolist(),
            y=best["mean"].tolist(),
            mode="markers",
            marker={"symbol": "diamond", "color": AX_BLUE, "size": 12},
            hovertemplate=f"predicted {label}: %{{y:.5g}}<extra></extra>",
            name="predicted of the best encoding",
        ),
        go.Scatter(
            x=best["count_more"].tolist(),
            y=[seen] * len(best),
            mode="markers",
            marker={"symbol": "star", "color": style.BEST, "size": 17},
            hovertemplate=f"best trial<br>{label}: %{{y:.5g}}<extra></extra>",
            name="best trial",
        ),
    ]


def _observed(rows: pd.DataFrame, series: SearchSeries, name: str) -> tuple[Indices, FloatArray]:
    """Rows and values of the observed trials that lie on the slice."""
    operations = series.cell.operations
    pair = [operations.index(rows["more"].iloc[0]), operations.index(rows["less"].iloc[0])]
    others = [i for i in range(len(operations)) if i not in pair]
    best = series.counts[given(series.best(name), "an observed trial")]
    on_slice = series.observed & (series.counts[:, others] == best[others]).all(axis=1)
    on_slice[given(series.best(name), "an observed trial")] = False  # the star
    trials = np.flatnonzero(on_slice)
    return trials, series.values[trials, series.column(name)]


def slice_frame(
    experiment: Experiment,
    adapter: SurrogateAdapter,
    series: SearchSeries,
    objective: str,
    pair: tuple[str, str] | None = None,
) -> pd.DataFrame:
    """Predictions while one operation hands its blocks to another, from the best encoding.

    What is searched beside the cell stays as in the best trial, here and in
    :func:`ax_anasod.analysis.sensitivity.exchange_frame`.

    Args:
        experiment: The experiment.
        adapter: The fitted adapter.
        series: The series of the experiment, with an observed trial.
        objective: Name of the objective.
        pair: The operations that gain and lose blocks; all pairs where None.

    Returns:
        One row per pair and feasible encoding: ``more``, ``less``, ``count_more``,
        ``count_less``, ``best`` (whether it is the best encoding), ``mean``, ``lower`` and
        ``upper``. The pairs with the most encodings come first, among these the pair with
        the largest range of predicted means; pairs without a block to move are left out.
    """
    names = series.cell.operations
    row = given(series.best(objective), "an observed trial")
    best = series.counts[row]
    pairs = (
        combinations(range(len(names)), 2)
        if pair is None
        else [(names.index(pair[0]), names.index(pair[1]))]
    )
    lines = [(more, less, line(best, more, less)) for more, less in pairs]
    # An encoding without any architecture, such as all skips, is never a trial.
    lines = [(more, less, points[series.cell.is_feasible(points)]) for more, less, points in lines]
    encodings = np.concatenate([encodings for _, _, encodings in lines])
    frame = pd.DataFrame(
        {
            "more": [names[more] for more, _, points in lines for _ in points],
            "less": [names[less] for _, less, points in lines for _ in points],
            "count_more": np.concatenate([points[:, more] for more, _, points in lines]),
            "count_less": np.concatenate([points[:, less] for _, less, points in lines]),
            "best": (encodings == best).all(axis=1),
        }
    )
    beside = values_beside(experiment, adapter, series, row)
    frame = frame.join(predict_encodings(experiment, adapter, encodings, objective, beside))
    means = frame.groupby(["more", "less"], sort=False)["mean"]
    frame = frame.assign(
        length=means.transform("size"), effect=means.transform("max") - means.transform("min")
    )
    if (frame["length"] > 1).any():
        frame = frame[frame["length"] > 1]
    return (
        frame.sort_values(["length", "effect"], ascending=False, kind="stable")
        .drop(columns=["length", "effect"])
        .reset_index(drop=True)
    )


def line(counts: Counts, more: int, less: int) -> Counts:
    """All encodings that differ from one only in how two operations share their blocks.

    Args:
        counts: ``k``, an encoding.
        more: Index of the operation that gains blocks along the line.
        less: Index of the operation that loses them.

    Returns:
        ``m x k`` encodings, in which operation ``more`` has 0, 1, ..., m - 1 blocks.

    Example:
        >>> line(np.array([1, 2, 4]), 0, 1).tolist()
        [[0, 3, 4], [1, 2, 4], [2, 1, 4], [3, 0, 4]]
    """
    shared = int(counts[more] + counts[less])
    encodings = np.tile(counts, (shared + 1, 1))
    encodings[:, more] = np.arange(shared + 1)
    encodings[:, less] = shared - encodings[:, more]
    return encodings
