"""The card of the operation distributions over the trials."""

from __future__ import annotations

from typing import final

import pandas as pd
from plotly import graph_objects as go

from ax_anasod.analysis.applicability import CardInput, Drawing, SeriesPlot
from ax_anasod.analysis.frames import distribution_frame, share_column
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.plots import style


@final
class OperationDistributionPlot(SeriesPlot):
    """The operation distribution of every trial, as stacked shares, best trial marked.

    For a search over architectures it is the distribution of the architecture proposed.

    The DataFrame computed has one row per trial, see
    :func:`ax_anasod.analysis.frames.distribution_frame`.
    """

    needs_values = False

    def draw(self, searched: CardInput) -> Drawing:
        """The bars of all trials."""
        series = searched.series
        frame = distribution_frame(series)
        best = series.best()
        subtitle = (
            f"The share of the operation blocks that each of the {series.cell.num_operations} "
            f"operations of cell {series.cell.name} has in each trial"
        )
        if best is not None:
            subtitle += (
                f". Best {series.objectives[0]}: {series.encoding_text(best)}, in trial "
                f"{series.trial_indices[best]}"
            )
        return Drawing(
            title="Operation distribution of the trials",
            subtitle=f"{subtitle}.",
            frame=frame,
            figure=_figure(frame, series),
        )


def _bars(frame: pd.DataFrame, series: SearchSeries) -> list[go.Bar]:
    """The shares of each operation, one bar a trial."""
    colours = style.operation_colours(series.cell.num_operations)
    trials = series.trial_indices.tolist()
    return [
        go.Bar(
            x=frame["position"].tolist(),
            y=frame[share_column(operation)].tolist(),
            name=style.plotly_text(operation),
            marker={"color": colour, "line": {"width": 0}},
            customdata=[list(pair) for pair in zip(trials, counts.tolist(), strict=True)],
            hovertemplate=(
                "trial %{customdata[0]}<br>"
                f"{style.plotly_text(operation)}: %{{customdata[1]}} (%{{y:.0%}})"
                "<extra></extra>"
            ),
        )
        for operation, colour, counts in zip(
            series.cell.operations, colours, series.counts.T, strict=True
        )
    ]


def _figure(frame: pd.DataFrame, series: SearchSeries) -> go.Figure:
    figure = go.Figure(_bars(frame, series))
    failed = frame[frame["failed"]]
    best = f"best {series.objectives[0]}"
    for rows, symbol, size, colour, name in (
        (failed, "x", 7, style.FAILED, "failed or abandoned"),
        (frame[frame["best"]], "star", 15, style.BEST, style.plotly_text(best)),
    ):
        if len(rows):
            figure.add_trace(
                go.Scatter(
                    x=rows["position"].tolist(),
                    y=[style.ABOVE_BARS] * len(rows),
                    mode="markers",
                    marker={"symbol": symbol, "size": size, "color": colour},
                    name=name,
                    customdata=rows[["trial_index", "status"]].values.tolist(),
                    hovertemplate="trial %{customdata[0]} (%{customdata[1]})<extra></extra>",
                )
            )
    figure.update_layout(
        barmode="stack",
        bargap=style.bar_gap(len(frame)),
        xaxis={**style.trial_axis(frame["position"].tolist()), "showgrid": False},
        yaxis={
            "title": {"text": "share of operation blocks"},
            "range": [0, 1.09],
            "tickvals": [0, 0.25, 0.5, 0.75, 1],
            "tickformat": ".0%",
            "zeroline": False,
            "showgrid": False,
        },
        # The legend reads from top to bottom like the bars.
        legend={"traceorder": "reversed"},
    )
    return figure
