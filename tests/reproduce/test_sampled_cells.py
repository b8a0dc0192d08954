from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell, NASNetCell
from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.journal import Completed, Started
from ax_anasod.networks import published_config
from ax_anasod.reproduce import reproduce, reproduce_cells, write_files
from ax_anasod.runs import RunFolder, plan_run
from ax_anasod.training import DataConfig, Hardware, TrainingConfig, TrainingTask

# The paper's best encoding of its own cell.
COUNTS = {"max_pool_3x3": 1, "skip_connect": 6, "sep_conv_5x5": 1, "dil_conv_3x3": 2}


def run_of(cell: Cell, counts: np.ndarray, folder: Path) -> Path:
    """The folder of a run with one trial, written without training."""
    task = TrainingTask(
        cell, DataConfig("digits"), published_config(cell), TrainingConfig(), Hardware("cpu")
    )
    encoding = dict(zip(cell.operations, counts.tolist(), strict=True))
    codes = task.draw(counts, np.random.default_rng(0))
    with RunFolder.create(folder, plan_run(task, "anasod-random", trials=1, seed=0)) as run:
        run.journal.append(
            Started(0, 0, {}, "sobol", "generator"),
            Completed(
                trial=0,
                values={"valid_error": 20.0, "valid_loss": 1.0, "parameters": 1e5},
                architecture=" ; ".join(cell.to_strings(codes)),
                encoding=encoding,
                cost_seconds=None,
                seconds=1.0,
            ),
        )
    return folder


def test_encoding_of_a_run_stands_beside_the_paper_s(tmp_path: Path) -> None:
    cell = NASNetCell()
    counts = np.array([COUNTS.get(name, 0) for name in cell.operations])
    made = reproduce_cells(run_of(cell, counts, tmp_path / "run"))
    header, rows = made.table()
    assert header == ["operation", "count", "share", "paper"]
    assert rows[3] == ["skip_connect", "6", "0.60", "6"]
    assert all(row[1] == row[3] for row in rows)
    # Normal and reduction cell, each drawn from the encoding.
    samples = made.as_dict()["samples"]
    assert [[cell["title"] for cell in sample] for sample in samples] == [
        ["normal", "reduction"]
    ] * 3
    texts = [each["architecture"] for sample in samples for each in sample]
    assert len(set(texts)) == 6
    assert (cell.encode(cell.from_strings(texts)) == counts).all()
    assert "trial 0, validation error 20.00 %" in made.notes()[0]
    files = write_files(made, tmp_path / "new")
    assert [file.name for file in files] == [
        "figure7.md",
        "figure7.csv",
        "figure7.html",
        "figure7.png",
    ]


def test_arrows_are_the_operations_in_their_colours(tmp_path: Path) -> None:
    from matplotlib.colors import to_hex

    from ax_anasod.plots import style

    cell = NASNetCell()
    counts = np.array([COUNTS.get(name, 0) for name in cell.operations])
    made = reproduce_cells(run_of(cell, counts, tmp_path / "run"), samples=1)
    figure = made.draw()
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["normal", "reduction"]
    colours = style.operation_colours(cell.num_operations)
    for axes in figure.axes:
        drawn = [
            to_hex(text.arrow_patch.get_edgecolor())
            for text in axes.texts
            if text.arrow_patch is not None
        ]
        for operation, count in zip(range(len(counts)), counts, strict=True):
            assert drawn.count(colours[operation].lower()) == count
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["1  max_pool_3x3", "6  skip_connect", "1  sep_conv_5x5", "2  dil_conv_3x3"]


def test_parts_of_a_cell_are_drawn_beside_each_other(tmp_path: Path) -> None:
    darts = cells.get("darts")
    made = reproduce_cells(run_of(darts, np.array([1, 0, 4, 3, 0, 0, 0]), tmp_path / "run"))
    assert [[panel.title for panel in row] for row in made.panels] == [["normal", "reduce"]] * 3
    assert made.table()[0] == ["operation", "count", "share"]
    made.draw()


def test_cells_of_a_differentiable_search_are_drawn_from_its_distribution(
    searched: Path,
) -> None:
    folder = searched / "one-shot" / "anasod-dnas" / "seed-0"
    p = json.loads((folder / "search.json").read_text())["p"]
    made = reproduce("figure7", runs=[folder], seeds=4)
    assert {entry["operation"]: entry["share"] for entry in made.records()} == pytest.approx(p)
    content = made.as_dict()
    # In the skeleton of NAS-Bench-201 every cell is of one kind.
    assert [[each["title"] for each in sample] for sample in content["samples"]] == [["cell"]] * 4
    # `none` is left out of this search.
    cell_texts = [each["architecture"] for sample in content["samples"] for each in sample]
    assert not any("none" in text for text in cell_texts)
    per_block = reproduce("figure7", runs=[searched / "one-shot" / "darts" / "seed-0"])
    assert "mean over the blocks" in per_block.notes()[0]


def test_what_holds_no_result_is_refused(searched: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="figure7 shows the encoding of one run, got 0"):
        reproduce("figure7")
    with pytest.raises(OptionError):
        reproduce_cells(searched / "one-shot" / "darts" / "seed-0", samples=0)
    with pytest.raises(RunError):
        reproduce_cells(tmp_path / "nowhere")
    unfinished = shutil.copytree(searched / "one-shot" / "darts" / "seed-0", tmp_path / "part")
    (unfinished / "found.json").unlink()
    with pytest.raises(RunError):
        reproduce_cells(unfinished)
