"""A run that is saved, loaded in a new process and continued is the uninterrupted run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("continue_run.py")
TRIALS = 40
CUTS = (1, 10, 11, 25)


def leg(kind: str, path: Path, trials: int) -> list[Any]:
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", str(SCRIPT), kind, str(path), str(trials)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr
    trials_done: list[Any] = json.loads(finished.stdout.splitlines()[-1])
    return trials_done


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["json", "sql"])
def test_continued_in_new_processes(kind: str, tmp_path: Path) -> None:
    uninterrupted = leg("json", tmp_path / "whole.json", TRIALS)
    path = tmp_path / f"cut.{kind}"
    for cut in CUTS:
        assert leg(kind, path, cut) == uninterrupted[:cut]
    assert leg(kind, path, TRIALS) == uninterrupted
