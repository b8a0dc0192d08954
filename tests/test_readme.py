"""The Python blocks of README and pages, and the commands of the README, run as they stand."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, run

import pytest

from tests.conftest import PATIENCE

README = Path(__file__).parents[1] / "README.md"
PAGES = "".join(
    page.read_text()
    for page in (README, *(README.parent / "docs" / name for name in ("training.md", "do/ax.md")))
)
PYTHON = re.findall(r"```python\n(.*?)```", PAGES, flags=re.DOTALL)
COMMANDS = [
    line
    for block in re.findall(r"```console\n(.*?)```", README.read_text(), flags=re.DOTALL)
    for line in block.splitlines()
    if line.startswith("ax-anasod ")
]


Run = Callable[..., CompletedProcess[str]]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, len(PYTHON)))
def test_python_block_runs(number: int, run_script: Run, tmp_path: Path) -> None:
    script = tmp_path / "block.py"
    script.write_text(PYTHON[number])
    done = run_script(script, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    if "print(" in PYTHON[number]:
        assert done.stdout.strip()


@pytest.mark.slow
def test_the_first_block_runs_and_no_dependency_says_anything_beside_it(tmp_path: Path) -> None:
    # Whoever has loaded Ax before keeps its log, as `run_script` has.
    command = [sys.executable, "-c", PYTHON[0]]
    done = run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stderr == ""
    assert done.stdout.strip()


@pytest.mark.slow
def test_commands_run_in_order(run_script: Run, tmp_path: Path) -> None:
    assert COMMANDS
    for command in COMMANDS:
        done = run_script("ax_anasod", *command.split()[1:], folder=tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
