"""The card of the incumbent: the best value so far over the trials."""

from __future__ import annotations

from typing import final

import numpy as np
import pandas as pd
from ax.analysis.plotly.utils import BEST_LINE_SETTINGS, LEGEND_POSITION
from plotly import graph_objects as go

from ax_anasod.analysis.applicability import CardInput, Drawing, SeriesPlot
from ax_anasod.analysis.axis import ValueAxis
from ax_anasod.analysis.frames import incumbent_frame
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.exceptions import AnasodError
from ax_anasod.plots import style


@final
class IncumbentPlot(SeriesPlot):
    """The value of every trial, the incumbent, and the optimum where it is known.

    Failed and abandoned trials are crosses at the bottom. Values far out on the bad side
    are triangles at the edge of the plot (zoom out to see them in place).

    The DataFrame computed has one row per trial, see
    :func:`ax_anasod.analysis.frames.incumbent_frame`.

    Args:
        optimum: The best possible value, drawn as a line.
        unit: Unit of the values, e.g. ``"percent"``.
        objective: Which objective; the first where None is named.
        log_scale: Draw the values on a logarithmic axis; needs values >= 0.
    """

    def __init__(
        self,
        optimum: float | None = None,
        unit: str = "",
        objective: str | None = None,
        log_scale: bool = False,
    ) -> None:
        self.optimum = optimum
        self.unit = unit
        self.objective = objective
        self.log_scale = log_scale

    def why_not(self, searched: CardInput) -> str | None:
        """A sentence where a logarithmic axis cannot take a value."""
        try:
            self._axis(searched.series)
        except AnasodError as error:
            return f"{error}."
        return None

    def draw(self, searched: CardInput) -> Drawing:
        """The values of all trials and the best so far."""
        series = searched.series
        frame = incumbent_frame(series, self.objective)
        name = series.objectives[series.column(self.objective)]
        minimize = series.minimize[series.column(self.objective)]
        best = frame[frame["best"]].iloc[0]
        return Drawing(
            title=f"Incumbent: {name}",
            subtitle=self._subtitle(frame, best, minimize),
            frame=frame,
            figure=self._figure(frame, self._axis(series), name, minimize),
        )

    def _axis(self, series: SearchSeries) -> ValueAxis:
        column = series.column(self.objective)
        return ValueAxis.fit(
            series.values[series.observed, column],
            self.optimum,
            minimize=series.minimize[column],
            log_scale=self.log_scale,
        )

    def _subtitle(self, frame: pd.DataFrame, best: pd.Series, minimize: bool) -> str:
        trials = "1 trial" if len(frame) == 1 else f"{len(frame)} trials"
        text = (
            f"The {'lowest' if minimize else 'highest'} value so far, over {trials}. "
            f"Best: {style.with_unit(best['value'], self.unit)} in trial {best['trial_index']}"
        )
        if self.optimum is not None:
            text += f", {style.gap_in_words(best['value'], self.optimum, self.unit)}"
        text += "."
        if self.log_scale and (frame["value"] == 0).any():
            text += " Values of 0 are drawn at half of the smallest positive one."
        return text

    def _figure(self, frame: pd.DataFrame, axis: ValueAxis, name: str, minimize: bool) -> go.Figure:
        figure = go.Figure()
        trials = style.trial_axis(frame["position"].tolist())
        span = trials["range"]
        if self.optimum is not None:
            figure.add_trace(
                go.Scatter(
                    x=span,
                    y=axis.place([self.optimum] * 2).tolist(),
                    mode="lines",
                    line={"color": style.OPTIMUM, "dash": "dot", "width": 2},
                    name=f"optimum {style.with_unit(self.optimum, self.unit)}",
                    hoverinfo="skip",
                )
            )
        seen = frame[frame["incumbent"].notna()]
        figure.add_trace(
            go.Scatter(
                x=[*seen["position"], span[1]],
                y=axis.place([*seen["incumbent"], seen["incumbent"].iloc[-1]]).tolist(),
                **{**BEST_LINE_SETTINGS, "showlegend": True},
                name="incumbent",
            )
        )
        for trace in self._points(frame, axis, name):
            figure.add_trace(trace)
        for trace in _edge_marks(frame, axis, minimize):
            figure.add_trace(trace)
        limits = [axis.lower, axis.upper]
        figure.update_layout(
            xaxis=trials,
            yaxis=style.value_axis(
                name,
                self.unit,
                type="log" if axis.log_scale else "linear",
                range=np.log10(limits).tolist() if axis.log_scale else limits,
            ),
            # Marks at the edges of the plot stay there when the values are zoomed.
            yaxis2={
                "overlaying": "y",
                "range": [0, 1],
                "visible": False,
                "fixedrange": True,
            },
            legend=LEGEND_POSITION,
        )
        return figure

    def _points(self, frame: pd.DataFrame, axis: ValueAxis, name: str) -> list[go.Scatter]:
        observed = frame[frame["value"].notna()]
        colours = style.node_colours(list(dict.fromkeys(frame["node"])))
        traces = [
            self._scatter(
                part,
                axis,
                name,
                legend=f"trial ({style.plotly_text(node)})",
                marker={
                    "color": colours[node],
                    "size": np.where(part["improved"], 10, 7).tolist(),
                    "opacity": 1,
                    "line": {"width": 1, "color": "white"},
                },
            )
            for node, part in ((n, observed[observed["node"] == n]) for n in colours)
            if len(part)
        ]
        star = {
            "symbol": "star",
            "size": 17,
            "color": style.BEST,
            "line": {"width": 1, "color": "white"},
        }
        traces.append(self._scatter(observed[observed["best"]], axis, name, "best", star))
        return traces

    def _scatter(
        self, rows: pd.DataFrame, axis: ValueAxis, name: str, legend: str, marker: dict[str, object]
    ) -> go.Scatter:
        return go.Scatter(
            x=rows["position"].tolist(),
            y=axis.place(rows["value"]).tolist(),
            mode="markers",
            marker=marker,
            name=legend,
            customdata=rows[["trial_index", "value", "incumbent", "status"]].values.tolist(),
            hovertemplate=(
                "trial %{customdata[0]} (%{customdata[3]})<br>"
                f"{style.plotly_text(name)}: %{{customdata[1]:.6g}}<br>"
                "incumbent: %{customdata[2]:.6g}<extra></extra>"
            ),
        )


def _edge_marks(frame: pd.DataFrame, axis: ValueAxis, minimize: bool) -> list[go.Scatter]:
    """Failed trials at the bottom, values beyond the axis at its bad end."""
    failed = frame[frame["failed"]]
    beyond = frame[frame["value"].notna() & axis.beyond(frame["value"])]
    marks = [
        (failed, 0.025, "x", style.FAILED, "failed or abandoned"),
        (
            beyond,
            0.975 if minimize else 0.025,
            "triangle-up" if minimize else "triangle-down",
            style.GREY,
            "beyond the axis",
        ),
    ]
    return [
        go.Scatter(
            x=rows["position"].tolist(),
            y=[height] * len(rows),
            yaxis="y2",
            mode="markers",
            marker={"symbol": symbol, "color": colour, "size": 9},
            name=f"{legend} ({len(rows)})",
            customdata=rows[["trial_index", "value", "status"]].values.tolist(),
            hovertemplate="trial %{customdata[0]} (%{customdata[2]})"
            + ("<br>%{customdata[1]:.6g}" if rows["value"].notna().any() else "")
            + "<extra></extra>",
        )
        for rows, height, symbol, colour, legend in marks
        if len(rows)
    ]
