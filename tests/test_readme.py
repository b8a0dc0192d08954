"""The README's Python blocks and commands run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
PYTHON = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
COMMANDS = [
    line
    for block in re.findall(r"```console\n(.*?)```", README.read_text(), flags=re.DOTALL)
    for line in block.splitlines()
    if line.startswith("ax-anasod ")
]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_python_block_runs(number: int, tmp_path: Path) -> None:
    script = tmp_path / "block.py"
    script.write_text(PYTHON[number])
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    if "print(" in PYTHON[number]:
        assert done.stdout.strip()


@pytest.mark.slow
def test_commands_run_in_order(tmp_path: Path) -> None:
    assert COMMANDS
    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "ax_anasod", *command.split()[1:]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
