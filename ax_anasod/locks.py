"""Locks on files, so that only one process works in a folder, and ends with its parent."""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ax_anasod.exceptions import RunError

_ATTEMPTS = 5
_SECONDS_BETWEEN = 0.1
# For those that only look whether a file is locked, on a machine with other work.
_SECONDS_FOR_LOOKERS = 30.0
_OURS = os.O_RDWR | os.O_CREAT
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@contextmanager
def locked(path: Path, busy: str) -> Iterator[int]:
    """Hold a lock file; it is deleted if the work under it ends without an exception.

    The process that deletes it must have left something behind by which others see, once they have
    the lock, that the work is done: one of them may hold a file that was deleted meanwhile.

    Args:
        path: The file; it is made where there is none.
        busy: What is said where another process holds it.

    Yields:
        Its descriptor, by which `is_same_file` knows it.

    Raises:
        RunError: See `hold`.
    """
    file = hold(path, busy)
    try:
        yield file
        if is_same_file(file, path):
            with suppress(OSError):  # Windows does not delete a file that is open
                path.unlink()
    finally:
        os.close(file)


def hold(path: Path, busy: str) -> int:
    """Open and lock a file that nothing is written to, until it is closed.

    Args:
        path: The file; it is made where there is none.
        busy: What is said where another process holds it.

    Returns:
        Its descriptor.

    Raises:
        RunError: Another process holds the file, it cannot be made or locked, or something else has
            its name: a link, or a file with content, which is left as it is.
    """
    file = open_locked(path, f"the file {path}", busy)
    if os.fstat(file).st_size:
        os.close(file)
        raise RunError(f"the file {path} is no lock: it is not empty", "move it elsewhere")
    return file


def open_locked(path: Path, what: str, busy: str) -> int:
    """Open a file for appending and lock it, until it is closed.

    Args:
        path: The file; it is made where there is none.
        what: It in words, for messages.
        busy: What is said where another process holds it.

    Returns:
        Its descriptor.

    Raises:
        RunError: Another process holds the file, or it cannot be made or locked; a link, a FIFO and
            a device are refused.
    """
    try:
        if path.is_symlink():
            raise OSError(errno.ELOOP, "it is a symbolic link")
        flags = _OURS | os.O_APPEND | _NO_LINK | getattr(os, "O_BINARY", 0)
        file = os.open(path, flags, 0o644)
    except OSError as error:
        raise RunError(f"{what} cannot be written: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise RunError(f"{what} cannot be written: it is no ordinary file")
        if not try_lock_patiently(file):
            raise RunError(busy, "wait for its end, or stop it")
    except BaseException as error:
        os.close(file)
        if isinstance(error, OSError):
            raise RunError(
                f"{what} cannot be locked: {error.strerror}",
                "choose a folder on a file system that has locks",
            ) from error
        raise
    return file


def is_same_file(file: int, path: Path) -> bool:
    """Return True if a path still names an open file; False once that was deleted or replaced.

    Args:
        file: Descriptor of the file.
        path: Where it was opened.
    """
    try:
        there = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        # A disk that does not answer says so itself when the file is written.
        return True
    ours = os.fstat(file)
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def try_lock_patiently(file: int) -> bool:
    """Lock a file, waiting for those that only look whether it is locked.

    They hold it for an instant, which is long where the machine has other work.

    Args:
        file: Descriptor of the file.

    Returns:
        False if another process keeps it locked.

    Raises:
        OSError: The file system has no locks.
    """
    until = time.monotonic() + _SECONDS_FOR_LOOKERS
    attempts = 0
    while not try_lock(file):
        attempts += 1
        if attempts >= _ATTEMPTS and (time.monotonic() > until or not _is_shared(file)):
            return False
        time.sleep(_SECONDS_BETWEEN)
    return True


def end_with_parent() -> None:
    """End this process once the one that has started it has ended, for whatever reason.

    Otherwise it would go on with its work, and hold its locks, without any use.
    """
    # Not above: a program that only looks at a run starts no process.
    from multiprocessing import parent_process

    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


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

    def _is_shared(file: int) -> bool:
        return False
else:
    import fcntl

    def try_lock(file: int, *, shared: bool = False) -> bool:
        """Lock a file unless another process has; the lock ends with the file's closing.

        Raises:
            OSError: The file system has no locks.
        """
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _is_shared(file: int) -> bool:
        """Return True if those that hold the lock share it: they look, and do not work."""
        if not try_lock(file, shared=True):
            return False
        fcntl.flock(file, fcntl.LOCK_UN)
        return True
