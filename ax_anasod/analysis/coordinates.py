"""Three objectives or more side by side: parallel coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, final

import numpy as np
import numpy.typing as npt
import pandas as pd
from ax.adapter.base import Adapter
from ax.analysis.analysis import Analysis
from ax.analysis.plotly.plotly_analysis import PlotlyAnalysisCard, create_plotly_analysis_card
from ax.analysis.plotly.utils import LEGEND_POSITION
from ax.core.experiment import Experiment
from ax.generation_strategy.generation_strategy import GenerationStrategy
from plotly import graph_objects as go

from ax_anasod.analysis.applicability import given, why_not_series
from ax_anasod.analysis.axis import ValueAxis
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.analysis.trade_off import FrontFacts
from ax_anasod.plots import style

_FEWEST: Final = 3


@final
class ObjectiveCoordinatesPlot(Analysis):
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

    def validate_applicable_state(
        self,
        experiment: Experiment | None = None,
        generation_strategy: GenerationStrategy | None = None,
        adapter: Adapter | None = None,
    ) -> str | None:
        """A sentence where there are fewer than three objectives, or no trial has values."""
        reason = why_not_series(experiment, need_values=False)
        if reason is not None:
            return reason
        series = SearchSeries.from_experiment(given(experiment, "an experiment"))
        if len(series.objectives) < _FEWEST:
            return f"There are {len(series.objectives)} objectives, which a plane shows."
        return None if series.observed.any() else why_not_series(experiment)

    def compute(
        self,
        experiment: Experiment | None = None,
        generation_strategy: GenerationStrategy | None = None,
        adapter: Adapter | None = None,
    ) -> PlotlyAnalysisCard:
        """Draw the card."""
        series = SearchSeries.from_experiment(given(experiment, "an experiment"))
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
        return create_plotly_analysis_card(
            name=type(self).__name__,
            title=f"Trade-off of all {len(series.objectives)} objectives",
            subtitle=f"{int(frame['front'].sum())} of {len(frame)} trials with values are on the "
            "front (gold): no other that keeps the limits is at least as good in all. The better "
            "end of each axis is below.",
            df=frame,
            fig=self._figure(series, frame),
        )

    def _figure(self, series: SearchSeries, frame: pd.DataFrame) -> go.Figure:
        # Not go.Parcoords, which shows nothing where there is no WebGL.
        names = [
            style.plotly_text(style.axis_label(name, self.unit.get(name) or ""))
            for name in series.objectives
        ]
        views = [
            ValueAxis.fit(frame[name], None, minimize=lower)
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
        figure = go.Figure()
        for legend, rows, line in (
            ("breaks a limit", ~kept, {"color": style.GREY, "width": 1, "dash": "dot"}),
            ("trial", kept & ~front, {"color": trial, "width": 1}),
            ("on the front", front & ~picked, {"color": style.BEST, "width": 2}),
            (picked_as, picked, {"color": style.BEST, "width": 5}),
        ):
            if rows.any():
                figure.add_trace(_lines(frame[rows], heights[rows], series, names, legend, line))
        for column, (view, lower) in enumerate(zip(views, series.minimize, strict=True)):
            pair = (view.lower, view.upper) if lower else (view.upper, view.lower)
            figure.add_vline(column, line_color=style.GREY, line_width=1)
            for height, value, place in zip((0, 1), pair, ("top", "bottom"), strict=True):
                figure.add_annotation(
                    x=column, y=height, text=f"{value:.4g}", showarrow=False, yanchor=place
                )
        return figure.update_layout(
            xaxis={"tickvals": [*range(len(names))], "ticktext": names, "showgrid": False},
            yaxis={"visible": False, "range": [-0.12, 1.12]},
            legend=LEGEND_POSITION,
        )


def _lines(
    rows: pd.DataFrame,
    heights: npt.NDArray[np.float64],
    series: SearchSeries,
    names: list[str],
    legend: str,
    line: dict[str, object],
) -> go.Scatter:
    """Some trials as lines with gaps between them."""
    gap = np.full((len(rows), 1), np.nan)
    texts = [
        f"trial {row['trial_index']}<br>"
        + "<br>".join(f"{n}: {row[o]:.6g}" for n, o in zip(names, series.objectives, strict=True))
        for row in rows.to_dict(orient="records")
    ]
    return go.Scatter(
        x=np.tile([*range(len(names)), np.nan], len(rows)).tolist(),
        y=np.hstack([heights, gap]).ravel().tolist(),
        text=np.repeat(texts, len(names) + 1).tolist(),
        hovertemplate="%{text}<extra></extra>",
        mode="lines",
        connectgaps=False,
        line=line,
        name=legend,
    )
