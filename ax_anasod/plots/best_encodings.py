"""The means of the best encodings of a sample, beside all of its architectures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ax_anasod.plots import style
from ax_anasod.plots.figure import new_figure
from ax_anasod.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN: Final = 100


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
