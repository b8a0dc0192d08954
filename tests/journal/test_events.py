from __future__ import annotations

import json
import math
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.journal import Completed, Event, Failed, Started, plain_entries
from ax_anasod.journal.events import from_line, to_lines

finite = st.floats(allow_nan=False, allow_infinity=False)
indices = st.integers(0, 10_000)
counts = st.dictionaries(st.text(max_size=8), st.integers(0, 40), max_size=5)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        Started,
        trial=indices,
        last=indices,
        parameters=st.dictionaries(st.text(), st.integers() | st.text(), max_size=5),
        node=st.text(),
        generator=st.text(),
        metadata=st.dictionaries(st.text(), finite | st.lists(finite), max_size=3),
    ),
    st.builds(
        Completed,
        trial=indices,
        values=st.dictionaries(st.text(), finite, max_size=4),
        architecture=st.text(),
        encoding=counts,
        cost_seconds=st.none() | finite,
        seconds=finite,
    ),
    st.builds(
        Failed,
        trial=indices,
        reason=st.text(),
        encoding=counts,
        seconds=finite,
        values=st.dictionaries(st.text(), finite, max_size=2),
    ),
)


@given(events, st.integers(0, 2**32 - 1))
def test_a_line_gives_the_same_event_bit_for_bit(event: Event, before: int) -> None:
    line, checksum = to_lines([event], before)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    read, read_checksum = from_line(line, before)
    assert (read, read_checksum) == (event, checksum)
    assert repr(read) == repr(event)  # tells -0.0 from 0.0
    with pytest.raises(ValueError, match="removed or moved"):
        from_line(line, before ^ 1)


def test_floats_keep_all_their_digits() -> None:
    values = {"a": 0.1 + 0.2, "b": math.nextafter(5.63, 6), "c": 5e-324}
    event = Completed(0, values, "x", {}, 1 / 3, 0.0)
    read, _ = from_line(to_lines([event])[0])
    assert isinstance(read, Completed)
    assert [v.hex() for v in read.values.values()] == [v.hex() for v in values.values()]


@given(events, st.data())
def test_any_changed_byte_is_noticed(event: Event, data: st.DataObject) -> None:
    line = bytearray(to_lines([event])[0])
    place = data.draw(st.integers(0, len(line) - 2))
    line[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        read, _ = from_line(bytes(line))
    except ValueError:
        return
    # A changed escape such as \u00E9 for \u00e9 is another spelling of the same event.
    assert read == event


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b'{"trial":' + b"[" * 100_000, "is no JSON"),
        (b'{"trial":' + b"1" * 5000 + b"}", "is no JSON"),
        (b"[1]", "is no event"),
        (b'{"event":[]}', "is no event"),
        (b'{"event":{}}', "is no event"),
        (b'{"event":"fail","trial":NaN,"crc32":1}', "checksum"),
        (b'{"event":"fail","trial":1e999,"crc32":null}', "checksum"),
        (b'{"event":"begin"}', "is no event"),
        (b'{"event":"fail","trial":0,"reason":"","encoding":{},"seconds":1.0}', "checksum"),
    ],
)
def test_what_is_no_event_is_refused(line: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_line(line)


@pytest.mark.parametrize(
    "change",
    [
        {"trial": -1},
        {"trial": True},
        {"trial": 1.0},
        {"values": {"error": "5"}},
        {"values": {"error": True}},
        {"values": 3},
        {"architecture": 7},
        {"cost_seconds": "1"},
        {"seconds": None},
        {"encoding": []},
        {"encoding": {"conv": -1}},
        {"encoding": {"conv": 0.5}},
        {"encoding": {"conv": 2**60}},
        {"values": {"error": 10**400}},
        {"seconds": 10**400},
    ],
    ids=str,
)
def test_entries_of_a_wrong_type_are_refused(change: dict[str, object]) -> None:
    # With a right checksum, as another program might write it.
    fields = {
        "trial": 1,
        "values": {"error": 5.0},
        "architecture": "x",
        "encoding": {},
        "cost_seconds": None,
        "seconds": 1.0,
    }
    line, _ = to_lines([Completed(**(fields | change))])
    (name,) = change
    with pytest.raises(ValueError, match=f"has {name} = "):
        from_line(line)


def test_missing_and_further_entries_are_refused() -> None:
    content = json.loads(to_lines([Failed(0, "", {}, 1.0)])[0])
    for changed in (
        {k: v for k, v in content.items() if k not in ("reason", "crc32")},
        {k: v for k, v in content.items() if k != "crc32"} | {"note": "x"},
    ):
        text = json.dumps(changed, separators=(",", ":"))
        line = f'{text[:-1]},"crc32":{zlib.crc32(text.encode())}}}\n'.encode()
        with pytest.raises(ValueError, match="has the entries"):
            from_line(line)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_not_written(value: float) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        to_lines([Completed(0, {"error": value}, "x", {}, None, 0.0)])


def test_plain_entries_leaves_out_what_is_no_json() -> None:
    metadata = {"beta": 0.5, "values": [1.0, 2.0], "object": object(), "bad": math.nan, "t": (1,)}
    assert plain_entries(metadata) == {"beta": 0.5, "values": [1.0, 2.0]}
    assert plain_entries(None) == {}
