"""Figures of matplotlib: their look, their texts, and how they are written.

matplotlib draws them on any machine; plotly's own export (kaleido) starts a browser, which
servers do not have. It is imported when the first picture is drawn, and only its ``Figure``
objects are used, so that a user's own pyplot figures and backend are left alone.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ax_anasod.files import write_whole
from ax_anasod.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.ticker import Locator

_WIDTH: Final = 9.0
_DPI: Final = 150
# Okabe and Ito's colours (2008), which colour-blind people tell apart as well.
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
_COLOURS: Final = (
    BLUE,
    VERMILION,
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
)
_LINES: Final = ("-", "--", "-.", ":")


def new_figure(rows: int = 1, columns: int = 1, height: float = 5.2) -> tuple[Figure, Axes]:
    """An empty figure, and its first axes.

    Args:
        rows: Panels below each other.
        columns: Panels beside each other.
        height: Of a panel, in inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(
        figsize=(_WIDTH * columns, height * rows),
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


def trial_figure(title: str) -> tuple[Figure, Axes]:
    """A figure with one panel, whose horizontal axis is that of the trials."""
    figure, axes = new_figure(height=4.8)
    set_title(axes, title)
    axes.set_xlabel("trial")
    return figure, axes


def save(figure: Figure, path: Path, *, make_folder: bool = False) -> None:
    """Write a figure as PNG.

    Args:
        figure: The figure.
        path: The file.
        make_folder: Make its folder where that is missing.

    Raises:
        RunError: The picture cannot be written.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_whole(path, buffer.getvalue(), make_folder=make_folder)


def set_title(axes: Axes, title: str) -> None:
    """Name a panel."""
    axes.set_title(plain_text(title), loc="left", fontsize=12, fontweight="bold", pad=12)


def add_legend(axes: Axes, **settings: Any) -> None:
    """A legend to the right of a panel; settings as for matplotlib's."""
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        frameon=False,
        fontsize=9,
        borderaxespad=0.0,
        **settings,
    )


def show_whole_numbers(axes: Axes, steps: Sequence[int] | None = None) -> None:
    """Show whole numbers only on the horizontal axis, which counts trials or epochs.

    Args:
        axes: The panel.
        steps: Distances between its numbers, times a power of ten; matplotlib's by default.
    """
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=steps))


def show_plain_numbers(axis: Axis, locator: Locator) -> None:
    """Write the numbers of a logarithmic axis as they are, not as powers of ten.

    Args:
        axis: The axis.
        locator: Where the numbers stand.
    """
    from matplotlib.ticker import NullFormatter

    axis.set_major_locator(locator)
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def show_message(axes: Axes, sentence: str) -> None:
    """Show a sentence in the place of data."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(
        0.5, 0.5, sentence, transform=axes.transAxes, ha="center", va="center", color=style.GREY
    )


def looks(labels: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and line for each label; after all colours the next kind of line."""
    return {
        label: (_COLOURS[i % len(_COLOURS)], _LINES[i // len(_COLOURS) % len(_LINES)])
        for i, label in enumerate(labels)
    }


def plain_text(text: str) -> str:
    """Text of a user for matplotlib: ``$`` would start a formula, a leading ``_`` hide it."""
    escaped = text.replace("$", r"\$")
    return f" {escaped}" if escaped.startswith("_") else escaped
