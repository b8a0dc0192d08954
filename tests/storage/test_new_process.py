"""A run that is saved, loaded in a new process and continued is the uninterrupted run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("continue_run.py")
TRIALS = 24
CUTS = (1, 10, 11, 17)


@pytest.mark.slow
def test_continued_in_new_processes(
    run_script: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    def leg(trials: int, *files: str) -> list[list[Any]]:
        finished = run_script(SCRIPT, trials, *(tmp_path / name for name in files), folder=tmp_path)
        assert finished.returncode == 0, finished.stderr
        return [json.loads(line) for line in finished.stdout.splitlines()[-len(files) :]]

    (uninterrupted,) = leg(TRIALS, "whole.json")
    assert len(uninterrupted) == TRIALS
    for cut in (*CUTS, TRIALS):
        assert leg(cut, "cut.json", "cut.db") == [uninterrupted[:cut]] * 2
