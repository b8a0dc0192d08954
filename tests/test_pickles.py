"""Plain data comes back as it was; whatever else a pickle does is refused before it is done."""

from __future__ import annotations

import io
import pickle
import struct
import tracemalloc
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.pickles import DamagedError, GlobalName, PickleReader, RefusedError, StandIn


def load(content: bytes, names: dict[str, Any] | None = None, **options: Any) -> Any:
    return PickleReader(io.BytesIO(content), names or {}, len(content), **options).load()


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=300)
    | st.binary(max_size=300)
)
keys = scalars | st.tuples(scalars, scalars)
plain = st.recursive(
    keys | st.sets(scalars),
    lambda inner: st.lists(inner) | st.dictionaries(keys, inner),
    max_leaves=30,
)


@given(plain, st.integers(3, 5))
def test_plain_data_comes_back(content: Any, protocol: int) -> None:
    read = load(pickle.dumps(content, protocol), {"builtins.set": set})
    assert read == content
    assert repr(read) == repr(content) or "{" in repr(content)


def test_long_data_comes_back_through_all_refills() -> None:
    texts = ["x" * (2**20 - 40 + i) for i in range(60)]
    numbers = {i: i / 7 for i in range(200_000)}
    for protocol in (2, 4):
        assert load(pickle.dumps([texts, numbers, texts[0]], protocol)) == [
            texts,
            numbers,
            texts[0],
        ]


def test_several_pickles_stand_one_after_another() -> None:
    content = b"".join(pickle.dumps(n, 2) for n in (1, [2], {"three": 3}))
    reader = PickleReader(io.BytesIO(content), {}, len(content))
    assert [reader.load() for _ in range(3)] == [1, [2], {"three": 3}]
    with pytest.raises(DamagedError):
        reader.load()


class Noted(StandIn):
    """Notes with what it was made, and its state."""

    def __init__(self, *arguments: object) -> None:
        self.arguments, self.state = arguments, None

    def restore(self, state: Any) -> None:
        self.state = state


def test_names_mean_what_the_caller_says() -> None:
    content = pickle.dumps(OrderedDict(a=1), 2)
    assert load(content, {"collections.OrderedDict": dict}) == {"a": 1}
    with pytest.raises(RefusedError, match=r"^collections.OrderedDict$"):
        load(content)
    program = b"cos\nsystem\nX\x02\x00\x00\x00ls\x85R}X\x01\x00\x00\x00aK\x01sb."
    noted = load(program, {"os.system": Noted})
    assert (noted.arguments, noted.state) == (("ls",), {"a": 1})
    name = load(b"cos\nsystem\n.", {"os.system": "anything"})
    assert isinstance(name, GlobalName)
    assert name.meaning == "anything"
    with pytest.raises(DamagedError, match="'str' object is not callable"):
        load(program, {"os.system": "anything"})


def test_objects_may_be_kept_elsewhere() -> None:
    assert load(b"X\x01\x00\x00\x00kQ.", stored=lambda key: [key]) == ["k"]
    with pytest.raises(RefusedError, match="an object outside of the pickle"):
        load(b"X\x01\x00\x00\x00kQ.")


def long(code: bytes, size: int, form: str) -> bytes:
    return code + struct.pack(form, size)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (b"", "index out of range"),
        (b"]", "index out of range"),
        (b"K.", "index out of range"),
        (b"X\x05\x00\x00\x00abc.", "it ends too early"),
        (b".", "not enough values"),
        (b"NN.", "too many values"),
        (b"(NNu.", "list index out of range"),
        (b"}(NNNu.", "argument 2 is shorter"),
        (b"](NNu.", "it takes a list for a dict"),
        (b"}Na.", "it takes a dict for a list"),
        (b"]N\x90.", "pop from empty list"),
        (b"](N\x90.", "it takes a list for a set"),
        (b"}]Ns.", "unhashable type"),
        (b"a.", "it takes objects that are not there"),
        (b"h\x03.", "list index out of range"),
        # Calling and building what is no name.
        (b"])R.", "it calls a list"),
        (b"K\x01)\x81.", "it calls a int"),
        (b"cos\nsystem\n]R.", "it calls a GlobalName"),
        (b"}}b.", "it takes a dict for a StandIn"),
        (b"cos\nsystem\n}b.", "it takes a GlobalName for a StandIn"),
        (b"NN\x93.", "it has a name that is no text"),
        (b"c" + b"a" * 300 + b"\nb\n.", "it has a name of more than 200 letters"),
        # Opcodes of old protocols, of other objects, of registered extensions.
        *(
            (b"N" + bytes([code]) + b"\x00\x00.", f"it has the opcode {code:#04x}")
            for code in b"01245dgilopFILPSTUVY\x82\x83\x84\x8b\x8d\x8e\x91\x92\x96\x97\x98\x00\xff"
        ),
        # Sizes that are not there.
        (b"N" + long(b"r", 2**28, "<I") + b".", "place 268,435,456 of its memo where place 0 is"),
        (b"Nq\x01.", "place 1 of its memo where place 0 is next"),
        (b"N" + long(b"j", 2**28, "<I") + b".", "list index out of range"),
        (
            long(b"X", 2**32 - 1, "<I") + b".",
            "a length of 4,294,967,295 bytes, more than there can",
        ),
        (long(b"B", 2**32 - 1, "<I") + b".", "a length of 4,294,967,295 bytes"),
        (b"\x8a\xff" + b"\xff" * 255 + b".", "it has an integer of 255 bytes"),
        (b"(" * 2000 + b".", "it is nested more than 1,000 deep"),
        (b"\x8f" * 150_000, "it has more empty objects than real ones have"),
        # Python's hash of this would end the process.
        (b")" + b"\x85" * 10**6 + b"Ns.", "it has tuples in tuples in tuples"),
        (b"}" + b"(" + b")" * 100 + b"t\x85Ns.", "it has tuples in tuples in tuples"),
        (b"X\x01\x00\x00\x00\xff.", "invalid start byte"),
        (b"X\x03\x00\x00\x00\xed\xa0\x80.", "invalid continuation byte"),
    ],
    ids=lambda part: repr(part[:20]),
)
def test_programs_are_refused(program: bytes, message: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(DamagedError, match=message) as error:
            load(program, {"os.system": Noted})
        assert tracemalloc.get_traced_memory()[1] < 2**27
    finally:
        tracemalloc.stop()
    assert "(near byte " in str(error.value)


def test_a_file_that_unfolds_without_end_is_refused() -> None:
    class Endless(io.RawIOBase):
        """Texts of a mebibyte, one after another."""

        def read(self, size: int = -1) -> bytes:
            return (long(b"X", 2**20 - 5, "<I") + b"a" * (2**20 - 5))[:size]

    with pytest.raises(DamagedError, match="larger than real ones are: more than 16,777,266 bytes"):
        PickleReader(Endless(), {}, size=1).load()  # type: ignore[arg-type]


def test_what_is_nested_deeply_can_be_let_go_of() -> None:
    content = PickleReader(io.BytesIO(b"]" + b"]" * 200_000 + b"a" * 200_000 + b"."), {}, 10**6)
    assert len(content.load()) == 1  # type: ignore[arg-type]
