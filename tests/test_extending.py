"""The files of docs/extending.md run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "extending.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of the page."""
    folder = tmp_path_factory.mktemp("extending")
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL):
        name = re.match(r"# (\S+\.py)\n", block)
        assert name is not None
        (folder / name[1]).write_text(block)
    return folder


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_search_of_the_page(folder: Path) -> None:
    printed = run(folder, "run.py")
    errors = dict(re.findall(r"^([a-z-]+) +([\d.]+)$", printed, flags=re.MULTILINE))
    assert errors.keys() == {"random", "greedy", "anasod-bo"}
    assert all(0 < float(error) < 100 for error in errors.values())
    assert (folder / "compared" / "results.csv").exists()
    assert re.search(r"^2 \{'block_0': ", printed, flags=re.MULTILINE)


@pytest.mark.slow
def test_the_tests_of_the_page(folder: Path) -> None:
    assert re.search(r"\b15 passed", run(folder, "-m", "pytest", "-q", "test_mine.py"))
