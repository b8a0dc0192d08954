"""The files of docs/extending.md run as they stand."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

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


Run = Callable[..., str]


@pytest.fixture
def run(run_script: Callable[..., CompletedProcess[str]], folder: Path) -> Run:
    """Runs a script or module in the folder; what it prints."""

    def printed(script: Path | str, *arguments: str) -> str:
        done = run_script(script, *arguments, folder=folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return printed


@pytest.mark.slow
def test_the_search_of_the_page(run: Run, folder: Path) -> None:
    printed = run(folder / "run.py")
    errors = dict(re.findall(r"^([a-z-]+) +([\d.]+)$", printed, flags=re.MULTILINE))
    assert errors.keys() == {"random", "greedy", "anasod-bo"}
    assert all(0 < float(error) < 100 for error in errors.values())
    assert (folder / "compared" / "results.csv").exists()
    assert re.search(r"^\{'error': \(.+\)\} \w+\|\w+\|\w+$", printed, flags=re.MULTILINE)


@pytest.mark.slow
def test_the_commands_of_the_page(run: Run) -> None:
    (block,) = re.findall(r"```\n(ax-anasod .*?)```", PAGE.read_text(), flags=re.DOTALL)
    commands = [shlex.split(line) for line in block.replace("\\\n", " ").splitlines()]
    assert [command[0] for command in commands] == ["ax-anasod"] * 4
    compare, search, resume, show = (run("ax_anasod", *command[1:]) for command in commands)
    assert "greedy:restart_probability=0.2   3 of 3" in compare
    for printed, trials in ((search, 20), (resume, 30), (show, 30)):
        assert re.search(rf"trials +{trials}\b", printed)


@pytest.mark.slow
def test_the_tests_of_the_page(run: Run) -> None:
    assert re.search(r"\b16 passed, 2 skipped", run("pytest", "-q", "test_mine.py"))
