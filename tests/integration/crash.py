"""A tool that kills a process at its n-th change of a file, as the system or a power cut might.

`carry_out` runs ``ax-anasod`` in the calling process with every call counted that makes, writes,
syncs, renames or removes something in a folder. Before the n-th one the process is killed; where
that is a write, half of it may be done.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ax_anasod.cli import main
from ax_anasod.compare import pool

_BY_PATH = ("mkdir", "rmdir", "replace", "unlink", "link")
_BY_FILE = ("write", "fsync", "ftruncate")


@dataclass(frozen=True)
class Crash:
    """Where a process ends.

    Args:
        folder: Calls on files in here are counted.
        at: Before which call; 0 for none.
        half: Whether half of a write is done before.
        worker: Whether calls are counted in each process that the command forks, instead of in
            its own.
        log: File that gets a line for each call.
    """

    folder: Path
    at: int = 0
    half: bool = False
    worker: bool = False
    log: Path | None = None


def carry_out(arguments: Sequence[object], crash: Crash) -> None:
    """Run ``ax-anasod`` and end the process, by itself or where it crashes."""
    # Processes of a comparison are forks of this one, which has no threads yet: the server that
    # they are usually forked from would load the libraries each time.
    pool._context = lambda: multiprocessing.get_context("fork")  # type: ignore[assignment]
    _install(crash, os.getpid())
    main([str(argument) for argument in arguments])


def _install(crash: Crash, command: int) -> None:
    calls, files = [0], set[int]()

    def is_counted() -> bool:
        return (os.getpid() != command) == crash.worker

    def count(name: str, half: Callable[[], object] = lambda: None) -> None:
        calls[0] += 1
        if crash.log is not None:
            with crash.log.open("a") as log:
                log.write(f"{name}\n")
        if calls[0] == crash.at:
            if crash.half:
                half()
            os.kill(os.getpid(), signal.SIGKILL)

    def inside(path: object) -> bool:
        return isinstance(path, str | os.PathLike) and crash.folder in Path(path).parents

    def by_path(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *arguments: Any, **options: Any) -> Any:
            if is_counted() and (inside(path) or Path(path) == crash.folder):
                count(name)
            return original(path, *arguments, **options)

        return call

    def by_file(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(file: Any, *arguments: Any) -> Any:
            if file in files and is_counted():

                def half() -> None:
                    if name == "write":
                        content = arguments[0]
                        original(file, content[: len(content) // 2])

                count(name, half)
            return original(file, *arguments)

        return call

    opened, closed = os.open, os.close

    def opening(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        ours = inside(path)
        if ours and flags & os.O_CREAT and is_counted():
            count("open")
        file = opened(path, flags, *arguments, **options)
        if ours:
            files.add(file)
        return file

    def closing(file: int) -> None:
        files.discard(file)
        closed(file)

    os.open, os.close = opening, closing  # type: ignore[assignment]
    for name in _BY_PATH:
        setattr(os, name, by_path(name, getattr(os, name)))
    for name in _BY_FILE:
        setattr(os, name, by_file(name, getattr(os, name)))
