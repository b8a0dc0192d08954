"""Learning curves and reliability diagrams of trained networks."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ax_anasod.plots import style
from ax_anasod.plots.figure import (
    BLUE,
    VERMILION,
    new_figure,
    set_title,
    show_plain_numbers,
    show_whole_numbers,
)
from ax_anasod.training import Epoch, Reliability

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEARNED, _MEASURED = BLUE, VERMILION
_FAR = 10.0


def draw_learning_curve(epochs: Sequence[Epoch], dataset: str) -> Figure:
    """Loss and error after each epoch, on scales that show where a training ends, too.

    Args:
        epochs: At least one.
        dataset: Name of the data set.
    """
    figure, loss = new_figure(columns=2)
    error = figure.axes[1]
    numbers = [epoch.epoch for epoch in epochs]
    # A single epoch would be a line without length.
    marker = "o" if len(epochs) < style.MOST_LABELS else ""
    loss.plot(
        numbers,
        [epoch.train_loss for epoch in epochs],
        color=_LEARNED,
        marker=marker,
        label="training" if epochs[-1].errors else "training, augmented",
    )
    loss.plot(
        numbers,
        [epoch.valid_loss for epoch in epochs],
        color=_MEASURED,
        marker=marker,
        label="test",
    )
    loss.legend(frameon=False)
    error.plot(
        numbers,
        [epoch.valid_error for epoch in epochs],
        color=_MEASURED,
        marker=marker,
        label="all that is asked",
    )
    parts = epochs[-1].errors if len(epochs[-1].errors) > 1 else ()
    for name, style_of_line in zip(parts, itertools.cycle(("--", ":", "-.")), strict=False):
        values = [epoch.errors[name] for epoch in epochs]
        label = name.removesuffix("_error")
        error.plot(numbers, values, color=style.GREY, linestyle=style_of_line, label=label)
    if parts:
        error.legend(frameon=False)
    _name(loss, f"Loss on {dataset}", "cross-entropy [nats]")
    _name(error, f"Test error on {dataset}: {epochs[-1].valid_error:.2f} %", "error [%]")
    for axes in (loss, error):
        show_whole_numbers(axes)
        axes.set_xlabel("epoch")
        _scale(axes)
    return figure


def draw_reliability(diagrams: Mapping[str, Reliability], dataset: str) -> Figure:
    """Accuracy against confidence, one panel for each predictor.

    On the diagonal a predictor is as often right as it says; below it is overconfident.

    Source: Guo et al., "On calibration of modern neural networks" (ICML 2017), Figure 1.

    Args:
        diagrams: Name of the predictor -> its bins.
        dataset: Name of the data set.
    """
    figure, _ = new_figure(columns=len(diagrams))
    for axes, (name, result) in zip(figure.axes, diagrams.items(), strict=True):
        centres = (result.edges[:-1] + result.edges[1:]) / 2
        shares = result.counts / result.counts.sum()
        width = np.diff(result.edges)
        axes.bar(centres, shares, width, color=style.GREY, alpha=0.3, label="share of the images")
        axes.plot([0, 1], [0, 1], color=style.GREY, linestyle=":", label="calibrated")
        filled = result.counts > 0
        axes.plot(
            result.confidence[filled],
            result.accuracy[filled],
            color=_LEARNED,
            marker="o",
            label="accuracy",
        )
        calibration = result.expected_calibration_error
        _name(axes, f"{name} on {dataset}: calibration error {calibration:.2f} points", "accuracy")
        axes.set_xlabel("confidence")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.legend(frameon=False, loc="best")
    return figure


def _scale(axes: Axes) -> None:
    """Logarithmic where values differ by far: from zero the end of a good training looks flat."""
    from matplotlib.ticker import SymmetricalLogLocator

    axes.set_ylim(bottom=0)
    positive = [v for line in axes.lines for v in np.asarray(line.get_ydata()) if v > 0]
    if not positive or max(positive) < _FAR * min(positive):
        return
    # Below the least value it is linear, so that an error of zero has a place.
    least = min(positive)
    axes.set_yscale("symlog", linthresh=least, linscale=0.2)
    locator = SymmetricalLogLocator(base=10, linthresh=least, subs=[1, 2, 5])
    show_plain_numbers(axes.yaxis, locator)
    axes.set_ylim(0, 1.2 * max(positive))


def _name(axes: Axes, title: str, y_label: str) -> None:
    set_title(axes, title)
    axes.set_ylabel(y_label)
