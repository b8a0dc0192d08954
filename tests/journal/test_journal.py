from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.exceptions import RunError, RunLostError
from ax_anasod.journal import (
    Completed,
    Event,
    Failed,
    Journal,
    Record,
    Started,
    is_being_written,
    read_content,
    read_records,
    write_records,
)
from ax_anasod.journal.events import to_lines


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
    firsts = (chain.from_iterable(WRITES[:number]) for number in range(len(WRITES) + 1))
    sizes = [len(to_lines(events)[0]) for events in firsts]
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
def test_a_torn_tail_of_any_bytes_is_ignored_and_kept(tail: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        records = write(path)
        size = path.stat().st_size
        with path.open("ab") as file:
            file.write(tail)
        assert read_records(path) == records
        with Journal(path) as journal:
            assert journal.records == records
            # The beginning of a line says nothing; anything else may be somebody's.
            begun = b'{"event":"'.startswith(tail)
            assert (journal.set_aside is None) == begun
            assert begun or journal.set_aside.read_bytes() == tail
        assert path.stat().st_size == size


@pytest.mark.parametrize("damaged", [1, 4, 5, 6, 7])
def test_a_last_write_with_missing_pages_counts_as_never_written(path: Path, damaged: int) -> None:
    # Which write is the last, and where in it zeros begin; the fifth is a batch of three lines.
    with Journal(path) as journal:
        for events in WRITES[: damaged - 1]:
            journal.append(*events)
        before = journal.records
    whole = path.read_bytes()
    last, _ = to_lines(WRITES[damaged - 1], read_content(path).checksum)
    for begin in range(0, len(last), 7):
        for end in (len(last), len(last) - 1, (begin + len(last)) // 2):
            zeroed = last[:begin] + bytes(end - begin) + last[end:]
            if zeroed == last or (not before and begin == 0 and zeroed.strip(b"\0")):
                continue
            path.write_bytes(whole + zeroed)
            content = read_content(path)
            assert (content.records, content.damaged) == (before, zeroed)
            assert path.read_bytes() == whole + zeroed
            with Journal(path) as journal:
                assert journal.records == before
                assert journal.set_aside is not None
                assert journal.set_aside.read_bytes() == zeroed
                journal.append(*WRITES[damaged - 1])
            assert path.read_bytes() == whole + last
            journal.set_aside.unlink()


def test_damaged_ends_do_not_overwrite_each_other(path: Path) -> None:
    kept = []
    for number in range(3):
        write(path)
        with path.open("ab") as file:
            file.write(bytes(number + 1))
        with Journal(path) as journal:
            kept.append(journal.set_aside)
        path.unlink()
    assert [file.stat().st_size for file in kept if file] == [1, 2, 3]
    assert len(set(kept)) == 3


def test_zeros_before_an_intact_end_are_damage(path: Path) -> None:
    write(path)
    lines = path.read_bytes().splitlines(keepends=True)
    # What follows was written when this line was on the disk.
    lines[-2] = bytes(len(lines[-2]) - 1) + b"\n"
    path.write_bytes(b"".join(lines))
    with pytest.raises(RunError, match="line 8 of the journal .* is no JSON"):
        Journal(path)
    assert path.read_bytes() == b"".join(lines)


@pytest.mark.parametrize(
    "content",
    [
        b"my notes, without an end of line",
        b"my notes\n",
        b'{"event":"complete"}',
        b'{"name": "mine"}\n',
        bytes(20) + b"mine",
        b"\xff" * 100,
    ],
)
def test_a_file_that_is_no_journal_stays_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    for read in (read_records, Journal):
        with pytest.raises(RunError, match="journal.jsonl is not the journal of a run"):
            read(path)
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_journal_is_not_written_through_a_link(path: Path) -> None:
    mine = path.with_name("mine")
    write(mine)
    content = mine.read_bytes()
    path.symlink_to(mine)
    with pytest.raises(RunError, match="journal.jsonl cannot be written: it is a symbolic link"):
        Journal(path)
    assert mine.read_bytes() == content
    path.unlink()
    path.symlink_to(path.with_name("nowhere"))
    with pytest.raises(RunError):
        Journal(path)
    assert not path.with_name("nowhere").exists()


def test_what_would_be_waited_for_is_refused(path: Path) -> None:
    os.mkfifo(path)
    for read in (read_records, Journal):
        with pytest.raises(RunError, match="it is no ordinary file"):
            read(path)
    assert not is_being_written(path)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(RunError):
        read_records(path)
    path.unlink()
    with path.open("wb") as file:
        file.truncate(2**40)
    for read in (read_records, Journal):
        with pytest.raises(RunError, match="cannot be read: it has more than 536,870,912 bytes"):
            read(path)


def test_a_journal_can_be_looked_at_where_there_are_no_locks(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = write(path)

    def refuse(file: int, operation: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    assert read_records(path) == records
    assert not is_being_written(path)
    with pytest.raises(RunError):
        Journal(path)


def move(path: Path) -> None:
    path.rename(path.with_name("moved"))


def replace(path: Path) -> None:
    path.rename(path.with_name("moved"))
    path.touch()


def overwrite(path: Path) -> None:
    path.with_name("other").write_bytes(path.read_bytes())
    path.with_name("other").replace(path)


def change(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("accident", "message", "moved"),
    [
        (Path.unlink, "was deleted while its run was at work", False),
        (overwrite, "was deleted while its run was at work", False),
        (change, "was changed by another program", False),
        (move, "was moved or replaced .*all 4 trials are in it, wherever it is now", True),
        (replace, "was moved or replaced .*all 4 trials are in it, wherever it is now", True),
    ],
)
def test_a_journal_that_is_gone_is_noticed_at_the_next_event(
    path: Path, accident: Callable[[Path], None], message: str, moved: bool
) -> None:
    records = write(path)
    with Journal(path) as journal:
        accident(path)
        left = {file.name: file.read_bytes() for file in path.parent.iterdir()}
        with pytest.raises(RunLostError, match=message) as info:
            journal.append(complete(4))
        assert info.value.moved == moved
        assert journal.records == records
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == left
    if moved:
        assert read_records(path.with_name("moved")) == records


def test_trials_are_written_as_a_new_journal(path: Path) -> None:
    records = write(path)
    copy = path.with_name("copy.jsonl")
    write_records(copy, records)
    assert read_records(copy) == records
    with pytest.raises(RunError):
        write_records(copy, records)
    with Journal(copy) as journal:
        journal.append(complete(4))


def test_a_disk_on_which_every_call_fails_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(5, "Input/output error")

    with Journal(path) as journal:
        journal.append(start(0))
        content = path.read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fail)
            patch.setattr(os, "ftruncate", fail)
            for _ in range(2):
                with pytest.raises(RunError, match="trial 0 could not be recorded .*Input/output"):
                    journal.append(complete(0))
        assert journal.records == [Record(start(0))]
        assert path.read_bytes().startswith(content)
        journal.append(complete(0))
    assert read_records(path) == [Record(start(0), complete(0))]


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
    path.write_bytes(to_lines(events)[0])
    with pytest.raises(RunError, match=message):
        read_records(path)


@pytest.mark.parametrize("changed", ["removed", "moved", "of another run"])
def test_lines_that_are_not_where_they_were_written_are_damage(path: Path, changed: str) -> None:
    write(path)
    lines = path.read_bytes().splitlines(keepends=True)
    # Two trials that were evaluated at once: either could have ended first.
    first, second = [n for n, line in enumerate(lines) if b'"event":"start"' not in line][-2:]
    if changed == "removed":
        del lines[first]
    elif changed == "moved":
        lines[first], lines[second] = lines[second], lines[first]
    else:
        other = Started(0, 0, {"n_a": 6, "n_b": 0}, "initial", "initial")
        lines[0], first = to_lines([other])[0], 1
    path.write_bytes(content := b"".join(lines))
    with pytest.raises(RunError, match=f"line {first + 1} .* removed or moved"):
        Journal(path)
    assert path.read_bytes() == content


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
            with pytest.raises(RunError):
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
        assert synced == [b""]  # the name of the file, in its folder
        for events in WRITES:
            journal.append(*events)
    assert len(synced) == 1 + len(WRITES)
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
