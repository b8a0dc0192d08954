"""Folders that are deleted, moved or replaced while a command works in them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ax_anasod.compare import Observer
from ax_anasod.journal import read_records
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.training import Training
from tests.cli.conftest import Command

SMALL = [
    *("--images", 100, "--channels", 2, "--cells", 3, "--epochs", 2),
    *("--batch-size", 32, "--device", "cpu"),
]
Accident = Callable[[Path], object]


def replace(run: Path) -> None:
    """Another folder in the place of one that was deleted."""
    shutil.rmtree(run)
    run.mkdir()
    (run / "mine").write_text("mine")


def move(run: Path) -> None:
    run.rename(run.with_name("elsewhere"))


def timeless(run: Path) -> list[object]:
    """All that is known of a run's trials, but how long they took."""
    return [
        (record.start, record.end and {**vars(record.end), "seconds": None})
        for record in read_records(run / "journal.jsonl")
    ]


def at_call(
    number: int, kind: type, name: str, action: Callable[[], object], patch: pytest.MonkeyPatch
) -> None:
    """Let something happen after the n-th call of a method."""
    method, calls = getattr(kind, name), []

    def counted(self: Any, *arguments: Any, **options: Any) -> Any:
        result = method(self, *arguments, **options)
        calls.append(None)
        if len(calls) == number:
            action()
        return result

    patch.setattr(kind, name, counted)


def test_the_trials_of_a_search_are_kept_beside_its_folder(
    command: Command, table: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = ["search", *table, "--accuracy", "valid", "--strategy", "random", "--trials", 6]
    whole, run, kept = tmp_path / "whole", tmp_path / "my run", tmp_path / "my run-rescued-1"
    assert command(*search, "--out", whole).code == 0
    with monkeypatch.context() as patch:
        at_call(3, TableBenchmark, "query", lambda: replace(run), patch)
        outcome = command(*search, "--out", run, "--json")
    assert outcome.code == 1
    said = f"error: the journal {run}/journal.jsonl was deleted while its run was at work"
    assert outcome.err.splitlines()[-1].startswith(said)
    # The third trial was proposed, and had no end in the journal yet.
    assert f"(all 2 trials are kept in {kept}; go on with: ax-anasod resume '{kept}')" in (
        outcome.err
    )
    assert outcome.json["trials"] == 2
    assert [path.name for path in run.iterdir()] == ["mine"]
    assert timeless(kept) == [*timeless(whole)[:2], (timeless(whole)[2][0], None)]
    assert command("resume", kept).code == 0
    assert timeless(kept) == timeless(whole)


def test_a_search_whose_folder_was_moved_goes_on_there(
    command: Command, table: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = ["search", *table, "--accuracy", "valid", "--strategy", "random", "--trials", 6]
    whole, run = tmp_path / "whole", tmp_path / "run"
    assert command(*search, "--out", whole).code == 0
    with monkeypatch.context() as patch:
        at_call(3, TableBenchmark, "query", lambda: move(run), patch)
        outcome = command(*search, "--out", run)
    assert outcome.code == 1
    assert "was moved or replaced while its run was at work" in outcome.err
    assert "all 2 trials are in it, wherever it is now" in outcome.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "files", "whole"]
    assert command("resume", tmp_path / "elsewhere").code == 0
    assert timeless(tmp_path / "elsewhere") == timeless(whole)


def test_a_folder_that_is_deleted_at_the_end_is_not_said_to_be_kept(
    command: Command, table: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    search = ["search", *table, "--accuracy", "valid", "--strategy", "random", "--trials", 3]
    write = "ax_anasod.runs.artefacts.write_pictures"
    monkeypatch.setattr(write, lambda *arguments, **options: shutil.rmtree(run))
    outcome = command(*search, "--out", run, "--json")
    assert outcome.code == 1
    assert outcome.json["trials"] == 3
    assert "was deleted while its run was at work" in outcome.err
    assert len(read_records(tmp_path / "run-rescued-1" / "journal.jsonl")) == 3
    assert not run.exists()


def test_trials_that_cannot_be_kept_are_said_to_be_lost(
    command: Command, table: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "folder" / "run"
    search = ["search", *table, "--accuracy", "valid", "--strategy", "random", "--trials", 6]

    def accident() -> None:
        shutil.rmtree(run.parent)

    at_call(3, TableBenchmark, "query", accident, monkeypatch)
    outcome = command(*search, "--out", run)
    assert outcome.code == 1
    assert "all 2 trials are lost: the folder" in outcome.err
    assert "kept" not in outcome.err
    assert not run.parent.exists()


@pytest.mark.slow
def test_a_training_does_not_go_on_in_a_folder_that_is_gone(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    train = ["train", *SMALL, "--strategy", "random", "--trials", 3, "--out", run]
    with monkeypatch.context() as patch:
        # Before the checkpoint of the epoch is written.
        at_call(3, Training, "_learn", lambda: shutil.rmtree(run), patch)
        outcome = command(*train)
    assert outcome.code == 1
    kept = tmp_path / "run-rescued-1"
    assert f"its only trial is kept in {kept}" in outcome.err
    assert not run.exists()
    assert command("resume", kept).code == 0
    assert [record.end is not None for record in read_records(kept / "journal.jsonl")] == [True] * 3


@pytest.mark.slow
@pytest.mark.parametrize("accident", [replace, move])
def test_what_is_trained_for_good_is_kept(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accident: Accident
) -> None:
    run, out = tmp_path / "run", tmp_path / "out"
    train = ["train", *SMALL, "--strategy", "random", "--trials", 1, "--out", run]
    assert command(*train).code == 0
    evaluate = ["evaluate", run, "--epochs", 3, "--images", 100, "--batch-size", 32]
    evaluate += ["--device", "cpu", "--json"]
    whole = command(*evaluate, "--out", tmp_path / "whole").json
    with monkeypatch.context() as patch:
        at_call(2, Training, "train_epoch", lambda: accident(out), patch)
        outcome = command(*evaluate, "--out", out)
    assert outcome.code == 1
    assert outcome.out == ""
    if accident is move:
        assert "was moved or replaced while a network was trained in it" in outcome.err
        kept = tmp_path / "elsewhere"
    else:
        kept = tmp_path / "out-rescued-1"
        assert f"its 2 epochs are kept; the same command goes on with --out {kept}" in outcome.err
    assert not out.exists() or [path.name for path in out.iterdir()] != ["checkpoint.pt"]
    again = command(*evaluate, "--out", kept).json
    for name in ("test_error", "negative_log_likelihood"):
        assert again[name] == whole[name]


class Accidental(Observer):
    """Something happens to the folder after some trials."""

    def __init__(self, at: int, action: Callable[[], object]) -> None:
        self.at, self.action = at, action

    def progressed(self, done: int, runs: int) -> None:
        if done == self.at:
            self.action()


@pytest.mark.slow
def test_a_comparison_keeps_its_trials(
    command: Command, table: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = ["compare", *table, "--accuracy", "valid", "--strategies", "random,anasod-random"]
    compare += ["--trials", 4, "--seeds", 2]
    out, kept = tmp_path / "out", tmp_path / "out-rescued-1"
    accident = Accidental(6, lambda: shutil.rmtree(out))
    with monkeypatch.context() as patch:
        progress = "ax_anasod.cli.comparison_view.ComparisonProgress.progressed"
        patch.setattr(progress, lambda _, done, runs: accident.progressed(done, runs))
        outcome = command(*compare, "--out", out)
    assert outcome.code == 1
    assert f"error: the folder {out} was deleted while the comparison was at work" in outcome.err
    assert f"trials are kept in {kept}; the same command goes on" in outcome.err
    assert not out.exists()
    journals = kept.glob("runs/*/*.jsonl")
    assert sum(len(read_records(journal)) for journal in journals) >= 6
    again = command(*compare, "--out", kept)
    assert again.code == 0
    assert command(*compare, "--out", tmp_path / "whole").code == 0
    results = [(folder / "results.csv").read_bytes() for folder in (kept, tmp_path / "whole")]
    assert results[0] == results[1]
