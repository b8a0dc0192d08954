"""The pictures of a comparison: incumbents against queries and against simulated time.

Drawn with matplotlib's ``Figure`` objects, like those of a search, so that a user's own
pyplot figures and backend are left alone.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd

from ax_anasod.analysis import style
from ax_anasod.compare.bands import Band, over_queries, over_seconds
from ax_anasod.compare.plan import Plan
from ax_anasod.exceptions import OptionError
from ax_anasod.files import write_whole
from ax_anasod.objectives import Objective

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE: Final = (9.0, 5.2)
_DPI: Final = 150
# Okabe and Ito's colours (2008), which colour-blind people tell apart as well.
_COLOURS: Final = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
)
_LINES: Final = ("-", "--", "-.", ":")
# The first few queries are far above all others and would squeeze these into one line.
_VISIBLE_FROM: Final = 0.06
_MARGIN: Final = 0.08
_LONGEST_STEM: Final = 100


def write_pictures(plan: Plan, results: pd.DataFrame, directory: Path) -> list[Path]:
    """Draw all pictures of a comparison into its folder.

    ``incumbent_queries.png``; ``incumbent_seconds.png`` where the data has costs; and
    ``incumbent_<column>.png`` for each reported quantity: its value of the incumbent, which
    was chosen without it. Where two columns would share a name, a number tells them apart.

    Args:
        plan: The plan.
        results: From :func:`ax_anasod.compare.results.results_frame`.
        directory: The folder.

    Returns:
        The paths of the pictures.

    Raises:
        RunError: A picture cannot be written.
    """
    figures = {"incumbent_queries": draw_queries(plan, results)}
    if results["cost_seconds"].notna().any():
        figures["incumbent_seconds"] = draw_seconds(plan, results)
    for quantity in plan.reported:
        column = plan.columns[quantity.name]
        figures[_free_stem(quantity.name, figures)] = draw_queries(plan, results, column)
    paths = [directory / f"{name}.png" for name in figures]
    for path, figure in zip(paths, figures.values(), strict=True):
        save(figure, path)
    return paths


def _free_stem(name: str, taken: Collection[str]) -> str:
    """The name of the picture of a reported quantity, unlike those of others."""
    stem = "incumbent_" + re.sub(r"[^\w-]+", "_", name)[:_LONGEST_STEM]
    # Some file systems do not tell small letters from capitals.
    folded = {other.casefold() for other in taken}
    numbered = (f"{stem}_{number}" for number in itertools.count(2))
    return next(s for s in itertools.chain([stem], numbered) if s.casefold() not in folded)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG.

    Raises:
        RunError: It cannot be written.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_whole(path, buffer.getvalue())


def draw_queries(plan: Plan, results: pd.DataFrame, column: str = "incumbent") -> Figure:
    """The incumbents against the number of queries.

    Args:
        plan: The plan.
        results: From :func:`ax_anasod.compare.results.results_frame`.
        column: ``"incumbent"``, or the column of a reported quantity.
    """
    figure, axes = new_figure()
    fill_queries(axes, plan, results, column)
    return figure


def draw_seconds(plan: Plan, results: pd.DataFrame) -> Figure:
    """The incumbents against the simulated cost so far.

    Args:
        plan: The plan.
        results: From :func:`ax_anasod.compare.results.results_frame`.
    """
    figure, axes = new_figure()
    fill_seconds(axes, plan, results)
    return figure


def fill_queries(axes: Axes, plan: Plan, results: pd.DataFrame, column: str = "incumbent") -> None:
    """Draw into axes what :func:`draw_queries` shows; the arguments are its."""
    quantity = _quantity(plan, column)
    bands = [over_queries(results, c.label, column, c.trials) for c in plan.contenders]
    _draw(axes, plan, bands, quantity, "queries")
    _count_in_plain_numbers(axes)
    if quantity is not plan.objective:
        axes.set_ylabel(_text(f"{style.axis_label(quantity.name, quantity.unit)} of the incumbent"))


def fill_seconds(axes: Axes, plan: Plan, results: pd.DataFrame) -> None:
    """Draw into axes what :func:`draw_seconds` shows; the arguments are its."""
    bands = [over_seconds(results, c.label, c.trials) for c in plan.contenders]
    _draw(axes, plan, bands, plan.objective, "simulated GPU time [s]")


def new_figure(rows: int = 1, columns: int = 1) -> tuple[Figure, Axes]:
    """An empty figure of the size and style of these pictures, and its first axes.

    Args:
        rows: Panels below each other.
        columns: Panels beside each other.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = _SIZE
    figure = Figure(
        figsize=(width * columns, height * rows),
        dpi=_DPI,
        layout="constrained",
        facecolor="white",
    )
    FigureCanvasAgg(figure)
    for axes in figure.subplots(rows, columns, squeeze=False).flat:
        axes.set_axisbelow(True)
        axes.grid(visible=True, color="#e6e9ee", linewidth=0.8)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color("#b8bec8")
    return figure, figure.axes[0]


def _draw(
    axes: Axes, plan: Plan, bands: Sequence[Band | None], quantity: Objective, x_label: str
) -> None:
    drawn = [band for band in bands if band is not None and len(band.x)]
    axes.set_title(_text(plan.subject), loc="left", fontsize=12, fontweight="bold", pad=12)
    axes.set_ylabel(
        _text(f"{quantity.extreme} {style.axis_label(quantity.name, quantity.unit)} so far")
    )
    axes.set_xlabel(x_label)
    if not drawn:
        axes.set_xticks([])
        axes.set_yticks([])
        sentence = "no finished run"
        axes.text(0.5, 0.5, sentence, transform=axes.transAxes, ha="center", color=style.GREY)
        return
    axes.set_xscale("log")
    drawn_as = looks(plan.labels)
    # The legend lists the lines as they end, from top to bottom.
    for band in sorted(drawn, key=lambda b: -b.mean[-1]):
        colour, line = drawn_as[band.label]
        final = style.with_unit(band.mean[-1], quantity.unit)
        axes.fill_between(
            band.x,
            band.mean - band.error,
            band.mean + band.error,
            step="post",
            color=colour,
            alpha=0.15,
            linewidth=0,
        )
        axes.step(
            band.x,
            band.mean,
            where="post",
            color=colour,
            linestyle=line,
            linewidth=1.8,
            label=_text(f"{band.label}  {final}"),
        )
    if quantity.optimum is not None:
        axes.axhline(
            quantity.optimum,
            color=style.GREY,
            linestyle=(0, (1, 2)),
            linewidth=1.4,
            label=f"optimum  {style.with_unit(quantity.optimum, quantity.unit)}",
        )
    axes.set_ylim(*_limits(drawn, quantity))
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        frameon=False,
        fontsize=9,
        borderaxespad=0.0,
        title="mean ± s.e., and its end",
        title_fontsize=8,
        alignment="left",
    )


def _count_in_plain_numbers(axes: Axes) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    if axes.get_xscale() == "log":
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())


def _limits(bands: Sequence[Band], quantity: Objective) -> tuple[float, float]:
    """From the best value to the worst one after the first few queries."""
    sign = quantity.sign
    worst = [float((sign * band.mean[band.x >= _start(band)]).max()) for band in bands]
    best = [float((sign * band.mean - band.error).min()) for band in bands]
    if quantity.optimum is not None:
        best.append(sign * quantity.optimum)
    low, high = sorted((sign * min(best), sign * max(worst)))
    margin = _MARGIN * (high - low) or max(abs(high) * _MARGIN, _MARGIN)
    return low - margin, high + margin


def _start(band: Band) -> float:
    first, last = band.x[[0, -1]]
    return float(first + _VISIBLE_FROM * (last - first))


def looks(labels: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and line of each contender; after all colours the next kind of line."""
    return {
        label: (_COLOURS[i % len(_COLOURS)], _LINES[i // len(_COLOURS) % len(_LINES)])
        for i, label in enumerate(labels)
    }


def _quantity(plan: Plan, column: str) -> Objective:
    if column == "incumbent":
        return plan.objective
    found = [quantity for quantity in plan.reported if plan.columns[quantity.name] == column]
    if not found:
        raise OptionError(f"the comparison has no column {column!r} to draw")
    return found[0]


def _text(text: str) -> str:
    """Text of a user for matplotlib: ``$`` would start a formula, a leading ``_`` hide it."""
    escaped = text.replace("$", r"\$")
    return f" {escaped}" if escaped.startswith("_") else escaped
