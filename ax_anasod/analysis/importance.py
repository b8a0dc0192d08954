"""The card of how much each operation matters to what is predicted."""

from __future__ import annotations

from typing import final

import numpy as np
import pandas as pd
from plotly import graph_objects as go

from ax_anasod.analysis.applicability import Drawing, Searched
from ax_anasod.analysis.predictions import SurrogatePlot, dependence_frame
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.plots import style


@final
class OperationImportancePlot(SurrogatePlot):
    """How predictions depend on the number of blocks of each operation, the others at random.

    The DataFrame computed is that of
    :func:`ax_anasod.analysis.predictions.dependence_frame`.
    """

    def draw(self, searched: Searched) -> Drawing:
        """Predict, and draw one line for each operation."""
        series = searched.series
        column = series.column(self.objective)
        name = series.objectives[column]
        frame = dependence_frame(searched.experiment, self.fitted(searched), series, name)
        first = frame.iloc[0]
        rows = frame[frame["operation"] == first["operation"]].sort_values("mean")
        best = rows.iloc[0 if series.minimize[column] else -1]
        unit = style.unit_of_difference(self.unit)
        return Drawing(
            title=f"Importance of the operations for {name}",
            subtitle=(
                f"The predicted mean of {name} over random distributions that have so many blocks "
                "of an operation. The most important is the one whose line is least flat: "
                f"{first['operation']} (standard deviation "
                f"{style.with_unit(first['importance'], unit)}), best with "
                f"{best['count']:.0f} of {series.cell.total} blocks."
            ),
            frame=frame,
            figure=_figure(frame, series, name, self.unit),
        )


def _figure(frame: pd.DataFrame, series: SearchSeries, name: str, unit: str) -> go.Figure:
    operations = series.cell.operations
    colours = dict(zip(operations, style.operation_colours(len(operations)), strict=True))
    figure = go.Figure()
    for operation, rows in frame.groupby("operation", sort=False):
        importance = f"{rows['importance'].iloc[0]:.3g}"
        label = style.plotly_text(str(operation))
        figure.add_trace(
            go.Scatter(
                x=rows["count"].tolist(),
                y=rows["mean"].tolist(),
                mode="lines+markers",
                line={"color": colours[str(operation)], "width": 2},
                name=f"{label} ({importance})",
                customdata=rows["share"].tolist(),
                hovertemplate=(
                    f"{label}: %{{x}} blocks<br>predicted mean %{{y:.5g}}<br>"
                    "%{customdata:.0%} of the distributions<extra></extra>"
                ),
            )
        )
    return figure.update_layout(
        xaxis={
            "title": {"text": "blocks of the operation"},
            "tickvals": np.unique(np.linspace(0, series.cell.total, 9).astype(int)).tolist(),
            "zeroline": False,
        },
        yaxis={
            "title": {"text": style.plotly_text(style.axis_label(f"predicted {name}", unit))},
            "zeroline": False,
        },
        legend={"title": {"text": style.axis_label("importance", style.unit_of_difference(unit))}},
    )
