"""Reading the pickles of the official files without executing them.

A pickle is a program. Here it is run by an interpreter that knows the few harmless
classes the official files need; a file that asks for anything else is refused, with the
name of what it asked for, before that is even looked up.
"""

from __future__ import annotations

import bz2
import collections
import pickle
import zipfile
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

# The first two objects of a file that torch wrote before version 1.6; a third one
# describes the machine, and the fourth is what was saved.
_MAGIC_NUMBER: Final = 0x1950A86A20F9469CFC6C
_PROTOCOL_VERSION: Final = 1001
_ZIP: Final = b"PK\x03\x04"


class RefusedError(Exception):
    """A pickle asked for something beyond the official format."""


def load_bz2(path: Path) -> object:
    """The object in a compressed pickle, as NATS-Bench writes it.

    Raises:
        RefusedError: It asks for anything beyond the official format.
        Exception: Whatever a damaged pickle ends in.
    """
    with bz2.BZ2File(path) as file:
        return _RestrictedUnpickler(file, _allowed()).load()


def load_torch(path: Path) -> object:
    """The object in a file of ``torch.save``, in its old form or the newer archive.

    The file is read as the pickles that it consists of, without torch: torch's own
    restricted reader is written in Python, and would need half an hour for the official
    two gigabytes.

    Raises:
        RefusedError: It asks for anything beyond the official format, trained weights
            included.
        Exception: Whatever a damaged file ends in.
    """
    with path.open("rb") as file:
        if file.read(len(_ZIP)) == _ZIP:
            return _load_archive(path)
        file.seek(0)
        header = [_RestrictedUnpickler(file, _allowed()).load() for _ in range(3)]
        if header[:2] != [_MAGIC_NUMBER, _PROTOCOL_VERSION]:
            raise pickle.UnpicklingError("it was not written by torch.save")
        return _RestrictedUnpickler(file, _allowed()).load()


def _load_archive(path: Path) -> object:
    with zipfile.ZipFile(path) as archive:
        pickles = [n for n in archive.namelist() if n.count("/") == 1 and n.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise pickle.UnpicklingError("it was not written by torch.save")
        with archive.open(pickles[0]) as file:
            return _RestrictedUnpickler(file, _allowed()).load()


class _RestrictedUnpickler(pickle.Unpickler):
    """Unpickler that looks nothing up, and knows only what it is given."""

    def __init__(self, file: IO[bytes], allowed: dict[str, Any]) -> None:
        super().__init__(file)
        self._allowed = allowed

    def find_class(self, module: str, name: str) -> object:
        """The stand-in for a name in the pickle."""
        # Pickles of protocol 2 use the module names of Python 2.
        full_name = f"{module.replace('__builtin__', 'builtins')}.{name}"
        if full_name not in self._allowed:
            raise RefusedError(full_name)
        return self._allowed[full_name]


def _allowed() -> dict[str, Any]:
    """Name in a pickle -> what stands for it, fresh for each file.

    Plain containers need no name. The scalar types are there because the benchmark's
    authors averaged some times with NumPy. Records become empty shells of our own, so
    that no code of the benchmark packages takes part.
    """

    class Record:
        """Attributes of a record, without any behaviour."""

    # The function that rebuilds NumPy scalars is private, and has moved between versions.
    scalar = np.float64(0).__reduce__()[0]
    allowed: dict[str, Any] = {
        "collections.OrderedDict": collections.OrderedDict,
        "builtins.set": set,
        "numpy.dtype": np.dtype,
        "numpy.core.multiarray.scalar": scalar,
        "numpy._core.multiarray.scalar": scalar,
        "_codecs.encode": _encode_latin1,
    }
    for module in ("nas_201_api.api", "nas_201_api.api_utils", "nats_bench.api_utils"):
        allowed |= {f"{module}.{name}": Record for name in ("ArchResults", "ResultsCount")}
    return allowed


def _encode_latin1(text: str, encoding: str) -> bytes:
    # Old pickles hold the bytes of a scalar as text in this one encoding; other codecs
    # are Python code that a pickle has no business to start.
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes are encoded in {encoding!r}")
    return text.encode("latin1")
