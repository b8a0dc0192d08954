"""Locks on files, so that only one process works in a folder."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ax_anasod.exceptions import RunError


@contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Hold a lock file; it is deleted if the work under it ends without an exception.

    Whoever deletes it must have left something behind by which others see, once they have
    the lock, that the work is done: one of them may hold a file that was deleted meanwhile.

    Args:
        path: The file; it is made where there is none.
        busy: What is said where another process holds it.

    Raises:
        RunError: Another process holds it, or it cannot be made.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise RunError(f"the file {path} cannot be written: {error.strerror}") from error
    try:
        if not try_lock_patiently(file):
            raise RunError(busy, "wait for its end, or stop it")
        yield
        with suppress(OSError):  # Windows does not delete a file that is open
            path.unlink()
    finally:
        os.close(file)


def try_lock_patiently(file: int) -> bool:
    """Lock a file, waiting for those that only look whether it is locked.

    They hold it for an instant.

    Args:
        file: Descriptor of the file.

    Returns:
        False if another process keeps it locked.
    """
    for _ in range(5):
        if try_lock(file):
            return True
        time.sleep(0.1)
    return False


if sys.platform == "win32":
    import msvcrt

    def try_lock(file: int, *, shared: bool = False) -> bool:
        """Lock a file unless another process has; the lock ends with the file's closing."""
        # Windows locks bytes, also those beyond the end; this one is never written.
        try:
            os.lseek(file, 2**62, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def try_lock(file: int, *, shared: bool = False) -> bool:
        """Lock a file unless another process has; the lock ends with the file's closing."""
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
