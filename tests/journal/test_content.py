from __future__ import annotations

import json
import tempfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

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
    check_quantities,
    read_records,
)
from ax_anasod.journal.events import to_lines


def start(trial: int, last: int | None = None) -> Started:
    last = trial if last is None else last
    return Started(trial, last, {"n_a": 1, "n_b": 1}, "initial", "initial", {"beta": 0.1})


def complete(trial: int) -> Completed:
    return Completed(trial, {"error": 1.0}, "a|b", {"a": 1, "b": 1}, None, 0.5)


def fail(trial: int) -> Failed:
    return Failed(trial, "no value", {"a": 1, "b": 1}, 0.5)


EVENTS: list[Event] = [start(0), complete(0), start(1, 2), start(2, 2), fail(1), complete(2)]

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def signed(contents: list[Any]) -> bytes:
    """Lines with right checksums, whatever they say: what somebody who knows the format writes."""
    lines, checksum = [], 0
    for content in contents:
        text = json.dumps(content, separators=(",", ":"))
        checksum = zlib.crc32(text.encode(), checksum)
        lines.append(f'{text[:-1]},"crc32":{checksum}}}\n'.encode())
    return b"".join(lines)


@given(st.data())
def test_edited_journals_are_read_or_refused(data: st.DataObject) -> None:
    lines = [json.loads(line) for line in to_lines(EVENTS)[0].splitlines()]
    for line in lines:
        del line["crc32"]
    for _ in range(data.draw(st.integers(1, 3))):
        line = data.draw(st.sampled_from(lines))
        name = data.draw(st.sampled_from([*line, "new"]))
        inner = line.get(name)
        if isinstance(inner, dict) and inner and data.draw(st.booleans()):
            inner[data.draw(st.sampled_from([*inner]))] = data.draw(anything)
        else:
            line[name] = data.draw(anything)
    order = data.draw(st.permutations(lines)) if data.draw(st.booleans()) else lines
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        path.write_bytes(content := signed(order))
        try:
            records = read_records(path)
        except RunError:
            with pytest.raises(RunError):
                Journal(path)
            assert path.read_bytes() == content
            return
        with Journal(path) as journal:
            assert journal.records == records


@given(st.binary(max_size=300), st.integers(0, 600), st.integers(0, 20))
def test_damaged_journals_are_read_or_refused(new: bytes, place: int, lost: int) -> None:
    content, _ = to_lines(EVENTS)
    damaged = content[:place] + new + content[place + lost :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        path.write_bytes(damaged)
        try:
            records = read_records(path)
        except RunError:
            return
        with Journal(path) as journal:
            assert journal.records == records
            aside = b"" if journal.set_aside is None else journal.set_aside.read_bytes()
        # What is no longer in the journal is beside it, or the beginning of a write.
        kept = path.read_bytes() + aside
        assert damaged.startswith(kept)
        assert all(line.startswith(b"{"[: len(line)]) for line in damaged[len(kept) :].split(b"\n"))


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        ([complete(0)], "has values of 'error', not of 'error', 'size'"),
        ([replace(complete(0), values={})], "has values of nothing, not of"),
        ([fail(0), replace(fail(1), encoding={"a": 2})], "trial 1 .* other operations than"),
    ],
)
def test_trials_of_another_run_are_refused(
    tmp_path: Path, ends: list[Completed | Failed], message: str
) -> None:
    records = [Record(start(trial), end) for trial, end in enumerate(ends)]
    with pytest.raises(RunError, match=message):
        check_quantities(tmp_path / "journal.jsonl", records, ["error", "size"])
    check_quantities(
        tmp_path / "journal.jsonl", [Record(start(0), fail(0)), Record(start(1))], ["error", "size"]
    )
    known = replace(fail(0), values={"size": 2.0})
    check_quantities(tmp_path / "journal.jsonl", [Record(start(0), known)], ["error", "size"])
    with pytest.raises(RunError, match="values of 'size', not of 'error'"):
        check_quantities(tmp_path / "journal.jsonl", [Record(start(0), known)], ["error"])
