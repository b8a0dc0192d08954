"""The tutorials: each notebook is what its script says, has been run, and still runs."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from tests.conftest import PATIENCE

FOLDER = Path(__file__).resolve().parents[2] / "tutorials"
SCRIPTS = sorted(FOLDER.glob("*.py"))
LARGEST = 500_000  # bytes of a notebook: it stays in the history for ever
# Seconds for one cell. Each tutorial takes less than two minutes on two free cores.
PNG = b"\x89PNG\r\n\x1a\n"
# What a tutorial promises, as it prints it: these hold on any machine.
PROMISES = {
    "differentiable_search": [
        "500 digits for the weights, 500 for p; 200 steps each",
        "the first trial is the first cell of the result: True",
    ],
    "hybrid_language_model": [
        "729 architectures, 28 distributions",
        "the best ratio of the loss is a mixture: True",
        "two-level-bo  every run ahead of random search's mean: True",
    ],
    "joint_search": [
        "best of 25 trials with a cell:",
        "all kept: True",
        "searches cells only",
        "no encoding of 4 blocks keeps 'n_relu >= 2' together with n_norm >= 3",
    ],
    "quickstart": [
        "architectures:  26,206",
        "the same trials as with Client: True",
        "identical:     True",
    ],
    "several_objectives": [
        "the median run is ahead of random search: True",
        "every trial keeps the limit: True",
        "no network was trained beyond the limit: True",
        "ONNX Runtime agrees with PyTorch: True",
    ],
    "train_images": [
        "19,448 encodings",
        "exit code: -9",
        "the epochs before the kill were not trained again: True",
        "values of the trials, bit for bit the same: True",
        "the loaded model says the same: True",
    ],
    "two_level": [
        "the most promising are among the best tenth: True",
        "stopped: the last 5 trials",
    ],
    "what_you_know": [
        "no better than chance",
        "trials: 35 of which 5 are of earlier work",
    ],
    "your_own_cell": ["the same cell: True", "FloatingPointError: the loss is"],
}

# Where a tutorial takes long, the run of the test has smaller numbers: none of what is promised
# hangs on them. What is committed, and what its text says, is of the numbers as they stand.
SMALLER = {
    "compare_strategies": {"trials=20": "trials=12", "seeds=3": "seeds=2"},
    "differentiable_search": {
        "candidates=15": "candidates=5",
        "options(epochs=5)": "options(epochs=1)",
        "TRIALS, INITIAL = 8, 4": "TRIALS, INITIAL = 5, 3",
    },
    "joint_search": {"for seed in range(2)": "for seed in range(1)", "in range(8)": "in range(3)"},
    "several_objectives": {
        "TRIALS, SEEDS = 50, 3": "TRIALS, SEEDS = 25, 3",
        '"--epochs", 3]': '"--epochs", 1]',
        '"--trials", 12': '"--trials", 7',
        '"--epochs", 40': '"--epochs", 3',
    },
    "train_images": {
        "images=900": "images=300",
        "TRIALS = 9": "TRIALS = 6",
        '{"epochs": 5,': '{"epochs": 1,',
        "members=3": "members=2",
    },
    "your_own_cell": {
        "SEEDS = (0, 1, 2)": "SEEDS = (0,)",
        "TRIALS = 25": "TRIALS = 12",
        "range(10, 18)": "range(10, 12)",
    },
}

every_tutorial = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)


def committed(script: Path) -> NotebookNode:
    return nbformat.read(script.with_suffix(".ipynb"), as_version=4)


def outputs(notebook: NotebookNode) -> Iterator[NotebookNode]:
    for cell in notebook.cells:
        yield from cell.get("outputs", [])


def printed(notebook: NotebookNode, stream: str) -> str:
    return "".join(output.text for output in outputs(notebook) if output.get("name") == stream)


def test_tutorials_are_pairs() -> None:
    names = [script.stem for script in SCRIPTS]
    assert set(PROMISES) <= set(names)
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == names


@every_tutorial
def test_notebook_is_its_script(script: Path) -> None:
    pair = jupytext.read(script), committed(script)
    texts = [[(cell.cell_type, cell.source.strip()) for cell in half.cells] for half in pair]
    assert texts[0] == texts[1], "run make tutorials"
    assert [half.metadata.jupytext.formats for half in pair] == ["ipynb,py:percent"] * 2


@every_tutorial
def test_committed_notebook_has_been_run(script: Path) -> None:
    notebook = committed(script)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [output for output in outputs(notebook) if output.output_type == "error"]
    assert printed(notebook, "stderr") == ""
    for promise in PROMISES.get(script.stem, []):
        assert promise in printed(notebook, "stdout")


@every_tutorial
def test_committed_notebook_shows_pictures_and_is_small(script: Path) -> None:
    pictures = [
        base64.b64decode(output.data["image/png"])
        for output in outputs(committed(script))
        if "image/png" in output.get("data", {})
    ]
    assert pictures
    assert all(picture.startswith(PNG) for picture in pictures)
    assert script.with_suffix(".ipynb").stat().st_size < LARGEST


@pytest.mark.slow
@every_tutorial
def test_tutorial_runs(script: Path, tmp_path: Path) -> None:
    text = script.read_text()
    for number, smaller in SMALLER.get(script.stem, {}).items():
        assert number in text
        text = text.replace(number, smaller)
    notebook = jupytext.reads(text, fmt="py:percent")
    client = NotebookClient(
        notebook,
        timeout=PATIENCE,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    # Whatever a library says on the way would be the first thing that a reader sees.
    assert printed(notebook, "stderr") == ""
    for promise in PROMISES.get(script.stem, []):
        assert promise in printed(notebook, "stdout")
    assert list(tmp_path.iterdir()) == []
