"""Reading the official NAS-Bench-201 and NATS-Bench files, or what their own packages have read.

The results can be kept beside the file as Parquet, which is read in a fraction of a
second and holds no code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol, runtime_checkable

from ax_anasod.exceptions import BenchmarkError
from ax_anasod.files import open_file
from ax_anasod.nasbench.nasbench201_cache import cache_path, is_current, read_cache, write_cache
from ax_anasod.nasbench.nasbench201_trials import Trials, collect, collect_records
from ax_anasod.nasbench.restricted_pickles import load_bz2, load_torch
from ax_anasod.nasbench.source_files import check_source, first_line
from ax_anasod.pickles import DamagedError, RefusedError

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
        with open_file(path) as file:
            head = file.read(len(_PARQUET))
    except OSError as error:
        _refuse(path, error)
    if not head:
        raise BenchmarkError(f"{_WHAT} {path} is empty (0 bytes)")
    if head == _PARQUET:
        return read_cache(path)
    content = _load(path, load_bz2 if head.startswith(_BZ2) else load_torch)
    return collect(content, str(path))


def _read_directory(path: Path) -> Trials:
    meta = path / f"meta{_NATS_SUFFIX}"
    check_source(meta, "the list of architectures of a NATS-Bench folder,")
    content = _load(meta, load_bz2)
    if not isinstance(content, dict) or "meta_archs" not in content:
        raise BenchmarkError(f"{meta} holds no list of architectures ('meta_archs')")

    def entries() -> Iterator[tuple[int, Any]]:
        for entry in sorted(path.iterdir()):
            if _NATS_ENTRY.fullmatch(entry.name):
                yield int(entry.name.removesuffix(_NATS_SUFFIX)), _load(entry, load_bz2)

    return collect_records(content["meta_archs"], entries(), str(path))


def _load(path: Path, load: Callable[[Path], object]) -> object:
    try:
        return load(path)
    except RefusedError as error:
        raise BenchmarkError(
            f"{path} was not read: it asks for {error}, which no official NAS-Bench-201 or "
            "NATS-Bench file holds, and which could run code",
            "use the official file without trained weights",
        ) from error
    except (DamagedError, OSError, EOFError) as error:
        _refuse(path, error)


def _refuse(path: Path, error: Exception) -> NoReturn:
    raise BenchmarkError(
        f"{_WHAT} {path} cannot be read, is cut off, or has another format: {first_line(error)}",
        f"expected is a .pth file of nas-bench-201, or a *{_NATS_SUFFIX} file or folder of "
        "NATS-Bench (topology)",
    ) from error


@runtime_checkable
class _Loaded(Protocol):
    """The part of an official file that both APIs keep."""

    meta_archs: list[str]
    arch2infos_dict: Mapping[int, Mapping[str, Any]]


@runtime_checkable
class _Lazy(Protocol):
    """NATS-Bench's API, which can load an architecture when it is asked for."""

    fast_mode: bool
    archive_dir: str


def trials_of_api(api: object) -> Trials:
    """The training runs of a ``NASBench201API`` or ``NATStopology``.

    Args:
        api: The object. One of NATS-Bench in fast mode holds nothing yet: its folder is
            read instead, without executing it.

    Raises:
        BenchmarkError: If the object is of neither API, or has no results.
    """
    if isinstance(api, _Lazy) and api.fast_mode:
        return read_trials(Path(api.archive_dir))
    kind = type(api).__name__
    if not isinstance(api, _Loaded):
        raise BenchmarkError(
            f"a {kind} is no API of nas-bench-201 or nats-bench: it has no meta_archs and "
            "arch2infos_dict",
            "pass a NASBench201API or a NATStopology, or use the path of the file",
        )
    return collect_records(api.meta_archs, api.arch2infos_dict.items(), f"the API {kind}")
