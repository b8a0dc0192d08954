from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command

SEARCH = ["--accuracy", "valid", "--strategy", "random", "--trials"]


def told(out: Path) -> list[int]:
    content = json.loads((out / "journal.tracked.json").read_text())
    return list(content["told"]["tensorboard"]["trials"])


def test_trials_are_told_also_when_the_run_goes_on(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard")
    out = tmp_path / "run"
    tracked = ["--track", "tensorboard"]
    assert command("search", *table, *SEARCH, 2, "--out", out, *tracked).code == 0
    assert told(out) == [0, 1]
    assert command("resume", out, "--trials", 4, *tracked).code == 0
    assert told(out) == [0, 1, 2, 3]
    logs = sorted(path.name for path in (out / "tensorboard/trials").iterdir())
    assert logs == ["0000", "0001", "0002", "0003"]


def test_a_tracker_that_fails_is_one_line(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard")
    out = tmp_path / "run"
    out.mkdir()
    # No folder can be made in the place of a file.
    (out / "tensorboard").write_text("")
    outcome = command(
        "search", *table, *SEARCH, 2, "--out", out, "--track", "tensorboard", "--json"
    )

    assert outcome.code == 0
    assert outcome.json["trials"] == 2
    notes = [line for line in outcome.err.splitlines() if line.startswith("note: ")]
    (line,) = (line for line in notes if "tensorboard" in line)
    assert "has failed and is told no more by this process: " in line


@pytest.mark.parametrize("name", ["search", "compare"])
def test_what_cannot_be_tracked_is_refused(
    refused: Callable[..., str], table: list[object], tmp_path: Path, name: str
) -> None:
    options = [*table, "--accuracy", "valid"]
    options += ["--strategies", "random"] if name == "compare" else []
    assert "unknown tracker 'tensorbord'" in refused(name, *options, "--track", "tensorbord")
    assert "--out DIR" in refused(name, *options, "--track", "tensorboard")
    twice = ["--out", tmp_path / "run", "--track", "tensorboard", "--track", "tensorboard"]
    assert "is given twice" in refused(name, *options, *twice)
    assert not (tmp_path / "run").exists()


def test_a_package_that_is_missing_is_named(
    refused: Callable[..., str], table: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    line = refused("search", *table, "--accuracy", "valid", "--track", "mlflow")
    assert 'pip install "ax-anasod[mlflow]"' in line


def test_a_new_run_does_not_take_what_another_was_told(
    refused: Callable[..., str], table: list[object], tmp_path: Path
) -> None:
    (tmp_path / "journal.tracked.json").write_text("{}")
    options = [*table, *SEARCH, 2, "--out", tmp_path]
    assert "has a file journal.tracked.json already" in refused("search", *options)
