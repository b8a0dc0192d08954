"""The pictures of a search."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from ax.core.experiment import Experiment

from ax_anasod.analysis.axis import ValueAxis
from ax_anasod.analysis.frames import distribution_frame, incumbent_frame, share_column
from ax_anasod.analysis.series import SearchSeries, by_objective
from ax_anasod.analysis.trade_off import FrontFacts, draw_trade_off, trade_off_plots
from ax_anasod.plots import style
from ax_anasod.plots.figure import (
    add_legend,
    new_figure,
    plain_text,
    save,
    show_message,
    show_plain_numbers,
    show_whole_numbers,
    trial_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform

# Where marks at the edges of the incumbent's picture stand, in shares of its height.
_BOTTOM, _TOP = 0.03, 0.97
_NO_VALUE = "no trial has a value yet"


def write_pictures(
    experiment: Experiment,
    directory: str | Path,
    *,
    optimum: Mapping[str, float | None] | float | None = None,
    unit: Mapping[str, str] | str = "",
    log_scale: bool = False,
    front: FrontFacts | None = None,
) -> tuple[Path, ...]:
    """Draw ``incumbent.png`` and ``operation_distribution.png`` into a folder.

    They show the same data as :class:`IncumbentPlot` and
    :class:`OperationDistributionPlot`, for the first objective, and say so where there is
    nothing to show yet. Of several objectives there is ``pareto.png``, too: that of
    :class:`TradeOffPlot`, a panel for each pair.

    Args:
        experiment: The experiment.
        directory: The folder; it is made where it is missing.
        optimum: The best possible value of the first objective, drawn as a line, or of each
            by its name.
        unit: Unit of the first objective, e.g. ``"percent"``, or of each by its name.
        log_scale: Draw the values on a logarithmic axis.
        front: What is known of the front of several objectives besides the trials.

    Returns:
        The paths of the pictures.

    Raises:
        RunError: A picture cannot be written.
        OptionError: The experiment is none of this package's, or a logarithmic axis is asked
            for negative values.
    """
    series = SearchSeries.from_experiment(experiment)
    directory = Path(directory)
    first = series.objectives[0]
    units = by_objective(unit, [first])
    figures = {
        directory / "incumbent.png": draw_incumbent(
            series,
            optimum=by_objective(optimum, [first]).get(first),
            unit=units.get(first) or "",
            log_scale=log_scale,
        ),
        directory / "operation_distribution.png": draw_distribution(series),
    }
    if len(series.objectives) > 1:
        figures[directory / "pareto.png"] = draw_trade_offs(series, units, front)
    for path, figure in figures.items():
        save(figure, path, make_folder=True)
    return tuple(figures)


def draw_trade_offs(
    series: SearchSeries, units: Mapping[str, str], front: FrontFacts | None = None
) -> Figure:
    """Each pair of objectives against each other, below each other; units by objective."""
    plots = trade_off_plots(series.objectives, units, front)
    figure, _ = new_figure(rows=len(plots))
    for axes, plot in zip(figure.axes, plots, strict=True):
        if series.observed.any():
            draw_trade_off(axes, series, plot)
        else:
            show_message(axes, _NO_VALUE)
    return figure


def draw_incumbent(
    series: SearchSeries,
    *,
    optimum: float | None = None,
    unit: str = "",
    log_scale: bool = False,
) -> Figure:
    """The first objective over the trials; arguments as for :func:`write_pictures`."""
    frame = incumbent_frame(series)
    figure, axes = trial_figure(f"Best {series.objectives[0]} so far")
    axes.set_ylabel(plain_text(style.axis_label(series.objectives[0], unit)))
    seen = frame[frame["incumbent"].notna()]
    if seen.empty:
        show_message(axes, "no trial keeps the limits yet" if series.observed.any() else _NO_VALUE)
        return figure
    view = ValueAxis.fit(frame["value"], optimum, minimize=series.minimize[0], log_scale=log_scale)
    axes.set_ylim(view.lower, view.upper)
    if log_scale:
        _logarithmic(axes)
    end = _trial_axis(axes, frame)
    if optimum is not None:
        axes.axhline(
            float(view.place(optimum)),
            color=style.OPTIMUM,
            linestyle=":",
            linewidth=1.8,
            label=f"optimum {style.with_unit(optimum, unit)}",
        )
    axes.step(
        [*seen["position"], end],
        view.place([*seen["incumbent"], seen["incumbent"].iloc[-1]]),
        where="post",
        color=style.GOLD,
        linestyle="--",
        linewidth=2,
        label="incumbent",
    )
    _draw_values(axes, frame, view, unit)
    _draw_edges(axes, frame, view, minimize=series.minimize[0])
    add_legend(axes)
    return figure


def draw_distribution(series: SearchSeries) -> Figure:
    """The operation distribution of every trial as stacked bars, the best one marked."""
    frame = distribution_frame(series)
    figure, axes = trial_figure("Operation distribution of the trials")
    axes.set_ylabel("share of operation blocks [%]")
    if frame.empty:
        show_message(axes, "there are no trials yet")
        return figure
    _trial_axis(axes, frame)
    bottom = np.zeros(len(frame))
    colours = style.operation_colours(series.cell.num_operations)
    for operation, colour in zip(series.cell.operations, colours, strict=True):
        shares = frame[share_column(operation)].to_numpy()
        axes.bar(
            frame["position"],
            100 * shares,
            bottom=100 * bottom,
            width=1 - style.bar_gap(len(frame)),
            linewidth=0,
            color=colour,
            label=plain_text(operation),
        )
        bottom += shares
    axes.set_ylim(0, 109)
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.grid(visible=False)
    _mark(
        axes,
        frame,
        frame["failed"],
        100 * style.ABOVE_BARS,
        ("x", style.FAILED, 28, "failed or abandoned"),
    )
    best = plain_text(f"best {series.objectives[0]}")
    _mark(axes, frame, frame["best"], 100 * style.ABOVE_BARS, ("*", style.BEST, 130, best))
    # The legend reads from top to bottom like the bars.
    add_legend(axes, reverse=True)
    return figure


def _trial_axis(axes: Axes, frame: pd.DataFrame) -> float:
    """Show whole trials only on the horizontal axis; returns its right end."""
    end = float(frame["position"].max()) + 0.6
    axes.set_xlim(float(frame["position"].min()) - 0.6, end)
    show_whole_numbers(axes, steps=[1, 2, 5, 10])
    return end


def _logarithmic(axes: Axes) -> None:
    """A logarithmic axis with plain numbers, also where it spans less than a decade."""
    from matplotlib.ticker import LogLocator

    axes.set_yscale("log")
    low, high = axes.get_ylim()
    subs = range(1, 10) if high < 20 * low else (1, 2, 5)
    show_plain_numbers(axes.yaxis, LogLocator(subs=subs))


def _draw_values(axes: Axes, frame: pd.DataFrame, view: ValueAxis, unit: str) -> None:
    observed = frame[frame["value"].notna()]
    colours = style.node_colours(list(dict.fromkeys(frame["node"])))
    for node, rows in observed.groupby("node", sort=False):
        axes.scatter(
            rows["position"],
            view.place(rows["value"]),
            s=np.where(rows["improved"], 46, 24),
            color=colours[str(node)],
            edgecolors="white",
            linewidths=0.6,
            zorder=3,
            label=plain_text(f"trial ({node})"),
        )
    best = observed[observed["best"]].iloc[0]
    axes.scatter(
        best["position"],
        float(view.place(best["value"])),
        marker="*",
        s=230,
        color=style.BEST,
        edgecolors="white",
        linewidths=0.8,
        zorder=4,
        label=f"best: {style.with_unit(best['value'], unit)} (trial {best['trial_index']})",
    )


def _draw_edges(axes: Axes, frame: pd.DataFrame, view: ValueAxis, *, minimize: bool) -> None:
    beyond = frame["value"].notna() & view.beyond(frame["value"])
    transform = axes.get_xaxis_transform()
    triangle = ("^" if minimize else "v", style.GREY, 34, "beyond the axis")
    _mark(axes, frame, beyond, _TOP if minimize else _BOTTOM, triangle, transform=transform)
    cross = ("x", style.FAILED, 34, "failed or abandoned")
    _mark(axes, frame, frame["failed"], _BOTTOM, cross, transform=transform)


def _mark(
    axes: Axes,
    frame: pd.DataFrame,
    chosen: pd.Series,
    height: float,
    look: tuple[str, str, int, str],
    transform: Transform | None = None,
) -> None:
    """Put a mark of a given look (symbol, colour, size, legend) at some trials."""
    symbol, colour, size, legend = look
    rows = frame[chosen]
    if rows.empty:
        return
    axes.scatter(
        rows["position"],
        np.full(len(rows), height),
        marker=symbol,
        color=colour,
        s=size,
        zorder=5,
        label=legend if len(rows) == 1 else f"{legend} ({len(rows)})",
        transform=transform or axes.transData,
    )
