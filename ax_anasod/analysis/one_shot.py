"""The pictures and the page of a differentiable search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from ax.core.analysis_card import AnalysisCard

from ax_anasod.analysis.page import Html, Page, paragraphs, picture
from ax_anasod.analysis.search_pictures import trial_figure
from ax_anasod.analysis.search_summary import found_part
from ax_anasod.cells import Cell
from ax_anasod.dnas.result_files import RANKED
from ax_anasod.files import write_whole
from ax_anasod.plots import style
from ax_anasod.plots.figure import save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REPORT: Final = "report.html"
_PICTURES: Final = {
    "distribution.png": (
        "Operation distribution",
        "Share of each operation after each epoch, mean over the blocks. A search has collapsed "
        "where operations without weights take nearly all of it.",
    ),
    "curve.png": (
        "Quality of a draw",
        "Error of architectures drawn from the distribution of each epoch.",
    ),
}


def write_one_shot(content: Mapping[str, Any], cell: Cell, folder: Path) -> None:
    """Write ``distribution.png``, ``curve.png`` and ``report.html`` of a search.

    Args:
        content: What `ax_anasod.dnas.OneShotRun.summary` gives.
        cell: The cell that was searched.
        folder: The folder of the search.

    Raises:
        RunError: A file cannot be written.
    """
    figures = {
        "distribution.png": draw_shares(content["curve"], cell),
        "curve.png": draw_quality(content),
    }
    contents: list[Html] = []
    if content["warnings"]:
        contents.append(paragraphs("Warnings", content["warnings"]))
    for name, figure in figures.items():
        save(figure, folder / name)
        contents.append(picture(*_PICTURES[name], (folder / name).read_bytes()))
    page = Page(
        title=f"{content['method']} on {content['dataset']}, seed {content['seed']}",
        sections=[("", [_found(content, cell), *contents, _cells(content)])],
        facts=_facts(content),
    )
    write_whole(folder / REPORT, page.render())


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
    _epoch_axis(axes)
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
        content: As in `write_one_shot`.
    """
    curve, oracle = content["curve"], content["oracle"]
    epochs = [row["epoch"] for row in curve]
    if oracle is None:
        figure, axes = trial_figure("Error of draws in the supernet")
        errors = [row["draw_error"] for row in curve]
        axes.plot(epochs, errors, color=_OWN, marker="o", label="mean of draws")
        axes.set_ylabel("validation error [%]")
    else:
        figure, axes = trial_figure(f"Error of draws by the oracle: {oracle['objective']}")
        axes.plot(
            epochs,
            [row["mean_error"] for row in curve],
            color=_OWN,
            label="expected error of a draw",
        )
        axes.plot(epochs, [row["drawn_error"] for row in curve], "o", color=_OWN, label="one draw")
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
            axes.set_yscale("log")
            from matplotlib.ticker import ScalarFormatter

            axes.yaxis.set_major_formatter(ScalarFormatter())
            axes.yaxis.set_minor_formatter(ScalarFormatter())
    _epoch_axis(axes)
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
    return figure


_OWN: Final = "#0072B2"


def _epoch_axis(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")


def _facts(content: Mapping[str, Any]) -> dict[str, str]:
    facts = {"best cell": content["best"]["architecture"], "epochs": str(content["epochs"])}
    oracle = content["oracle"]
    if oracle is not None:
        facts |= {
            "its error (oracle)": f"{oracle['best_error']:.2f} %",
            "a draw from p": f"{oracle['mean_error']:.2f} %",
            "a uniform draw": f"{oracle['uniform']:.2f} %",
        }
        if oracle["optimum"] is not None:
            facts["optimum"] = f"{oracle['optimum']:.2f} %"
    if content["agreement"] is not None:
        facts["rank agreement with short trainings"] = f"{content['agreement']:.2f}"
    return facts


def _found(content: Mapping[str, Any], cell: Cell) -> Html:
    best, oracle = content["best"], content["oracle"]
    value = "" if oracle is None else style.with_unit(oracle["best_error"], "percent")
    name = "" if oracle is None else f"{oracle['objective']}, by the oracle"
    architecture = cell.architecture(best["architecture"])
    return found_part("Most promising cell", value, name, [], architecture)


def _cells(content: Mapping[str, Any]) -> AnalysisCard:
    titles = {"score": "score [nats]", "oracle": "oracle [%]"}
    # All cells have a score or an oracle's value, or none has.
    known = [name for name in titles if content["best"][name] is not None]
    frame = pd.DataFrame(content["candidates"])[["architecture", *known]].rename(columns=titles)
    return AnalysisCard(
        name="Candidates",
        title="Cells in order of promise",
        subtitle=f"{len(frame)}, {RANKED[content['ranked_by']]}.",
        df=frame,
        blob="",
    )
