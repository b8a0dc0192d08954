"""A run that is saved, loaded in a new process and continued is the uninterrupted run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("continue_run.py")
TRIALS = 40
CUTS = (1, 10, 11, 25)


@pytest.mark.slow
def test_continued_in_new_processes(
    run_script: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    def leg(kind: str, path: Path, trials: int) -> list[Any]:
        finished = run_script(SCRIPT, kind, path, trials, folder=tmp_path)
        assert finished.returncode == 0, finished.stderr
        trials_done: list[Any] = json.loads(finished.stdout.splitlines()[-1])
        return trials_done

    uninterrupted = leg("json", tmp_path / "whole.json", TRIALS)
    for kind in ("json", "sql"):
        path = tmp_path / f"cut.{kind}"
        for cut in CUTS:
            assert leg(kind, path, cut) == uninterrupted[:cut]
        assert leg(kind, path, TRIALS) == uninterrupted
