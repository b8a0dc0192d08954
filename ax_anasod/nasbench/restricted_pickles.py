"""Reading the pickles of the official files without executing them.

What the few names stand for that these files need is here; how a pickle is read without
running it is in `ax_anasod.pickles`.
"""

from __future__ import annotations

import bz2
import os
import struct
from pathlib import Path
from typing import IO, Final

from ax_anasod.files import open_file
from ax_anasod.pickles import DamagedError, Names, PickleReader, StandIn
from ax_anasod.torch_archive import TorchArchive

# The first two objects of a file that torch wrote before version 1.6; a third one
# describes the machine, and the fourth is what was saved.
_MAGIC_NUMBER: Final = 0x1950A86A20F9469CFC6C
_PROTOCOL_VERSION: Final = 1001
_ZIP: Final = b"PK\x03\x04"

# NumPy's name of a plain type without its byte order -> the format of `struct`.
_FORMATS: Final = {
    "b1": "?",
    "f2": "e",
    "f4": "f",
    "f8": "d",
    **{f"i{2**i}": code for i, code in enumerate("bhiq")},
    **{f"u{2**i}": code for i, code in enumerate("BHIQ")},
}
_ORDERS: Final = {"<": "<", ">": ">", "|": "<", "=": "="}


def load_bz2(path: Path) -> object:
    """The object in a compressed pickle, as NATS-Bench writes it.

    Raises:
        RefusedError: The file asks for anything beyond the official format.
        DamagedError: The file is damaged, or unfolds to more than an official file can.
        OSError: The file cannot be read.
        EOFError: The file is cut off.
    """
    with open_file(path) as file, bz2.BZ2File(file) as content:
        return PickleReader(content, _NAMES, _size(file)).load()


def load_torch(path: Path) -> object:
    """The object in a file of ``torch.save``, in its old form or the newer archive.

    Raises:
        RefusedError: The file asks for anything beyond the official format, trained weights
            included.
        DamagedError: The file is damaged.
        OSError: The file cannot be read.
    """
    with open_file(path) as file:
        if file.read(len(_ZIP)) == _ZIP:
            return TorchArchive(file).load(_NAMES)
        file.seek(0)
        reader = PickleReader(file, _NAMES, _size(file))
        header = [reader.load() for _ in range(3)]
        if header[:2] != [_MAGIC_NUMBER, _PROTOCOL_VERSION]:
            raise DamagedError("it was not written by torch.save")
        return reader.load()


def _size(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size


class _Record(dict[str, object], StandIn):
    """The attributes of a record of the benchmark packages, without any behaviour."""

    def restore(self, state: object) -> None:
        if not isinstance(state, dict):
            raise TypeError(f"the state of a record is a {type(state).__name__}")
        self.update(state)


class _Dtype(StandIn):
    """A plain type of NumPy; of its state, only the order of the bytes matters."""

    def __init__(self, name: str, *_flags: object) -> None:
        if name not in _FORMATS:
            raise ValueError(f"it has the type {name!r} of NumPy")
        self.format, self.order = _FORMATS[name], "<"

    def restore(self, state: object) -> None:
        if not isinstance(state, tuple) or state[1] not in _ORDERS:
            raise ValueError("it has a type of NumPy with another state")
        self.order = _ORDERS[state[1]]


def _scalar(dtype: object, content: object) -> object:
    if not isinstance(dtype, _Dtype) or not isinstance(content, bytes):
        raise TypeError("it has a number of NumPy without a type or bytes")
    (number,) = struct.unpack(dtype.order + dtype.format, content)
    return number


def _encode_latin1(text: str, encoding: str) -> bytes:
    # Old pickles hold the bytes of a scalar as text in this one encoding; other codecs
    # are Python code that a pickle has no business to start.
    if encoding != "latin1":
        raise ValueError(f"its bytes are encoded in {encoding!r}")
    return text.encode("latin1")


# The scalar types are there because the benchmark's authors averaged some times with NumPy.
_NAMES: Final[Names] = {
    "collections.OrderedDict": dict,
    "builtins.set": set,
    "_codecs.encode": _encode_latin1,
    "numpy.dtype": _Dtype,
    # The function that rebuilds NumPy scalars is private, and has moved between versions.
    "numpy.core.multiarray.scalar": _scalar,
    "numpy._core.multiarray.scalar": _scalar,
    **{
        f"{module}.{name}": _Record
        for module in ("nas_201_api.api", "nas_201_api.api_utils", "nats_bench.api_utils")
        for name in ("ArchResults", "ResultsCount")
    },
}
