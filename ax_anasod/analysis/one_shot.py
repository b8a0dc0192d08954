"""The pictures and the page of a differentiable search."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd
from ax.core.analysis_card import AnalysisCard

from ax_anasod.analysis.page import Html, Page, paragraphs, picture
from ax_anasod.analysis.search_summary import found_part
from ax_anasod.cells import Cell
from ax_anasod.dnas.result_files import RANKED
from ax_anasod.files import write_whole
from ax_anasod.plots import style
from ax_anasod.plots.figure import save
from ax_anasod.plots.one_shot_course import draw_quality, draw_shares

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
