from __future__ import annotations

import os
import resource
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.exceptions import RunError
from ax_anasod.journal import (
    Completed,
    Event,
    Failed,
    Journal,
    Record,
    Started,
    is_being_written,
    read_records,
)
from ax_anasod.journal.events import to_line


def start(trial: int, last: int | None = None) -> Started:
    last = trial if last is None else last
    return Started(trial, last, {"n_a": trial, "n_b": 6}, "initial", "initial", {"beta": 0.1})


def complete(trial: int) -> Completed:
    return Completed(trial, {"error": 0.1 + trial / 3}, "a|b", {"a": 1, "b": 1}, 3.5, 0.01)


def fail(trial: int) -> Failed:
    return Failed(trial, "no value", {"a": 1, "b": 1}, 0.01)


# Single trials, a failed one, and a batch of three of which one is still running.
WRITES: list[tuple[Event, ...]] = [
    (start(0),),
    (complete(0),),
    (start(1),),
    (fail(1),),
    (start(2, 4), start(3, 4), start(4, 4)),
    (complete(2),),
    (complete(3),),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def write(path: Path) -> list[Record]:
    with Journal(path) as journal:
        for events in WRITES:
            journal.append(*events)
        return journal.records


def test_records_are_read_as_they_were_written(path: Path) -> None:
    records = write(path)
    assert records == read_records(path)
    assert [record.trial for record in records] == [0, 1, 2, 3, 4]
    assert [type(record.end) for record in records] == [
        Completed,
        Failed,
        Completed,
        Completed,
        type(None),
    ]
    with Journal(path) as journal:
        assert journal.records == records
        journal.append(complete(4))
        journal.append(start(5))
    assert [r.end for r in read_records(path)][4:] == [complete(4), None]


def test_a_journal_cut_anywhere_is_what_was_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda file: None)  # thousands of them take a minute
    records = write(path)
    content = path.read_bytes()
    # After which byte the journal holds how many of the writes.
    sizes = [0]
    for events in WRITES:
        sizes.append(sizes[-1] + sum(len(to_line(event)) for event in events))
    assert sizes[-1] == len(content)
    for cut in range(len(content) + 1):
        path.write_bytes(content[:cut])
        whole = max(n for n, size in enumerate(sizes) if size <= cut)
        looked_at = read_records(path)
        assert path.stat().st_size == cut  # looking changes nothing
        with Journal(path) as journal:
            assert journal.records == looked_at
            # Ends are lines of their own; only the starts of a batch belong together.
            assert path.stat().st_size == sizes[whole]
            for events in WRITES[whole:]:
                journal.append(*events)
            assert journal.records == records
        assert path.read_bytes() == content


@given(st.binary(min_size=1, max_size=200).filter(lambda tail: b"\n" not in tail))
def test_a_torn_tail_of_any_bytes_is_ignored(tail: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        records = write(path)
        size = path.stat().st_size
        with path.open("ab") as file:
            file.write(tail)
        assert read_records(path) == records
        with Journal(path) as journal:
            assert journal.records == records
        assert path.stat().st_size == size


def test_damage_names_the_line_and_changes_nothing(path: Path) -> None:
    write(path)
    lines = path.read_bytes().splitlines(keepends=True)
    for number in range(1, len(lines) + 1):
        damaged = lines.copy()
        damaged[number - 1] = damaged[number - 1].replace(b'"trial":', b'"trial":1', 1)
        content = b"".join(damaged)
        path.write_bytes(content)
        for read in (read_records, Journal):
            with pytest.raises(RunError, match=f"line {number} of the journal .*checksum") as info:
                read(path)
            assert "cut the journal before that line" in str(info.value)
        assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([start(1)], "line 1 .* starts trial 1 where trial 0 is next"),
        ([start(0), start(0)], "line 2 .* starts trial 0 where trial 1 is next"),
        ([start(0, 1), start(1, 2)], "line 2 .* starts trial 1 where"),
        ([start(0), complete(1)], "line 2 .* ends trial 1, which was never started"),
        ([start(0), complete(0), fail(0)], "line 3 .* ends trial 0 a second time"),
        ([start(0, 1), complete(0)], "line 2 .* before all of its batch"),
    ],
)
def test_events_out_of_order_are_damage(path: Path, events: list[Event], message: str) -> None:
    path.write_bytes(b"".join(map(to_line, events)))
    with pytest.raises(RunError, match=message):
        read_records(path)


def test_a_journal_is_appended_to_by_one_opener_at_a_time(path: Path) -> None:
    # The lock belongs to the open file, so that one process can stand for two.
    with Journal(path) as journal:
        assert is_being_written(path)
        with pytest.raises(RunError, match="being continued by another process"):
            Journal(path)
        journal.append(start(0))
        assert len(read_records(path)) == 1
    assert not is_being_written(path)
    with Journal(path) as journal:
        assert len(journal.records) == 1


def test_a_full_disk_loses_nothing(path: Path) -> None:
    # A limit of the file size stands for the full disk: the write stops half way.
    with Journal(path) as journal:
        journal.append(start(0))
        journal.append(complete(0))
        content = path.read_bytes()
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(content) + 40, limits[1]))
        try:
            with pytest.raises(RunError, match="trial 1 could not be recorded .*File too large"):
                journal.append(start(1))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert path.read_bytes() == content
        assert len(journal.records) == 1
        journal.append(start(1))
    assert [record.trial for record in read_records(path)] == [0, 1]


def test_events_are_on_the_disk_when_append_returns(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(path.read_bytes()))
    with Journal(path) as journal:
        for events in WRITES:
            journal.append(*events)
    assert len(synced) == len(WRITES)
    assert synced[-1] == path.read_bytes()


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing" / "journal.jsonl"):
        with pytest.raises(RunError, match=f"the journal {path} cannot be written"):
            Journal(path)
        with pytest.raises(RunError, match=f"the journal {path} cannot be read"):
            read_records(path)
    assert not is_being_written(tmp_path / "missing")


def test_appending_out_of_order_is_an_error_of_the_program(path: Path) -> None:
    with Journal(path) as journal:
        with pytest.raises(ValueError, match="never started"):
            journal.append(complete(0))
        assert journal.records == []
    assert path.read_bytes() == b""
