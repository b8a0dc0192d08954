from __future__ import annotations

import json
from pathlib import Path

from ax_anasod.runs import RunFolder
from tests.cli.conftest import Command


def test_a_longer_run_is_the_run_that_would_have_been(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    options = [*table, "--accuracy", "valid", "--cost", "seconds", "--option", "num_initial=3"]
    whole = command("search", *options, "--trials", 8, "--json").json
    out = tmp_path / "run"
    assert command("search", *options, "--trials", 2, "--out", out).code == 0
    for trials in (5, 8):
        content = command("resume", out, "--trials", trials, "--json").json
        assert content["trials"] == trials
    untimed = {"seconds", "seconds_per_trial", "out"}
    assert {k: v for k, v in content.items() if k not in untimed} == {
        k: v for k, v in whole.items() if k not in untimed
    }


def test_another_environment_is_said(command: Command, table: list[object], tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = ["--accuracy", "valid", "--strategy", "random", "--trials", 2, "--out", out]
    assert command("search", *table, *options).code == 0
    assert "was started with" not in command("resume", out, "--trials", 3).err
    config = json.loads((out / "config.json").read_text())
    now = config["environment"]["torch"]
    config["environment"]["torch"] = "1.0"
    (out / "config.json").write_text(json.dumps(config))
    outcome = command("resume", out, "--trials", 4)
    assert outcome.code == 0
    assert f"note: the run was started with torch 1.0 (now {now})" in outcome.err


def test_a_finished_run_gets_its_files_again(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    options = ["--accuracy", "valid", "--strategy", "random", "--trials", 3, "--out", out]
    first = command("search", *table, *options, "--json").json
    journal = (out / "journal.jsonl").read_bytes()
    for name in ("trials.csv", "report.html", "experiment.db", "incumbent.png"):
        (out / name).unlink()
    outcome = command("resume", out, "--json")
    assert outcome.code == 0
    assert outcome.json == first
    assert (
        "note: all 3 trials are done, nothing is left; for a longer run: --trials N" in outcome.err
    )
    assert (out / "journal.jsonl").read_bytes() == journal
    for name in ("trials.csv", "report.html", "experiment.db", "incumbent.png"):
        assert (out / name).exists()


def test_results_are_shown_where_a_file_cannot_be_written(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    options = ["--accuracy", "valid", "--strategy", "random", "--trials", 3, "--out", out]
    first = command("search", *table, *options, "--json").json
    (out / "report.html").unlink()
    (out / "report.html").mkdir()
    (out / "report.html" / "kept").touch()
    outcome = command("resume", out, "--json")
    assert outcome.code == 1
    assert outcome.json == first
    assert "report.html cannot be written: " in outcome.err
    assert f"(all trials are kept; go on with: ax-anasod resume {out})" in outcome.err


def test_the_planned_number_of_trials_is_remembered(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    options = ["--accuracy", "valid", "--strategy", "anasod-biased-random"]
    assert command("search", *table, *options, "--trials", 2, "--out", out).code == 0
    outcome = command("resume", out, "--trials", 4)
    assert outcome.code == 0
    assert "the schedule of anasod-biased-random was planned for 2 trials" in outcome.err
    config = json.loads((out / "config.json").read_text())
    assert (config["trials"], config["options"]) == (4, {"num_trials": 2})
    assert command("show", out, "--json").json["trials"] == 4


def test_a_folder_may_be_moved(command: Command, table: list[object], tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = ["--accuracy", "valid", "--strategy", "random", "--trials", 2, "--out", out]
    assert command("search", *table, *options).code == 0
    moved = out.rename(tmp_path / "a new place")
    content = command("resume", moved, "--trials", 3, "--json").json
    assert (content["trials"], content["out"]) == (3, str(moved))


def test_a_run_in_use_is_refused(command: Command, table: list[object], tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = ["--accuracy", "valid", "--strategy", "random", "--trials", 2, "--out", out]
    assert command("search", *table, *options).code == 0
    with RunFolder.open(out):
        outcome = command("resume", out)
        assert outcome.code == 2
        assert "is being continued by another process" in outcome.err
        assert "state running, 2 of 2 trials" in " ".join(command("show", out).out.split())
