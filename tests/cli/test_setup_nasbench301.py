from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.nasbench.nasbench301.test_installation import notes as notes
from tests.nasbench.nasbench301.test_installation import uv as uv


@pytest.mark.usefixtures("uv")
def test_one_command(command: Command, notes: Path) -> None:
    outcome = command("setup-nasbench301")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.count("$ ") == 2
    assert f"ready: {notes}/venv/bin/python\n" in outcome.out
    assert outcome.out.endswith("ax-anasod search --benchmark nas-bench-301 --data DIR\n")


@pytest.mark.usefixtures("uv")
def test_mistakes_and_failures_are_one_line(
    command: Command, notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (notes / "answer").write_text('{"error": "ImportError: no libgomp"}\n')
    outcome = command("setup-nasbench301")
    assert outcome.code == 1
    assert outcome.err.startswith("error: nasbench301 cannot be imported by ")
    assert outcome.err.count("\n") == 1
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    outcome = command("setup-nasbench301")
    assert outcome.code == 2
    said = "error: the package 'uv' is not installed (pip install \"ax-anasod[nasbench301]\")\n"
    assert outcome.err == said
