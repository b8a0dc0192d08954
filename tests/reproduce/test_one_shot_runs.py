from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ax_anasod import cells
from ax_anasod.compare import Observer
from ax_anasod.exceptions import AnasodError, OptionError, RunError, UnknownNameError
from ax_anasod.reproduce import OneShotMethod, OneShotProtocol, make_runs
from ax_anasod.reproduce.one_shot_runs import tasks_of
from ax_anasod.reproduce.one_shot_task import OneShotTask
from ax_anasod.training import ImageData
from tests.reproduce.conftest import carry_out_here

CELL = cells.get("nas-bench-201")
METHODS = ("anasod-dnas", "darts")


class Watching(Observer):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.began: list[tuple[int, int, int]] = []
        self.failures: list[str] = []

    def begins(self, done: int, trials: int, runs: int) -> None:
        self.began.append((done, trials, runs))

    def failed(self, label: str, seed: int, reason: str) -> None:
        self.failures.append(f"{label}, seed {seed}: {reason}")


@pytest.fixture
def first(protocol: OneShotProtocol, digits: ImageData, tmp_path: Path) -> OneShotTask:
    """A search that has not begun."""
    return tasks_of(protocol, CELL, [OneShotMethod("anasod-dnas")], digits, 1, tmp_path)[0]


def test_searches_that_are_there_are_not_made_again(
    protocol: OneShotProtocol, digits: ImageData, searched: Path
) -> None:
    files = {path: path.read_bytes() for path in searched.rglob("*") if path.is_file()}
    watching = Watching()
    runs = make_runs(
        protocol, CELL, METHODS, images=digits, seeds=2, out=searched, observer=watching
    )
    assert watching.began == [(8, 8, 4)]
    assert [(each.label, each.seed) for each in runs.outcomes] == [
        ("anasod-dnas", 0),
        ("darts", 0),
        ("anasod-dnas", 1),
        ("darts", 1),
    ]
    assert runs.finished
    assert runs.steps["darts"] == (2, 19_500)
    first, second = runs.of("anasod-dnas")
    assert first.summary["p"] != second.summary["p"]
    assert first.cpu_seconds > 0
    drawn = [each["architecture"] for each in first.summary["candidates"][:50]]
    assert first.best_of_draws in drawn
    assert runs.of("darts")[0].best_of_draws is None
    assert {path: path.read_bytes() for path in searched.rglob("*") if path.is_file()} == files


def test_search_that_was_stopped_goes_on_to_the_same_result(
    first: OneShotTask, searched: Path
) -> None:
    assert carry_out_here(first, most=1) == [1]
    assert (first.outcome, first.done) == (None, 1)
    measured = first.folder / "measured.json"
    measured.write_text('{"cpu_seconds": 1000.0, "finished": false}')
    assert carry_out_here(first) == [2]
    outcome = first.outcome
    assert outcome is not None
    assert 1000 < outcome.cpu_seconds < 1100
    whole = searched / "one-shot" / "anasod-dnas" / "seed-0"
    assert (first.folder / "found.json").read_bytes() == (whole / "found.json").read_bytes()
    assert (
        outcome.best_of_draws == json.loads((whole / "measured.json").read_text())["best_of_draws"]
    )


def test_search_whose_end_was_not_written_ends_again(first: OneShotTask, searched: Path) -> None:
    whole = searched / "one-shot" / "anasod-dnas" / "seed-0"
    shutil.copytree(whole, first.folder)
    (first.folder / "measured.json").unlink()
    assert (first.outcome, first.done) == (None, 2)
    assert carry_out_here(first) == []
    assert first.outcome is not None
    assert (first.folder / "found.json").read_bytes() == (whole / "found.json").read_bytes()


def test_folder_of_another_protocol_is_refused(
    protocol: OneShotProtocol, digits: ImageData, searched: Path
) -> None:
    others = {
        "network": replace(protocol, network=replace(protocol.network, channels=3)),
        "method, training": replace(protocol, epochs=1),
        "data": replace(protocol, data=replace(protocol.data, seed=1)),
    }
    for different, other in others.items():
        with pytest.raises(RunError, match=f"another protocol; what differs: {different} "):
            make_runs(other, CELL, ["darts"], images=digits, seeds=1, out=searched)
    config = searched / "one-shot" / "darts" / "seed-0" / "dnas.json"
    before = config.read_text()
    try:
        config.write_text("{}")
        with pytest.raises(RunError):
            make_runs(protocol, CELL, ["darts"], images=digits, seeds=1, out=searched)
    finally:
        config.write_text(before)


def test_mistakes_are_refused_before_there_is_a_folder(
    protocol: OneShotProtocol, digits: ImageData, searched: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new"

    def refused(match: str, kind: type[AnasodError] = OptionError, **changes: object) -> None:
        settings: dict[str, object] = {
            "protocol": protocol,
            "cell": CELL,
            "methods": ["darts"],
            "images": digits,
            "out": out,
        }
        with pytest.raises(kind, match=match):
            make_runs(**{**settings, **changes})  # type: ignore[arg-type]

    refused("unknown method 'dart'", UnknownNameError, methods=["dart"])
    refused("'darts' is named twice", methods=["darts", "darts"])
    refused("no method is named", methods=[])
    refused("seeds must be at least 1 and at most 10,000,000, got 0", seeds=0)
    refused("jobs must be at least 1 and at most 10,000,000, got 0", jobs=0)
    refused("batch_size 71 is more than the 70 images", protocol=replace(protocol, batch_size=71))
    refused(
        "holds a differentiable search", RunError, out=searched / "one-shot" / "darts" / "seed-0"
    )
    file = tmp_path / "file"
    file.write_text("")
    refused("is a file, not a folder", RunError, out=file)
    assert not out.exists()


@pytest.mark.slow
def test_failing_search_is_named_and_leaves_the_others_alone(
    protocol: OneShotProtocol, digits: ImageData, searched: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(searched / "one-shot" / "anasod-dnas", out / "one-shot" / "anasod-dnas")
    shutil.rmtree(out / "one-shot" / "anasod-dnas" / "seed-1")
    # Nothing can be written below a file.
    (out / "one-shot" / "darts").write_text("")
    watching = Watching()
    runs = make_runs(
        protocol, CELL, METHODS, images=digits, seeds=2, jobs=2, out=out, observer=watching
    )
    assert [(each.label, each.seed) for each in runs.outcomes] == [
        ("anasod-dnas", 0),
        ("anasod-dnas", 1),
    ]
    assert sorted(runs.failures) == sorted(watching.failures)
    assert [failure.partition(": ")[0] for failure in sorted(runs.failures)] == [
        "darts, seed 0",
        "darts, seed 1",
    ]
    assert "one-shot/darts" in (out / "failures.txt").read_text()
    # In another process, the same seed gives the same search.
    again = out / "one-shot" / "anasod-dnas" / "seed-1" / "found.json"
    there = searched / "one-shot" / "anasod-dnas" / "seed-1" / "found.json"
    assert again.read_bytes() == there.read_bytes()
