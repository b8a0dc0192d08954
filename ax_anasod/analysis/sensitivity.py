"""The cards of what the surrogate is sensitive to: exchanged blocks, and each operation."""

from __future__ import annotations

from typing import Final, final

import numpy as np
import pandas as pd
from ax.analysis.plotly.color_constants import METRIC_CONTINUOUS_COLOR_SCALE
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
from ax_anasod.plots import style
from ax_anasod.typing import Counts, Indices

# Encodings that the importance of operations is averaged over, and the seed of their draw.
_SAMPLE: Final = 256
_SEED: Final = 0


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

    def draw(self, searched: CardInput) -> Drawing:
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
            figure=_exchange_figure(frame, series, name, self.unit),
        )


def _exchange_figure(frame: pd.DataFrame, series: SearchSeries, name: str, unit: str) -> go.Figure:
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


def exchange_frame(
    experiment: Experiment, adapter: SurrogateAdapter, series: SearchSeries, objective: str
) -> pd.DataFrame:
    """Predictions one exchanged block away from the best encoding.

    Args:
        experiment: The experiment.
        adapter: The fitted adapter.
        series: The series of the experiment, with an observed trial.
        objective: Name of the objective.

    Returns:
        One row per feasible exchange: ``more``, ``less``, ``mean``, ``lower``, ``upper``,
        and ``change`` (of the mean, against the best encoding's).
    """
    names = np.array(series.cell.operations)
    row = given(series.best(objective), "an observed trial")
    best, beside = series.counts[row], values_beside(experiment, adapter, series, row)
    encodings, operations = exchanges(best)
    feasible = series.cell.is_feasible(encodings)
    encodings, operations = encodings[feasible], operations[feasible]
    predictions = predict_encodings(
        experiment, adapter, np.vstack([best, encodings]), objective, beside
    )
    here, there = predictions["mean"].iloc[0], predictions.iloc[1:].reset_index(drop=True)
    moves = pd.DataFrame({"more": names[operations[:, 0]], "less": names[operations[:, 1]]})
    return moves.join(there).assign(change=there["mean"] - here)


def exchanges(counts: Counts) -> tuple[Counts, Indices]:
    """All encodings one exchanged block away.

    Args:
        counts: ``k``, an encoding.

    Returns:
        ``m x k`` encodings, and ``m x 2`` the operation that gained a block and the one
        that lost it.

    Example:
        >>> encodings, operations = exchanges(np.array([2, 0]))
        >>> encodings.tolist(), operations.tolist()
        ([[1, 1]], [[1, 0]])
    """
    gain, loss = np.divmod(np.arange(len(counts) ** 2), len(counts))
    possible = (gain != loss) & (counts[loss] > 0)
    operations = np.stack([gain[possible], loss[possible]], axis=1)
    rows = np.arange(len(operations))
    encodings = np.tile(counts, (len(operations), 1))
    encodings[rows, operations[:, 0]] += 1
    encodings[rows, operations[:, 1]] -= 1
    return encodings, operations


@final
class OperationImportancePlot(SurrogatePlot):
    """The dependence of predictions on the count of each operation, the others at random.

    The DataFrame computed is that of
    :func:`dependence_frame`.
    """

    def draw(self, searched: CardInput) -> Drawing:
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
            figure=_importance_figure(frame, series, name, self.unit),
        )


def _importance_figure(
    frame: pd.DataFrame, series: SearchSeries, name: str, unit: str
) -> go.Figure:
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
        yaxis=style.value_axis(f"predicted {name}", unit),
        legend={"title": {"text": style.axis_label("importance", style.unit_of_difference(unit))}},
    )


def dependence_frame(
    experiment: Experiment, adapter: SurrogateAdapter, series: SearchSeries, objective: str
) -> pd.DataFrame:
    """The dependence of predictions on the count of each operation, all else at random.

    Source: partial dependence, Friedman 2001, "Greedy function approximation: a gradient boosting
    machine"; its deviation as an importance, Greenwell, Boehmke & McCarthy 2018.

    Args:
        experiment: The experiment.
        adapter: The fitted adapter.
        series: The series of the experiment.
        objective: Name of the objective.

    Returns:
        One row per operation and count that a uniform draw of encodings has: ``operation``,
        ``count``, ``mean`` (of the predicted means), ``share`` (of the draws) and ``importance``
        (the standard deviation of the means of the operation over the draws, in the unit of the
        objective); the most important operation comes first.
    """
    cell = series.cell
    rng = np.random.default_rng(_SEED)
    encodings = np.unique(cell.encode(cell.sample(_SAMPLE, rng)), axis=0)
    beside = values_beside(
        experiment, adapter, series, given(series.best(objective), "an observed trial")
    )
    means = predict_encodings(experiment, adapter, encodings, objective, beside)["mean"].to_numpy()
    parts = []
    for column, operation in enumerate(cell.operations):
        counts = encodings[:, column]
        found = pd.DataFrame({"count": counts, "mean": means}).groupby("count")["mean"]
        part = found.mean().reset_index().assign(share=(found.size() / len(means)).to_numpy())
        centre = (part["share"] * part["mean"]).sum()
        spread = (part["share"] * (part["mean"] - centre) ** 2).sum() ** 0.5
        parts.append(part.assign(operation=operation, importance=spread))
    frame = pd.concat(parts)[["operation", "count", "mean", "share", "importance"]]
    return frame.sort_values("importance", ascending=False, kind="stable").reset_index(drop=True)
