"""The card of what one exchanged block is predicted to change."""

from __future__ import annotations

from typing import final

import numpy as np
import pandas as pd
from ax.analysis.plotly.color_constants import METRIC_CONTINUOUS_COLOR_SCALE
from plotly import graph_objects as go

from ax_anasod.analysis.applicability import Drawing, Searched, given
from ax_anasod.analysis.predictions import SurrogatePlot, exchange_frame, note_on_zeros
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.plots import style


@final
class BlockExchangePlot(SurrogatePlot):
    """The predicted change when one block of one operation becomes one of another.

    The sensitivity of the surrogate around the best encoding. Ax's sensitivity cards vary
    one parameter alone, which leaves the simplex; here each change is a move to a
    neighbouring encoding.

    The DataFrame computed has one row per exchange: ``more`` and ``less`` (the operations
    that gain and lose the block), ``mean``, ``lower`` and ``upper`` (the prediction and its
    95 % interval) and ``change`` (of the mean, against that of the best encoding).
    """

    def draw(self, searched: Searched) -> Drawing:
        """Predict, and draw the table of all exchanges."""
        series = searched.series
        column = series.column(self.objective)
        name = series.objectives[column]
        best = given(series.best(name), "an observed trial")
        fitted = self.fitted(searched)
        frame = exchange_frame(searched.experiment, fitted, series, name)
        better = "lower" if series.minimize[column] else "higher"
        return Drawing(
            title=f"Predicted change of {name} by one exchanged block",
            subtitle=(
                f"Starting from the encoding of trial {series.trial_indices[best]}, one block of "
                "the operation below becomes one of the operation on the left; the colour is the "
                f"change of the predicted mean ({better} is better). Only operations that have a "
                "block can lose one." + note_on_zeros(searched.experiment, fitted, series, name)
            ),
            frame=frame,
            figure=_figure(frame, series, name, self.unit),
        )


def _figure(frame: pd.DataFrame, series: SearchSeries, name: str, unit: str) -> go.Figure:
    operations = list(series.cell.operations)
    losers = [name for name in operations if name in set(frame["less"])]
    table = frame.pivot(index="more", columns="less").reindex(index=operations)
    change = table["change"][losers].to_numpy(dtype=float)
    labels = [style.plotly_text(operation) for operation in operations]
    label = style.axis_label("change", style.unit_of_difference(unit))
    figure = go.Figure(
        go.Heatmap(
            z=change.tolist(),
            x=[style.plotly_text(loser) for loser in losers],
            y=labels,
            colorscale=METRIC_CONTINUOUS_COLOR_SCALE,
            reversescale=series.minimize[series.column(name)],
            zmid=0,
            xgap=2,
            ygap=2,
            texttemplate="%{z:+.3g}",
            hoverongaps=False,
            customdata=np.stack(
                [table[key][losers].to_numpy(dtype=float) for key in ("mean", "lower", "upper")],
                axis=-1,
            ).tolist(),
            hovertemplate=(
                "one block of %{x} becomes %{y}<br>change: %{z:+.4g}<br>"
                "mean: %{customdata[0]:.5g}, 95% interval %{customdata[1]:.5g} to "
                "%{customdata[2]:.5g}<extra></extra>"
            ),
            colorbar={
                "title": {"text": style.plotly_text(label), "side": "right"},
                "thickness": 14,
            },
        )
    )
    figure.update_layout(
        xaxis={"title": {"text": "one block less"}, "showgrid": False, "type": "category"},
        yaxis={
            "title": {"text": "one block more"},
            "showgrid": False,
            "type": "category",
            "autorange": "reversed",
            "automargin": True,
        },
    )
    return figure
