"""The course of differentiable searches: their distribution, and the error of draws from it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from ax_anasod.cells import Cell
from ax_anasod.plots import style
from ax_anasod.plots.figure import BLUE, looks, show_whole_numbers, trial_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Beyond so many times the error of a uniform draw, the errors are on a logarithmic axis.
_FAR_OFF: Final = 2.5


def draw_shares(curve: Sequence[Mapping[str, Any]], cell: Cell) -> Figure:
    """The share of each operation after each epoch as areas, and the entropy as a line.

    Args:
        curve: The measurements of each epoch, see `ax_anasod.dnas.SearchEpoch`.
        cell: The cell that was searched.
    """
    figure, axes = trial_figure("Operation distribution")
    epochs = [row["epoch"] for row in curve]
    shares = np.array([np.mean(row["probabilities"], axis=0) for row in curve])
    colours = style.operation_colours(cell.num_operations)
    if len(epochs) == 1:
        bottoms = np.concatenate([[0.0], shares[0].cumsum()[:-1]])
        for share, bottom, colour, name in zip(
            shares[0], bottoms, colours, cell.operations, strict=True
        ):
            axes.bar(epochs, share, bottom=bottom, color=colour, label=name)
    else:
        axes.stackplot(epochs, shares.T, colors=colours, labels=cell.operations)
        axes.set_xlim(epochs[0], epochs[-1])
    axes.set_ylim(0, 1)
    axes.set_ylabel("share")
    show_whole_numbers(axes)
    axes.set_xlabel("epoch")
    entropy = axes.twinx()
    entropy.plot(epochs, [row["entropy"] for row in curve], color="black", label="entropy")
    entropy.set_ylim(0, np.log(cell.num_operations))
    entropy.set_ylabel("entropy [nats]")
    handles, labels = axes.get_legend_handles_labels()
    more, names = entropy.get_legend_handles_labels()
    axes.legend(
        [*handles[::-1], *more],
        [*labels[::-1], *names],
        loc="center left",
        bbox_to_anchor=(1.08, 0.5),
        frameon=False,
    )
    return figure


def draw_quality(content: Mapping[str, Any]) -> Figure:
    """The error of a draw after each epoch: the oracle's where there is one.

    Args:
        content: What `ax_anasod.dnas.OneShotRun.summary` gives.
    """
    curve, oracle = content["curve"], content["oracle"]
    epochs = [row["epoch"] for row in curve]
    if oracle is None:
        figure, axes = trial_figure("Error of draws in the supernet")
        errors = [row["draw_error"] for row in curve]
        axes.plot(epochs, errors, color=BLUE, marker="o", label="mean of draws")
        axes.set_ylabel("validation error [%]")
    else:
        figure, axes = trial_figure(f"Error of draws by the oracle: {oracle['objective']}")
        axes.plot(
            epochs,
            [row["mean_error"] for row in curve],
            color=BLUE,
            label="expected error of a draw",
        )
        axes.plot(epochs, [row["drawn_error"] for row in curve], "o", color=BLUE, label="one draw")
        axes.plot(
            epochs,
            [row["likeliest_error"] for row in curve],
            ".-",
            color=style.GREY,
            linewidth=0.8,
            label="likeliest operations (argmax)",
        )
        axes.axhline(oracle["uniform"], color=style.FAILED, linestyle="--", label="uniform draw")
        name, best = min(oracle["of_one_operation"].items(), key=lambda item: item[1])
        axes.axhline(best, color=style.BEST, linestyle="-.", label=f"only {name}")
        if oracle["optimum"] is not None:
            axes.axhline(oracle["optimum"], color=style.OPTIMUM, linestyle=":", label="optimum")
        axes.set_ylabel("error [%]")
        if max(row["likeliest_error"] for row in curve) > 4 * oracle["uniform"]:
            _logarithmic(axes)
    show_whole_numbers(axes)
    axes.set_xlabel("epoch")
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
    return figure


def draw_methods(
    axes: Axes,
    epochs: Mapping[str, pd.DataFrame],
    with_argmax: Collection[str],
    *,
    lowest: float,
    uniform: float,
    best_of_one: tuple[str, float],
) -> None:
    """Draw the error of draws after each epoch, a line for each method.

    Args:
        axes: The panel.
        epochs: Label -> the measurements of its searches, a row for each epoch of each seed,
            with the columns ``epoch``, ``sampled_error``, ``mean_error`` and ``argmax_error``.
        with_argmax: Labels of methods of which the likeliest architecture is shown, too.
        lowest: The lowest error of all architectures.
        uniform: The expected error of a uniform draw.
        best_of_one: The best operation for all blocks, and its error.
    """
    drawn_as = looks([*epochs])
    # All in grey, so that each needs a line of its own.
    lines_of_argmax = itertools.cycle(("-", "--", ":", "-."))
    for label, rows in epochs.items():
        colour, line = drawn_as[label]
        if not len(rows):
            continue
        by_epoch = rows.groupby("epoch")
        means = by_epoch[["sampled_error", "mean_error", "argmax_error"]].mean()
        spread = by_epoch["sampled_error"].std().fillna(0.0)
        sampled, numbers = means["sampled_error"], means.index
        axes.fill_between(
            numbers,
            (sampled - spread).clip(lower=lowest),
            sampled + spread,
            color=colour,
            alpha=0.15,
            linewidth=0,
        )
        # A single epoch would be a line without length.
        marker = "o" if len(numbers) == 1 else ""
        axes.plot(numbers, sampled, line, marker=marker, color=colour, linewidth=1.8, label=label)
        axes.plot(numbers, means["mean_error"], color=colour, linewidth=0.8)
        axes.plot(rows["epoch"], rows["sampled_error"], ".", color=colour, alpha=0.35)
        if label in with_argmax:
            axes.plot(
                numbers,
                means["argmax_error"],
                next(lines_of_argmax),
                marker=".",
                color=style.GREY,
                label=f"{label}, argmax",
            )
    axes.plot([], [], color="black", linewidth=0.8, label="thin: expected error of a draw")
    best, error = best_of_one
    axes.axhline(uniform, color=style.FAILED, linestyle="--", label="a uniform draw")
    axes.axhline(error, color=style.BEST, linestyle="-.", label=f"only {best}")
    axes.set_xlabel("epoch of the search")
    show_whole_numbers(axes)
    if axes.get_ylim()[1] > _FAR_OFF * uniform:
        _logarithmic(axes, between=error > 1)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=9)


def _logarithmic(axes: Axes, *, between: bool = True) -> None:
    """A logarithmic axis of errors, with plain numbers between the powers of ten where wanted."""
    from matplotlib.ticker import NullFormatter, ScalarFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_formatter(ScalarFormatter() if between else NullFormatter())
