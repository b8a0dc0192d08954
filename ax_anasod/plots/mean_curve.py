"""Mean curves with standard errors, such as the incumbents of many runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ax_anasod.objectives import Objective
from ax_anasod.plots import style
from ax_anasod.plots.figure import (
    add_legend,
    looks,
    plain_text,
    set_title,
    show_message,
    show_plain_numbers,
)
from ax_anasod.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# The first few queries are far above all others and would squeeze these into one line.
_VISIBLE_FROM: Final = 0.06
_MARGIN: Final = 0.08


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
