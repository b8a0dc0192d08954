"""Reading the official NAS-Bench-201 and NATS-Bench files without executing them.

Both are pickles, and a pickle is a program. They are read by restricted readers that
know the few harmless classes the official files need; a file that asks for anything
else is refused, with the name of what it asked for, before that is even looked up.
The results can be kept beside the file as Parquet, which is read in a fraction of a
second and holds no code.
"""

from __future__ import annotations

import bz2
import collections
import contextlib
import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np

from ax_anasod.exceptions import BenchmarkError
from ax_anasod.nasbench.nasbench201_cache import cache_path, is_current, read_cache, write_cache
from ax_anasod.nasbench.nasbench201_trials import Trials, collect, collect_records
from ax_anasod.nasbench.paths import check_source, first_line

_WHAT: Final = "the NAS-Bench-201 file"
_BZ2, _PARQUET = b"BZh", b"PAR1"
_NATS_SUFFIX: Final = ".pickle.pbz2"
_NATS_ENTRY: Final = re.compile(r"\d+\.pickle\.pbz2")


def read_trials(path: Path, *, cache: bool = False) -> Trials:
    """The training runs in an official file.

    Args:
        path: The file of the package ``nas-bench-201`` (``NAS-Bench-201-v1_1-096897.pth``),
            a NATS-Bench topology file (``NATS-tss-v1_0-3ffb9.pickle.pbz2``) or its folder
            form (``NATS-tss-v1_0-3ffb9-simple``), or the Parquet file that an earlier
            call with ``cache`` has written. Told apart by content, not by name.
        cache: Keep the runs as Parquet beside the file, and read them from there as long
            as the file does not change.

    Raises:
        BenchmarkError: If the file is missing, damaged, of another format, or needs
            anything beyond the classes of the official files; or if the cache cannot be
            written.
    """
    check_source(path, _WHAT, directory=True)
    if not cache:
        return _read_official(path)
    kept = cache_path(path)
    if is_current(kept, path):
        return read_cache(kept)
    trials = _read_official(path)
    write_cache(kept, trials, path)
    return trials


def _read_official(path: Path) -> Trials:
    if path.is_dir():
        return _read_directory(path)
    try:
        with path.open("rb") as file:
            head = file.read(len(_PARQUET))
    except OSError as error:
        _refuse(path, error)
    if not head:
        raise BenchmarkError(f"{_WHAT} {path} is empty (0 bytes)")
    if head == _PARQUET:
        return read_cache(path)
    content = _load_pickle(path) if head.startswith(_BZ2) else _load_torch(path)
    return collect(content, str(path))


def _read_directory(path: Path) -> Trials:
    meta = path / f"meta{_NATS_SUFFIX}"
    check_source(meta, "the list of architectures of a NATS-Bench folder,")
    content = _load_pickle(meta)
    if not isinstance(content, dict) or "meta_archs" not in content:
        raise BenchmarkError(f"{meta} holds no list of architectures ('meta_archs')")

    def entries() -> Iterator[tuple[int, Any]]:
        for entry in sorted(path.iterdir()):
            if _NATS_ENTRY.fullmatch(entry.name):
                yield int(entry.name.removesuffix(_NATS_SUFFIX)), _load_pickle(entry)

    return collect_records(content["meta_archs"], entries(), str(path))


# Reading without executing


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


class _RefusedError(Exception):
    """A pickle asked for something beyond the official format."""


class _RestrictedUnpickler(pickle.Unpickler):
    """Unpickler that looks nothing up, and knows only what it is given."""

    def __init__(self, file: bz2.BZ2File, allowed: dict[str, Any]) -> None:
        super().__init__(file)
        self._allowed = allowed

    def find_class(self, module: str, name: str) -> object:
        """The stand-in for a name in the pickle."""
        # Pickles of protocol 2 use the module names of Python 2.
        full_name = f"{module.replace('__builtin__', 'builtins')}.{name}"
        if full_name not in self._allowed:
            raise _RefusedError(full_name)
        return self._allowed[full_name]


def _load_pickle(path: Path) -> object:
    def load() -> object:
        with bz2.BZ2File(path) as file:
            return _RestrictedUnpickler(file, _allowed()).load()

    return _guarded(path, load)


def _load_torch(path: Path) -> object:
    # Loaded here: no other part of the NAS-Bench room needs torch.
    import torch

    allowed = _allowed()
    # torch asks for the classes of what it rebuilds, too, not only for their names.
    allowed |= {f"numpy.dtypes.{type(np.dtype(t)).__name__}": type(np.dtype(t)) for t in "fdlqi"}

    def load() -> object:
        # torch brings what it allows by itself: containers, and tensors of weights.
        with _torch_allows_only(allowed):
            try:
                return torch.load(path, map_location="cpu", weights_only=True)
            except pickle.UnpicklingError as error:
                asked = re.search(r"GLOBAL (\S+)", str(error))
                raise (_RefusedError(asked[1]) if asked else error) from error

    return _guarded(path, load)


@contextlib.contextmanager
def _torch_allows_only(allowed: dict[str, Any]) -> Iterator[None]:
    """Sets torch's list of allowed names aside, which other libraries have added to."""
    from torch import serialization

    others = serialization.get_safe_globals()
    serialization.clear_safe_globals()
    serialization.add_safe_globals([(what, name) for name, what in allowed.items()])
    try:
        yield
    finally:
        serialization.clear_safe_globals()
        serialization.add_safe_globals(others)


def _guarded(path: Path, load: Callable[[], object]) -> object:
    try:
        return load()
    except _RefusedError as error:
        raise BenchmarkError(
            f"{path} was not read: it asks for {error}, which no official NAS-Bench-201 or "
            "NATS-Bench file holds, and which could run code",
            "use the official file without trained weights",
        ) from error
    except MemoryError:
        raise
    # A damaged pickle can fail in any way, all of them meaning the same.
    except Exception as error:  # noqa: BLE001
        _refuse(path, error)


def _refuse(path: Path, error: Exception) -> NoReturn:
    raise BenchmarkError(
        f"{_WHAT} {path} cannot be read, is cut off, or has another format: {first_line(error)}",
        f"expected is a .pth file of nas-bench-201, or a *{_NATS_SUFFIX} file or folder of "
        "NATS-Bench (topology)",
    ) from error
