"""The tutorials: each notebook is what its script says, has been run, and still runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "tutorials"
NAMES = ["compare_strategies", "quickstart", "your_own_cell"]
PICTURES = {"image/png", "application/vnd.plotly.v1+json"}


def cells_of(path: Path) -> list[tuple[str, str]]:
    """Kind and text of each cell, of a script in percent format or of a notebook."""
    return [(cell.cell_type, cell.source.strip()) for cell in jupytext.read(path).cells]


def test_every_tutorial_is_listed_here() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.py")) == NAMES
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_notebook_is_its_script(name: str) -> None:
    assert cells_of(FOLDER / f"{name}.ipynb") == cells_of(FOLDER / f"{name}.py")


@pytest.mark.parametrize("name", NAMES)
def test_committed_outputs_are_whole(name: str) -> None:
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert any(PICTURES & set(output.get("data", ())) for output in outputs)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_tutorial_runs(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute"]
    done = subprocess.run(
        [*command, "--output-dir", str(tmp_path), str(FOLDER / f"{name}.ipynb")],
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
