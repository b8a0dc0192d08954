from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Command
from tests.nasbench.nasbench301.test_installation import notes as notes
from tests.nasbench.nasbench301.test_installation import python as python


def test_one_command(command: Command, python: str, tmp_path: Path) -> None:
    directory = tmp_path / "nb301"
    outcome = command("setup-nasbench301", "--python", python, "--into", str(directory))
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.count("\n$ ") == 3
    assert f"ready: {directory}/venv/bin/python\n" in outcome.out
    assert f"--benchmark nas-bench-301 --data {directory}\n" in outcome.out


def test_mistakes_and_failures_are_one_line(
    command: Command, python: str, notes: Path, tmp_path: Path
) -> None:
    outcome = command("setup-nasbench301", "--python", "no-such-python", "--into", str(tmp_path))
    assert outcome.code == 2
    assert outcome.err == "error: there is no interpreter 'no-such-python' (name a Python 3.11)\n"
    (notes / "answer").write_text('{"error": "ImportError: no libgomp"}')
    outcome = command("setup-nasbench301", "--python", python, "--into", str(tmp_path / "nb301"))
    assert outcome.code == 1
    assert outcome.err.startswith("error: nasbench301 cannot be imported by ")
    assert outcome.err.count("\n") == 1
