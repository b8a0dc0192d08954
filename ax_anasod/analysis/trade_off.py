"""Two objectives against each other: the card, and the panel of the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
import pandas as pd
from ax.analysis.plotly.utils import LEGEND_POSITION
from plotly import graph_objects as go

from ax_anasod.analysis.applicability import CardInput, Drawing, SeriesPlot, why_not_series
from ax_anasod.analysis.axis import ValueAxis
from ax_anasod.analysis.frames import trade_off_frame
from ax_anasod.analysis.search_summary import architecture_text
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.fronts import pareto_front
from ax_anasod.plots import style
from ax_anasod.plots.figure import add_legend, plain_text, set_title
from ax_anasod.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BROKEN = "breaks a limit"
_TRUE = "true front"
(_TRIAL,) = style.node_colours(["trial"]).values()


@dataclass(frozen=True)
class FrontFacts:
    """The facts about a front besides the trials of the search.

    Args:
        picked: Index of the trial that was picked of it, which is marked.
        picked_as: What that is, such as ``"the knee of the front"``.
        truth: Objective -> values of the points of the true front, where that is known.
    """

    picked: int | None = None
    picked_as: str = "picked"
    truth: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def true_points(self, x: str, y: str, minimize: tuple[bool, bool]) -> FloatArray:
        """The true front in two objectives, ``n x 2`` by the first one."""
        if not {x, y} <= self.truth.keys():
            return np.empty((0, 2))
        signs = np.where(minimize, 1.0, -1.0)
        points = pareto_front(signs * np.array([self.truth[x], self.truth[y]]).T) * signs
        return points[np.argsort(points[:, 0], kind="stable")]


@final
class TradeOffPlot(SeriesPlot):
    """All trials by two objectives: the front as steps, and where limits on them are broken.

    Trials that break a limit, also one on another quantity, are hollow. The axes end before
    values far out on the bad side (zoom out to see them).

    The DataFrame computed has one row per trial with values, see
    :func:`ax_anasod.analysis.frames.trade_off_frame`, and its ``architecture``.

    Args:
        x: The objective on the horizontal axis; the second where None is named.
        y: That on the vertical axis; the first where None is named.
        x_unit: Unit of the first.
        y_unit: Unit of the second, e.g. ``"percent"``.
        front: What is known of the front besides the trials.
    """

    def __init__(
        self,
        x: str | None = None,
        y: str | None = None,
        x_unit: str = "",
        y_unit: str = "",
        front: FrontFacts | None = None,
    ) -> None:
        self.x, self.y = x, y
        self.x_unit, self.y_unit = x_unit, y_unit
        self.front = front or FrontFacts()

    needs_values = False

    def why_not(self, searched: CardInput) -> str | None:
        """A sentence where there are no two objectives, or no trial has values."""
        experiment, objectives = searched.experiment, searched.series.objectives
        for name in (self.x, self.y):
            reason = why_not_series(experiment, name, need_values=False)
            if reason is not None:
                return reason
        if len(objectives) == 1:
            return f"The only objective is {objectives[0]}."
        # Trials that break the limits are shown, too.
        return None if searched.series.observed.any() else why_not_series(experiment)

    def draw(self, searched: CardInput) -> Drawing:
        """The plane of the two objectives."""
        experiment, series = searched.experiment, searched.series
        x, y = self.x or series.objectives[1], self.y or series.objectives[0]
        frame = trade_off_frame(series, x, y)
        frame["architecture"] = [architecture_text(experiment, series, i) for i in frame.index]
        broken = int((~frame["feasible"]).sum())
        return Drawing(
            title=f"Trade-off: {y} against {x}",
            subtitle=f"{int(frame['front'].sum())} of {len(frame)} trials with values are on the "
            "front: no other that keeps the limits is at least as good in both"
            + (f". Hollow: what breaks a limit ({broken})." if broken else "."),
            frame=frame,
            figure=self._figure(series, frame, x, y),
        )

    def _figure(self, series: SearchSeries, frame: pd.DataFrame, x: str, y: str) -> go.Figure:
        view = _View.fit(series, frame, x, y)
        fronts = {
            _TRUE: (self.front.true_points(x, y, view.minimize), style.GREY),
            "front": (frame.loc[frame["front"], ["x", "y"]].to_numpy(), style.GOLD),
        }
        traces = [
            go.Scatter(
                x=steps[0].tolist(),
                y=steps[1].tolist(),
                mode="lines",
                line={"shape": "hv" if view.minimize[0] else "vh", "color": colour},
                name=legend,
                hoverinfo="skip",
            )
            for legend, (points, colour) in fronts.items()
            for steps in [view.steps(points)]
        ]
        for legend, rows, marker in (
            (_BROKEN, frame[~frame["feasible"]], {"symbol": "circle-open", "color": style.GREY}),
            ("trial", frame[frame["feasible"] & ~frame["front"]], {"color": _TRIAL}),
            ("on the front", frame[frame["front"]], {"color": style.BEST, "size": 11}),
        ):
            traces.append(self._scatter(rows, legend, {"size": 8, **marker}, (x, y)))
        ring = {"symbol": "circle-open", "size": 19, "color": style.BEST, "line": {"width": 2.5}}
        chosen = frame[frame["trial_index"] == self.front.picked]
        label = style.plotly_text(self.front.picked_as)
        traces.append(self._scatter(chosen, label, ring, (x, y)))
        figure = go.Figure([trace for trace in traces if len(trace.x)])
        for axis, (low, high) in view.broken.items():
            draw = figure.add_vrect if axis == "x" else figure.add_hrect
            draw(low, high, fillcolor=style.FAILED, opacity=0.08, line_width=0)
            line = figure.add_vline if axis == "x" else figure.add_hline
            line(view.thresholds["xy".index(axis)], line_color=style.FAILED, line_dash="dot")
        return figure.update_layout(
            xaxis={
                "title": {"text": style.plotly_text(style.axis_label(x, self.x_unit))},
                "range": [view.x.lower, view.x.upper],
            },
            yaxis={
                "title": {"text": style.plotly_text(style.axis_label(y, self.y_unit))},
                "range": [view.y.lower, view.y.upper],
            },
            legend=LEGEND_POSITION,
        )

    def _scatter(
        self, rows: pd.DataFrame, legend: str, marker: dict[str, object], names: tuple[str, str]
    ) -> go.Scatter:
        shown = rows.assign(
            architecture=[style.plotly_text(text or "") for text in rows["architecture"]]
        )
        x, y = map(style.plotly_text, names)
        return go.Scatter(
            x=rows["x"].tolist(),
            y=rows["y"].tolist(),
            mode="markers",
            marker=marker,
            name=legend,
            customdata=shown[["trial_index", "status", "architecture"]].values.tolist(),
            hovertemplate=(
                "trial %{customdata[0]} (%{customdata[1]})<br>"
                f"{x}: %{{x:.6g}}<br>{y}: %{{y:.6g}}<br>%{{customdata[2]}}<extra></extra>"
            ),
        )


def trade_off_plots(
    objectives: Sequence[str], units: Mapping[str, str | None], front: FrontFacts | None
) -> list[TradeOffPlot]:
    """The cards of all pairs of objectives, an earlier one on the vertical axis.

    Args:
        objectives: Their names.
        units: Their units.
        front: What is known of the front besides the trials.
    """
    return [
        TradeOffPlot(x, y, x_unit=units.get(x) or "", y_unit=units.get(y) or "", front=front)
        for y, x in combinations(objectives, 2)
    ]


def draw_trade_off(axes: Axes, series: SearchSeries, plot: TradeOffPlot) -> None:
    """Draw what a card shows into a panel.

    Args:
        axes: The panel.
        series: The search, in which at least one trial has values.
        plot: The card, which names its objectives.
    """
    x, y = plot.x or series.objectives[1], plot.y or series.objectives[0]
    frame = trade_off_frame(series, x, y)
    view = _View.fit(series, frame, x, y)
    set_title(axes, f"Trade-off: {y} against {x}")
    axes.set_xlabel(plain_text(style.axis_label(x, plot.x_unit)))
    axes.set_ylabel(plain_text(style.axis_label(y, plot.y_unit)))
    axes.set_xlim(view.x.lower, view.x.upper)
    axes.set_ylim(view.y.lower, view.y.upper)
    for axis, (low, high) in view.broken.items():
        span = axes.axvspan if axis == "x" else axes.axhspan
        span(low, high, color=style.FAILED, alpha=0.08, linewidth=0)
        line = axes.axvline if axis == "x" else axes.axhline
        bound = view.thresholds["xy".index(axis)]
        name, unit = (x, plot.x_unit) if axis == "x" else (y, plot.y_unit)
        text = plain_text(f"limit of {name}: {style.with_unit(bound, unit)}")
        line(bound, color=style.FAILED, linestyle=":", linewidth=1.8, label=text)
    true_points = plot.front.true_points(x, y, view.minimize)
    found = frame.loc[frame["front"], ["x", "y"]].to_numpy()
    for label, points, colour in ((_TRUE, true_points, style.GREY), ("front", found, style.GOLD)):
        axes.step(
            *view.steps(points),
            where="post" if view.minimize[0] else "pre",
            color=colour,
            linewidth=2,
            label=label if len(points) else None,
        )
    looks: tuple[tuple[str, pd.DataFrame, dict[str, Any]], ...] = (
        (_BROKEN, frame[~frame["feasible"]], {"facecolors": "none", "edgecolors": style.GREY}),
        ("trial", frame[frame["feasible"] & ~frame["front"]], {"color": _TRIAL}),
        ("on the front", frame[frame["front"]], {"color": style.BEST, "s": 54}),
    )
    for legend, rows, look in looks:
        if len(rows):
            label = f"{legend} ({len(rows)})"
            axes.scatter(rows["x"], rows["y"], zorder=3, label=label, **{"s": 26, **look})
    chosen = frame[frame["trial_index"] == plot.front.picked]
    if len(chosen):
        ring: dict[str, Any] = {"facecolors": "none", "edgecolors": style.BEST, "linewidths": 2}
        label = plain_text(plot.front.picked_as)
        axes.scatter(chosen["x"], chosen["y"], s=170, zorder=4, label=label, **ring)
    add_legend(axes)


@dataclass(frozen=True)
class _View:
    """The visible part of a plane of two objectives.

    Args:
        x: The horizontal axis.
        y: The vertical one.
        minimize: Whether lower is better, for both.
        thresholds: The worst values that count; NaN where there is no limit.
    """

    x: ValueAxis
    y: ValueAxis
    minimize: tuple[bool, bool]
    thresholds: tuple[float, float]

    @classmethod
    def fit(cls, series: SearchSeries, frame: pd.DataFrame, x: str, y: str) -> Self:
        columns = series.column(x), series.column(y)
        minimize = series.minimize[columns[0]], series.minimize[columns[1]]
        thresholds = series.thresholds[columns[0]], series.thresholds[columns[1]]
        first, second = (
            ValueAxis.fit(frame[name], None if np.isnan(bound) else bound, minimize=lower)
            for name, bound, lower in zip("xy", thresholds, minimize, strict=True)
        )
        return cls(first, second, minimize, thresholds)

    @property
    def worst(self) -> tuple[float, float]:
        """The bad ends of the axes."""
        ends = ((self.x.upper, self.x.lower), (self.y.upper, self.y.lower))
        return ends[0][not self.minimize[0]], ends[1][not self.minimize[1]]

    @property
    def broken(self) -> dict[str, tuple[float, float]]:
        """The spans of the axes in which a limit is broken: from the limit to the bad end."""
        spans = zip("xy", self.thresholds, self.worst, strict=True)
        return {axis: (bound, end) for axis, bound, end in spans if not np.isnan(bound)}

    def steps(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The corners of a front, from one bad end to the other; none without a front.

        Args:
            points: The front, ``n x 2`` by the first objective.

        The best ``y`` of all that is at least as good in ``x``: a step goes on to the next
        point where less ``x`` is better, and comes from the one before where more is.
        """
        x, y = points.T
        if not len(points):
            return x, y
        bad_x, bad_y = self.worst
        if self.minimize[0]:
            return np.array([x[0], *x, max(bad_x, x[-1])]), np.array([bad_y, *y, y[-1]])
        return np.array([min(bad_x, x[0]), *x, x[-1]]), np.array([y[0], *y, bad_y])
