"""Pickles of strangers, read by an interpreter that builds plain data and nothing else.

A pickle is a program, and Python's own reader runs it: it calls what the file names, gives the
objects any state that the file holds, and allocates as much as the file says. Here nothing is
imported, and nothing is called but the stand-ins that the caller gives for the few names it
expects; every length is compared with what can be there before anything is allocated.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable, Mapping
from typing import IO, Any, Final

Names = Mapping[str, object]
"""Name in a pickle, as in ``"collections.OrderedDict"`` -> what it means here."""

_CHUNK: Final = 2**20
_LONGEST_NAME: Final = 200
_LONGEST_INTEGER: Final = 10
_LONGEST_INNER_TUPLE: Final = 64
_MOST_MARKS: Final = 1000
# A compressed file unfolds to less than ten times its size; a small one may be compressed more.
_SMALL: Final = 2**24
_MOST_COMPRESSED: Final = 50
# Bytes that the largest empty container takes, for which a pickle needs one.
_CONTAINER: Final = 200

_double: Final = struct.Struct(">d").unpack_from
_uint4: Final = struct.Struct("<I").unpack_from


class RefusedError(Exception):
    """A pickle asks for a name that it was not given."""


class DamagedError(Exception):
    """A pickle is cut off, larger than real ones are, or has what plain data never has."""


class StandIn:
    """Base class of stand-ins for objects that a pickle gives a state."""

    def restore(self, state: object) -> None:
        """Take what is wanted of the state; nothing, by default."""


class GlobalName:
    """A name in a pickle, which only the interpreter can call.

    Args:
        meaning: What it was given for.
    """

    def __init__(self, meaning: Any) -> None:
        self.meaning = meaning


class PickleReader:
    """Reads the pickles in a file, one after another.

    They may hold dictionaries, lists, tuples, sets, texts, bytes, numbers and what is made of
    the given names. A tuple may hold short tuples, which hold none themselves: Python itself
    ends when it looks for a deeply nested one in a dictionary.

    Args:
        file: The file, open for reading bytes.
        names: What the names that may stand there mean. What can be called is called in their
            place, and must be harmless with any arguments.
        size: Bytes of the file as it lies on the disk. What is read may be compressed there, but
            no more than real ones are, and so many bytes more may be taken by empty containers.
        stored: Gives an object that the file keeps elsewhere, by its key; None where there is
            no such object.

    Example:
        >>> import io
        >>> PickleReader(io.BytesIO(pickle.dumps({"a": [1, 2.5]})), {}, size=30).load()
        {'a': [1, 2.5]}
    """

    def __init__(
        self,
        file: IO[bytes],
        names: Names,
        size: int,
        stored: Callable[[object], object] | None = None,
    ) -> None:
        self._file, self._names, self._stored = file, names, stored
        self._most = self._left = self._room = _SMALL + _MOST_COMPRESSED * size
        # The bytes in memory, the place of the next one, and until where no opcode can reach
        # beyond them, but for a text.
        self._data, self._at, self._safe = b"", 0, -1

    def load(self) -> object:
        """The object of the next pickle.

        Raises:
            RefusedError: The pickle asks for a name that was not given.
            DamagedError: The pickle is cut off, larger than real ones are, or holds something else.
            OSError: The file cannot be read.
        """
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: list[Any] = []
        try:
            return self._run()
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            RuntimeError,
            TypeError,
            ValueError,
            struct.error,
        ) as error:
            place = self._most - self._left - len(self._data) + self._at
            raise DamagedError(f"{error} (near byte {place:,})") from error

    def _run(self) -> object:
        # The most frequent opcodes are no functions: official files have 10^8 of them.
        data, at, safe = self._data, self._at, self._safe
        stack, memo = self._stack, self._memo
        while True:
            if at > safe:
                self._at = at
                self._fill(0)
                data, at, safe = self._data, self._at, self._safe
            code = data[at]
            if code == 0x47:  # BINFLOAT
                stack.append(_double(data, at + 1)[0])
                at += 9
            elif code == 0x4B:  # BININT1
                stack.append(data[at + 1])
                at += 2
            elif code == 0x72:  # LONG_BINPUT
                _check_next(_uint4(data, at + 1)[0], memo)
                memo.append(stack[-1])
                at += 5
            elif code == 0x94:  # MEMOIZE
                memo.append(stack[-1])
                at += 1
            elif code in (0x58, 0x8C):  # BINUNICODE, SHORT_BINUNICODE
                if code == 0x58:
                    size, at = _uint4(data, at + 1)[0], at + 5
                else:
                    size, at = data[at + 1], at + 2
                if at + size > safe:
                    self._at = at
                    stack.append(str(self._take(size), "utf-8"))
                    data, at, safe = self._data, self._at, self._safe
                else:
                    stack.append(str(data[at : at + size], "utf-8"))
                    at += size
            elif code == 0x6A:  # LONG_BINGET
                stack.append(memo[_uint4(data, at + 1)[0]])
                at += 5
            elif code == 0x2E:  # STOP
                self._at = at + 1
                (result,) = stack
                return result
            else:
                self._at = at + 1
                if code not in _OPCODES:
                    raise ValueError(f"it has the opcode {code:#04x}, which plain data never has")
                _OPCODES[code](self)
                data, at, safe, stack = self._data, self._at, self._safe, self._stack

    # The bytes of the file

    def _fill(self, size: int) -> None:
        """Read more of the file, until at least ``size`` bytes are buffered or the file ends."""
        parts = [self._data[self._at :]]
        have, self._at = len(parts[0]), 0
        while True:
            part = self._file.read(min(_CHUNK, self._left + 1))
            if len(part) > self._left:
                raise ValueError(f"it is larger than real ones are: more than {self._most:,} bytes")
            self._left -= len(part)
            have += len(part)
            parts.append(part)
            if have >= size or not part:
                break
        self._data = b"".join(parts)
        # At the end of the file, what is missing shows when it is looked for.
        self._safe = have - 16 if part else have

    def _take(self, size: int) -> bytes:
        there = len(self._data) - self._at
        if size > there:
            if size > there + self._left:
                raise ValueError(f"it has a length of {size:,} bytes, more than there can be")
            self._fill(size)
            if size > len(self._data):
                raise ValueError("it ends too early")
        self._at += size
        return self._data[self._at - size : self._at]

    def _number(self, size: int, *, signed: bool = False) -> int:
        return int.from_bytes(self._take(size), "little", signed=signed)

    def _line(self) -> str:
        letters = b""
        while (letter := self._take(1)) != b"\n":
            letters += letter
            if len(letters) > _LONGEST_NAME:
                raise ValueError(f"it has a name of more than {_LONGEST_NAME} letters")
        return letters.decode("ascii")

    # The stack

    def _push(self, thing: object) -> None:
        self._stack.append(thing)

    def _make(self, container: object) -> None:
        self._room -= _CONTAINER
        if self._room < 0:
            raise ValueError("it has more empty objects than real ones have")
        self._push(container)

    def _pop(self, number: int) -> list[Any]:
        if number > len(self._stack):
            raise IndexError("it takes objects that are not there")
        items = self._stack[len(self._stack) - number :]
        del self._stack[len(self._stack) - number :]
        return items

    def _top(self, kind: type[Any]) -> Any:
        top = self._stack[-1]
        if not isinstance(top, kind):
            raise TypeError(f"it takes a {type(top).__name__} for a {kind.__name__}")
        return top

    def _mark(self) -> None:
        if len(self._below) == _MOST_MARKS:
            raise ValueError(f"it is nested more than {_MOST_MARKS:,} deep")
        self._below.append(self._stack)
        self._stack = []

    def _since_mark(self) -> list[Any]:
        items, self._stack = self._stack, self._below.pop()
        return items

    def _put(self, place: int) -> None:
        _check_next(place, self._memo)
        self._memo.append(self._stack[-1])

    # Objects

    def _integer(self) -> None:
        size = self._number(1)
        if size > _LONGEST_INTEGER:
            raise ValueError(f"it has an integer of {size} bytes")
        self._push(self._number(size, signed=True))

    def _tuple(self, items: list[Any]) -> None:
        for item in items:
            if type(item) is tuple and (
                len(item) > _LONGEST_INNER_TUPLE or tuple in map(type, item)
            ):
                raise ValueError("it has tuples in tuples in tuples")
        self._push(tuple(items))

    def _extend(self, items: list[Any]) -> None:
        self._top(list).extend(items)

    def _add(self, items: list[Any]) -> None:
        self._top(set).update(items)

    def _set_items(self, items: list[Any]) -> None:
        self._top(dict).update(zip(items[::2], items[1::2], strict=True))

    def _find(self, module: object, name: object) -> None:
        if not (isinstance(module, str) and isinstance(name, str)):
            raise TypeError("it has a name that is no text")
        # Pickles of protocol 2 use the module names of Python 2.
        full = f"{module}.{name}".replace("__builtin__.", "builtins.", 1)
        if full not in self._names:
            raise RefusedError(full)
        self._push(GlobalName(self._names[full]))

    def _call(self) -> None:
        name, arguments = self._pop(2)
        if type(name) is not GlobalName or type(arguments) is not tuple:
            raise TypeError(f"it calls a {type(name).__name__}")
        self._make(name.meaning(*arguments))

    def _build(self) -> None:
        (state,) = self._pop(1)
        self._top(StandIn).restore(state)

    def _find_stored(self) -> None:
        (key,) = self._pop(1)
        if self._stored is None:
            raise RefusedError("an object outside of the pickle")
        self._make(self._stored(key))


def _check_next(place: int, memo: list[Any]) -> None:
    # Any other place would make the memo as long as the file says.
    if place != len(memo):
        raise ValueError(f"it has place {place:,} of its memo where place {len(memo):,} is next")


_OPCODES: Final[dict[int, Callable[[PickleReader], object]]] = {
    code[0]: handler
    for code, handler in {
        pickle.PROTO: lambda r: r._take(1),
        pickle.FRAME: lambda r: r._take(8),
        pickle.MARK: PickleReader._mark,
        pickle.NONE: lambda r: r._push(None),
        pickle.NEWTRUE: lambda r: r._push(True),
        pickle.NEWFALSE: lambda r: r._push(False),
        pickle.BININT: lambda r: r._push(r._number(4, signed=True)),
        pickle.BININT2: lambda r: r._push(r._number(2)),
        pickle.LONG1: PickleReader._integer,
        pickle.SHORT_BINBYTES: lambda r: r._push(r._take(r._number(1))),
        pickle.BINBYTES: lambda r: r._push(r._take(r._number(4))),
        pickle.EMPTY_TUPLE: lambda r: r._push(()),
        pickle.TUPLE1: lambda r: r._tuple(r._pop(1)),
        pickle.TUPLE2: lambda r: r._tuple(r._pop(2)),
        pickle.TUPLE3: lambda r: r._tuple(r._pop(3)),
        pickle.TUPLE: lambda r: r._tuple(r._since_mark()),
        pickle.EMPTY_LIST: lambda r: r._make([]),
        pickle.APPEND: lambda r: r._extend(r._pop(1)),
        pickle.EMPTY_DICT: lambda r: r._make({}),
        pickle.EMPTY_SET: lambda r: r._make(set()),
        pickle.APPENDS: lambda r: r._extend(r._since_mark()),
        pickle.SETITEM: lambda r: r._set_items(r._pop(2)),
        pickle.SETITEMS: lambda r: r._set_items(r._since_mark()),
        pickle.ADDITEMS: lambda r: r._add(r._since_mark()),
        pickle.BINGET: lambda r: r._push(r._memo[r._number(1)]),
        pickle.BINPUT: lambda r: r._put(r._number(1)),
        pickle.GLOBAL: lambda r: r._find(r._line(), r._line()),
        pickle.STACK_GLOBAL: lambda r: r._find(*r._pop(2)),
        pickle.REDUCE: PickleReader._call,
        pickle.NEWOBJ: PickleReader._call,
        pickle.BUILD: PickleReader._build,
        pickle.BINPERSID: PickleReader._find_stored,
    }.items()
}
