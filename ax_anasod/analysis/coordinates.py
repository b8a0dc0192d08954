"""Trials as lines over parallel axes: several objectives, or operations and what they gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, final

import numpy as np
import numpy.typing as npt
import pandas as pd
from ax.analysis.plotly.color_constants import AX_BLUE
from ax.analysis.plotly.utils import LEGEND_POSITION
from plotly import graph_objects as go

from ax_anasod.analysis.applicability import CardInput, Drawing, SeriesPlot, why_not_series
from ax_anasod.analysis.axis import ValueAxis
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.analysis.trade_off import FrontFacts
from ax_anasod.plots import style
from ax_anasod.typing import Counts, FloatArray, Indices

_FEWEST: Final = 3
_BEST, _QUARTER, _OTHERS = "best trial", "best quarter", "other trials"
# How far lines of equal counts lie apart, in shares of an axis.
_APART: Final = 0.08


@final
class ObjectiveCoordinatesPlot(SeriesPlot):
    """All trials as lines over axes of the objectives, the better end of each below.

    The front is drawn over the other trials, the picked point as the widest line.

    The DataFrame computed has one row per trial with values: ``trial_index``, the objectives,
    ``feasible``, ``front`` (of all objectives) and ``picked``.

    Args:
        unit: Objective -> its unit, e.g. ``"percent"``.
        front: What is known of the front besides the trials.
    """

    def __init__(
        self, unit: Mapping[str, str | None] | None = None, front: FrontFacts | None = None
    ) -> None:
        self.unit, self.front = dict(unit or {}), front or FrontFacts()

    needs_values = False

    def why_not(self, searched: CardInput) -> str | None:
        """A sentence where there are fewer than three objectives, or no trial has values."""
        series = searched.series
        if len(series.objectives) < _FEWEST:
            return f"There are {len(series.objectives)} objectives, which a plane shows."
        return None if series.observed.any() else why_not_series(searched.experiment)

    def draw(self, searched: CardInput) -> Drawing:
        """The lines of all trials."""
        series = searched.series
        front = np.zeros(series.num_trials, dtype=bool)
        front[series.pareto_front()] = True
        frame = pd.DataFrame(
            {
                "trial_index": series.trial_indices,
                **dict(zip(series.objectives, series.values.T, strict=True)),
                "feasible": series.feasible,
                "front": front,
                "picked": series.trial_indices == self.front.picked,
            }
        )[series.observed]
        return Drawing(
            title=f"Trade-off of all {len(series.objectives)} objectives",
            subtitle=f"{int(frame['front'].sum())} of {len(frame)} trials with values are on the "
            "front (gold): no other that keeps the limits is at least as good in all. The better "
            "end of each axis is below.",
            frame=frame,
            figure=self._figure(series, frame),
        )

    def _figure(self, series: SearchSeries, frame: pd.DataFrame) -> go.Figure:
        # Not go.Parcoords, which shows nothing where there is no WebGL.
        names = [
            style.plotly_text(style.axis_label(name, self.unit.get(name) or ""))
            for name in series.objectives
        ]
        views = [
            _axis(frame[name], minimize=lower)
            for name, lower in zip(series.objectives, series.minimize, strict=True)
        ]
        # What lies far out on the bad side is drawn at the end of its axis.
        heights = np.stack(
            [
                np.clip((frame[name] - view.lower) / (view.upper - view.lower), 0.0, 1.0)
                for name, view in zip(series.objectives, views, strict=True)
            ],
            axis=1,
        )
        heights = np.where(series.minimize, heights, 1.0 - heights)
        kept, front, picked = frame["feasible"], frame["front"], frame["picked"]
        trial = next(iter(style.node_colours(["trial"]).values()))
        picked_as = style.plotly_text(self.front.picked_as)
        texts = np.array(
            [
                f"trial {row['trial_index']}<br>"
                + "<br>".join(
                    f"{n}: {row[o]:.6g}" for n, o in zip(names, series.objectives, strict=True)
                )
                for row in frame.to_dict(orient="records")
            ]
        )
        figure = go.Figure()
        for legend, rows, line in (
            ("breaks a limit", ~kept, {"color": style.GREY, "width": 1, "dash": "dot"}),
            ("trial", kept & ~front, {"color": trial, "width": 1}),
            ("on the front", front & ~picked, {"color": style.BEST, "width": 2}),
            (picked_as, picked, {"color": style.BEST, "width": 5}),
        ):
            if rows.any():
                figure.add_trace(_lines(texts[rows], heights[rows], legend, line))
        pairs = [
            (view.lower, view.upper) if lower else (view.upper, view.lower)
            for view, lower in zip(views, series.minimize, strict=True)
        ]
        return _with_axes(figure, names, pairs)


@final
class OperationCoordinatesPlot(SeriesPlot):
    """All trials as lines over the counts of the operations, and the objective as the last axis.

    What the best quarter of the trials has in common is seen at once. Lines of equal counts are
    drawn beside each other.

    The DataFrame computed has one row per trial with values: ``trial_index``, the count of each
    operation as ``n(<operation>)``, ``value`` and ``group``.

    Args:
        objective: Which objective; the first where None is named.
        unit: Unit of its values, e.g. ``"percent"``.
    """

    def __init__(self, objective: str | None = None, unit: str = "") -> None:
        self.objective, self.unit = objective, unit

    def draw(self, searched: CardInput) -> Drawing:
        """The lines of all trials with values, the better ones over the others."""
        series = searched.series
        column = series.column(self.objective)
        name, minimize = series.objectives[column], series.minimize[column]
        rows = np.flatnonzero(series.feasible)
        values, counts = series.values[rows, column], series.counts[rows]
        rank = np.argsort(np.argsort(values if minimize else -values, kind="stable"))
        groups = np.where(rank == 0, _BEST, np.where(rank < len(rows) / 4, _QUARTER, _OTHERS))
        frame = pd.DataFrame(
            {
                "trial_index": series.trial_indices[rows],
                **{f"n({o})": n for o, n in zip(series.cell.operations, counts.T, strict=True)},
                "value": values,
                "group": groups,
            }
        )
        return Drawing(
            title=f"Operations and {name}",
            subtitle=(
                "Each line is a trial: how many blocks take each operation, and what that gave. "
                f"The better end of the axis of {name} is at the bottom."
            ),
            frame=frame,
            figure=self._figure(frame, series, counts, rank, minimize=minimize),
        )

    def _figure(
        self,
        frame: pd.DataFrame,
        series: SearchSeries,
        counts: Counts,
        rank: Indices,
        *,
        minimize: bool,
    ) -> go.Figure:
        axis = _axis(frame["value"], minimize=minimize)
        place = np.clip((frame["value"] - axis.lower) / (axis.upper - axis.lower), 0.0, 1.0)
        apart = _APART * (rank / len(rank) - 0.5)
        heights = np.column_stack(
            [counts / series.cell.total + apart[:, None], place if minimize else 1.0 - place]
        )
        objective = series.objectives[series.column(self.objective)]
        label = style.axis_label(objective, self.unit)
        names = [style.plotly_text(text) for text in (*series.cell.operations, label)]
        encodings = [
            ", ".join(f"{n} {o}" for o, n in zip(series.cell.operations, row, strict=True) if n)
            for row in counts.tolist()
        ]
        told = zip(frame["trial_index"], frame["value"], encodings, strict=True)
        texts = np.array(
            [
                f"trial {index}: {value:.6g}<br>{style.plotly_text(encoding)}"
                for index, value, encoding in told
            ]
        )
        figure = go.Figure()
        for legend, line in (
            (_OTHERS, {"color": style.GREY, "width": 1}),
            (_QUARTER, {"color": AX_BLUE, "width": 1.5}),
            (_BEST, {"color": style.BEST, "width": 4}),
        ):
            chosen = (frame["group"] == legend).to_numpy()
            if chosen.any():
                figure.add_trace(_lines(texts[chosen], heights[chosen], legend, line))
        ends = (axis.lower, axis.upper) if minimize else (axis.upper, axis.lower)
        return _with_axes(figure, names, [*[(0, series.cell.total)] * counts.shape[1], ends])


def _with_axes(
    figure: go.Figure, names: Sequence[str], pairs: Sequence[tuple[float, float]]
) -> go.Figure:
    """Draw the axes, with the values at their lower and upper ends."""
    for column, pair in enumerate(pairs):
        figure.add_vline(column, line_color=style.GREY, line_width=1)
        for height, value, place in zip((0, 1), pair, ("top", "bottom"), strict=True):
            figure.add_annotation(
                x=column, y=height, text=f"{value:.4g}", showarrow=False, yanchor=place
            )
    return figure.update_layout(
        xaxis={
            "tickvals": [*range(len(names))],
            "ticktext": [*names],
            "range": [-0.3, len(names) - 0.7],
            "showgrid": False,
        },
        yaxis={"visible": False, "range": [-0.12, 1.12]},
        legend=LEGEND_POSITION,
    )


def _axis(values: pd.Series, *, minimize: bool) -> ValueAxis:
    """The axis of a quantity; its ends are labelled, and what is never negative has no such end."""
    axis = ValueAxis.fit(values, minimize=minimize)
    return replace(axis, lower=max(axis.lower, 0.0)) if (values >= 0).all() else axis


def _lines(
    texts: Sequence[str] | npt.NDArray[np.str_],
    heights: FloatArray,
    legend: str,
    line: dict[str, object],
) -> go.Scatter:
    """Trials as lines with gaps between them; one text and ``n x m`` heights each."""
    number = heights.shape[1]
    gap = np.full((len(heights), 1), np.nan)
    return go.Scatter(
        x=np.tile([*range(number), np.nan], len(heights)).tolist(),
        y=np.hstack([heights, gap]).ravel().tolist(),
        text=np.repeat(np.asarray(texts), number + 1).tolist(),
        hovertemplate="%{text}<extra></extra>",
        mode="lines",
        connectgaps=False,
        line=line,
        name=legend,
    )
