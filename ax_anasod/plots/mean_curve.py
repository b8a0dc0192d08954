"""Means with their spread: the incumbents of many runs, and the encodings of a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ax_anasod.objectives import Objective
from ax_anasod.plots import style
from ax_anasod.plots.figure import (
    add_legend,
    looks,
    new_figure,
    plain_text,
    set_title,
    show_message,
    show_plain_numbers,
)
from ax_anasod.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


# The first few queries are far above all others and would squeeze these into one line.
_VISIBLE_FROM: Final = 0.06
_MARGIN: Final = 0.08
# The encodings of a sample that are drawn.
_SHOWN: Final = 100


@dataclass(frozen=True)
class MeanCurve:
    """A mean curve with its standard errors.

    Args:
        x: ``m`` ascending numbers of queries or seconds.
        mean: ``m`` means over the runs.
        error: ``m`` standard errors of them; 0 for a single run.
    """

    x: FloatArray
    mean: FloatArray
    error: FloatArray


def draw_mean_curves(
    axes: Axes,
    curves: Mapping[str, MeanCurve | None],
    quantity: Objective,
    title: str,
    x_label: str,
) -> None:
    """Draw mean curves with their standard errors, and the optimum where it is known.

    Args:
        axes: Where.
        curves: Label -> its curve; None where there is none, which keeps its colour free.
        quantity: What the values are.
        title: Title of the panel.
        x_label: Title of the horizontal axis, which is logarithmic.
    """
    drawn = {label: curve for label, curve in curves.items() if curve is not None and len(curve.x)}
    set_title(axes, title)
    axes.set_ylabel(
        plain_text(f"{quantity.extreme} {style.axis_label(quantity.name, quantity.unit)} so far")
    )
    axes.set_xlabel(x_label)
    if not drawn:
        show_message(axes, "no finished run")
        return
    axes.set_xscale("log")
    drawn_as = looks([*curves])
    # The legend lists the lines as they end, from top to bottom.
    for label, curve in sorted(drawn.items(), key=lambda entry: -entry[1].mean[-1]):
        colour, line = drawn_as[label]
        final = style.with_unit(curve.mean[-1], quantity.unit)
        axes.fill_between(
            curve.x,
            curve.mean - curve.error,
            curve.mean + curve.error,
            step="post",
            color=colour,
            alpha=0.15,
            linewidth=0,
        )
        axes.step(
            curve.x,
            curve.mean,
            where="post",
            color=colour,
            linestyle=line,
            linewidth=1.8,
            label=plain_text(f"{label}  {final}"),
        )
    if quantity.optimum is not None:
        axes.axhline(
            quantity.optimum,
            color=style.GREY,
            linestyle=(0, (1, 2)),
            linewidth=1.4,
            label=f"optimum  {style.with_unit(quantity.optimum, quantity.unit)}",
        )
    axes.set_ylim(*_limits([*drawn.values()], quantity))
    add_legend(axes, title="mean ± s.e., and its end", title_fontsize=8, alignment="left")


def count_in_plain_numbers(axes: Axes) -> None:
    """Show whole numbers on a logarithmic axis as they are: 1, 2, 5, 10, ..."""
    from matplotlib.ticker import LogLocator

    if axes.get_xscale() == "log":
        show_plain_numbers(axes.xaxis, LogLocator(subs=(1.0, 2.0, 5.0)))


def draw_best_encodings(values: FloatArray, title: str, label: str) -> Figure:
    """The best 100 encodings, each with mean and deviation, beside all architectures.

    Source: Wan et al., ANASOD (https://arxiv.org/abs/2111.04670), Figure 2.

    Args:
        values: ``m x a`` values of ``a`` architectures of each of ``m`` encodings, minimised.
        title: Title of the panel.
        label: Title of the vertical axis.
    """
    figure, axes = new_figure()
    means, deviations = values.mean(axis=1), values.std(axis=1, ddof=1)
    best = np.argsort(means, kind="stable")[:_SHOWN]
    axes.errorbar(
        np.arange(1, len(best) + 1),
        means[best],
        yerr=deviations[best],
        fmt="o",
        color="black",
        ecolor=style.GREY,
        markersize=3.5,
        elinewidth=1.2,
        label=f"best {len(best)} of {len(means)} encodings, mean ± SD",
    )
    mean, deviation = values.mean(), values.std(ddof=1)
    axes.axhspan(mean - deviation, mean + deviation, color=style.FAILED, alpha=0.12, linewidth=0)
    axes.axhline(
        mean,
        color=style.FAILED,
        linewidth=1.8,
        label=f"all {values.size} architectures, mean ± SD",
    )
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold", pad=12)
    axes.set_xlabel("encodings by mean value")
    axes.set_ylabel(label)
    if (values >= 0).all():
        # The mean minus a deviation can be negative where the values cannot.
        axes.set_ylim(bottom=0)
    axes.legend(loc="upper left", frameon=False, fontsize=9)
    return figure


def _limits(curves: Sequence[MeanCurve], quantity: Objective) -> tuple[float, float]:
    """From the best value to the worst one after the first few queries."""
    sign = quantity.sign
    worst = [float((sign * curve.mean[curve.x >= _start(curve)]).max()) for curve in curves]
    best = [float((sign * curve.mean - curve.error).min()) for curve in curves]
    if quantity.optimum is not None:
        best.append(sign * quantity.optimum)
    low, high = sorted((sign * min(best), sign * max(worst)))
    margin = _MARGIN * (high - low) or max(abs(high) * _MARGIN, _MARGIN)
    return low - margin, high + margin


def _start(curve: MeanCurve) -> float:
    first, last = curve.x[[0, -1]]
    return float(first + _VISIBLE_FROM * (last - first))
