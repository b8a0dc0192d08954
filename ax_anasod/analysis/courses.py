"""The cards of how trials went: their learning curves, and when they ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, final

import numpy as np
import pandas as pd
from ax.analysis.plotly.color_constants import AX_BLUE
from ax.core.experiment import Experiment
from plotly import graph_objects as go

from ax_anasod.analysis.applicability import CardInput, Drawing, SeriesPlot
from ax_anasod.analysis.axis import ValueAxis
from ax_anasod.analysis.frames import incumbent_frame
from ax_anasod.plots import style

_STEP: Final = "step"
_MINUTE, _HOUR = 60.0, 3600.0


def has_curves(experiment: Experiment) -> bool:
    """True if trials have reported values before their end."""
    data = experiment.lookup_data()
    return bool(data.has_step_column and data.full_df[_STEP].notna().any())


@final
class LearningCurvesPlot(SeriesPlot):
    """An objective after each step (epoch) of every trial, the best trial marked.

    Ax's ``ProgressionPlot`` colours trials by their index; here the best one stands out, and those
    that were stopped early end in a cross.

    The DataFrame computed has one row per trial and step: ``trial_index``, ``step``, ``value``.

    Args:
        objective: Which objective; the first where None is named.
        unit: Unit of its values, e.g. ``"percent"``.
    """

    needs_values: ClassVar[bool] = False

    def __init__(self, objective: str | None = None, unit: str = "") -> None:
        self.objective, self.unit = objective, unit

    def why_not(self, searched: CardInput) -> str | None:
        """A sentence where no trial has told values on its way."""
        if has_curves(searched.experiment):
            return None
        return "No trial has told values on its way."

    def draw(self, searched: CardInput) -> Drawing:
        """The curves of all trials."""
        series = searched.series
        column = series.column(self.objective)
        name = series.objectives[column]
        data = searched.experiment.lookup_data().full_df
        data = data[(data["metric_name"] == name) & data[_STEP].notna()]
        frame = data[["trial_index", _STEP, "mean"]].rename(columns={"mean": "value"})
        best = series.best(name)
        marked = None if best is None else int(series.trial_indices[best])
        stopped = {
            int(index)
            for index, status in zip(series.trial_indices, series.statuses, strict=True)
            if status == "early_stopped"
        }
        ends = f" {len(stopped)} stopped early end in a cross." if stopped else ""
        return Drawing(
            title=f"{name} after each epoch",
            subtitle=f"One line for each trial, the best one in gold.{ends}",
            frame=frame.reset_index(drop=True),
            figure=self._figure(frame, name, marked, stopped, minimize=series.minimize[column]),
        )

    def _figure(
        self,
        frame: pd.DataFrame,
        name: str,
        best: int | None,
        stopped: set[int],
        *,
        minimize: bool,
    ) -> go.Figure:
        axis = ValueAxis.fit(frame["value"], minimize=minimize)
        figure = go.Figure()
        # The best one is drawn over the others.
        groups = sorted(frame.groupby("trial_index"), key=lambda group: group[0] == best)
        for index, rows in groups:
            own = index == best
            symbols = ["circle"] * (len(rows) - 1) + ["x" if index in stopped else "circle"]
            figure.add_trace(
                go.Scatter(
                    x=rows[_STEP].tolist(),
                    y=rows["value"].tolist(),
                    mode="lines+markers",
                    line={"color": style.BEST if own else AX_BLUE, "width": 3 if own else 1},
                    marker={"symbol": symbols, "size": 7 if own else 5},
                    opacity=1.0 if own else 0.55,
                    name=f"best: trial {index}" if own else f"trial {index}",
                    hovertemplate=f"trial {index}<br>epoch %{{x}}: %{{y:.5g}}<extra></extra>",
                )
            )
        steps = np.unique(frame[_STEP].to_numpy())
        few = steps if len(steps) <= style.MOST_LABELS else None
        return figure.update_layout(
            xaxis={"title": {"text": "epoch"}, "tickvals": few, "zeroline": False},
            yaxis=style.value_axis(name, self.unit, range=[axis.lower, axis.upper]),
            showlegend=len(groups) <= style.MOST_LABELS,
        )


@final
class TimeLinePlot(SeriesPlot):
    """The end of each trial, its duration and the best value so far, over working time.

    The DataFrame computed has one row per trial: ``trial_index``, ``begin`` and ``end`` (seconds of
    work since the start of the search), ``value`` and ``incumbent``.

    Args:
        seconds: What each trial took until it ended, since the end of the one before it.
        unit: Unit of the first objective, e.g. ``"percent"``.
    """

    needs_values: ClassVar[bool] = False

    def __init__(self, seconds: Sequence[float], unit: str = "") -> None:
        self.seconds, self.unit = tuple(seconds), unit

    def draw(self, searched: CardInput) -> Drawing:
        """A bar for each trial, as high as its value."""
        series = searched.series
        course = incumbent_frame(series)[: len(self.seconds)]
        ends = np.cumsum(self.seconds)
        frame = pd.DataFrame(
            {
                "trial_index": course["trial_index"],
                "begin": ends - np.array(self.seconds),
                "end": ends,
                "value": course["value"],
                "incumbent": course["incumbent"],
            }
        )
        name = series.objectives[0]
        total = float(ends[-1]) if len(ends) else 0.0
        scale, word = _unit_of_time(total)
        longest = int(np.argmax(self.seconds)) if len(ends) else 0
        return Drawing(
            title="Time line of the trials",
            subtitle=(
                f"{len(frame)} trials in {total / scale:.3g} {word} of work. Each line is a trial, "
                "from the end of the one before it to its own end, at the height of its value; the "
                f"longest was trial {frame['trial_index'].iloc[longest]}."
            ),
            frame=frame,
            figure=self._figure(frame, name, scale, word, minimize=series.minimize[0]),
        )

    def _figure(
        self, frame: pd.DataFrame, name: str, scale: float, word: str, *, minimize: bool
    ) -> go.Figure:
        axis = ValueAxis.fit(frame["value"], minimize=minimize)
        shown = frame[frame["value"].notna()]
        gap = np.full(len(shown), np.nan)
        across = np.stack([shown["begin"] / scale, shown["end"] / scale, gap], axis=1)
        values = np.stack([shown["value"], shown["value"], gap], axis=1)
        beyond = shown[axis.beyond(shown["value"])]
        figure = go.Figure(
            [
                go.Scatter(
                    x=across.ravel().tolist(),
                    y=values.ravel().tolist(),
                    mode="lines",
                    line={"color": AX_BLUE, "width": 5},
                    text=np.repeat(shown["trial_index"].to_numpy(), 3).tolist(),
                    hovertemplate="trial %{text}: %{y:.5g}<extra></extra>",
                    name="trial",
                ),
                go.Scatter(
                    x=(frame["end"] / scale).tolist(),
                    y=frame["incumbent"].tolist(),
                    mode="lines",
                    line={"color": style.GOLD, "width": 2, "dash": "dash", "shape": "hv"},
                    hoverinfo="skip",
                    name="incumbent",
                ),
            ]
        )
        if len(beyond):
            figure.add_trace(
                go.Scatter(
                    x=(beyond[["begin", "end"]].mean(axis=1) / scale).tolist(),
                    y=[axis.upper if minimize else axis.lower] * len(beyond),
                    mode="markers",
                    marker={
                        "symbol": "triangle-up" if minimize else "triangle-down",
                        "color": style.GREY,
                        "size": 9,
                    },
                    cliponaxis=False,
                    customdata=beyond[["trial_index", "value"]].values.tolist(),
                    hovertemplate="trial %{customdata[0]}: %{customdata[1]:.5g}<extra></extra>",
                    name=f"beyond the axis ({len(beyond)})",
                )
            )
        return figure.update_layout(
            xaxis={"title": {"text": f"time [{word}]"}, "zeroline": False, "rangemode": "tozero"},
            yaxis=style.value_axis(name, self.unit, range=[axis.lower, axis.upper]),
        )


def _unit_of_time(seconds: float) -> tuple[float, str]:
    if seconds >= 2 * _HOUR:
        return _HOUR, "hours"
    return (_MINUTE, "minutes") if seconds >= 2 * _MINUTE else (1.0, "seconds")
