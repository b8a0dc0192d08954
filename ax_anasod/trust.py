"""Trust in descriptions that act: start a program, import a module or reach an address.

Descriptions are read from folders and files that another user may have written. One that acts
does so only if this user has written it on this machine, which its seal shows: a keyed digest
(HMAC-SHA256) of all that acts. The key is a file that only this user can read,
``ax_anasod/key`` in ``$XDG_STATE_HOME`` (``~/.local/state``); it is made with the first seal.
"""

from __future__ import annotations

import hmac
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from ax_anasod.exceptions import RunError
from ax_anasod.files import read_bytes, write_new

SEAL: Final = "seal"
"""Name of the entry of a description that holds its seal."""

_BYTES: Final = 32
_own: ContextVar[bool] = ContextVar("ax_anasod_own_description", default=False)


@contextmanager
def own_description() -> Iterator[None]:
    """Context in which descriptions are trusted, because the program or its user made them."""
    token = _own.set(True)
    try:
        yield
    finally:
        _own.reset(token)


def seal(acting: Mapping[str, Any]) -> str | None:
    """The seal of what acts in a description.

    Args:
        acting: The active part of the description, as JSON-able data.

    Returns:
        The seal; None where no key can be kept, as in a home folder that is read-only.

    Raises:
        RunError: The key is no secret.
    """
    with suppress(OSError):
        return _digest(_key() or _new_key(), acting)
    return None


def is_trusted(acting: Mapping[str, Any], given: object) -> bool:
    """Return True if the active part of a description may act.

    Args:
        acting: The active part of the description, as for `seal`.
        given: The seal that stands in the description, None where there is none.

    Returns:
        True for a description of this user's own, and inside of `own_description`.

    Raises:
        RunError: The key is no secret.
    """
    if _own.get():
        return True
    try:
        key = _key()
    except OSError:
        return False
    if key is None or not isinstance(given, str):
        return False
    return hmac.compare_digest(_digest(key, acting).encode(), given.encode("utf-8", "replace"))


def _digest(key: bytes, acting: Mapping[str, Any]) -> str:
    return hmac.new(key, json.dumps(acting, sort_keys=True).encode(), sha256).hexdigest()


def _path() -> Path:
    named = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(named) if Path(named).is_absolute() else Path("~/.local/state").expanduser()
    return folder / "ax_anasod" / "key"


def _key() -> bytes | None:
    """The key; None where there is none.

    Raises:
        OSError: The key cannot be read.
        RunError: Others can read it, or have written it.
    """
    path = _path()
    try:
        status = path.lstat()
        key = read_bytes(path, _BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    owner = getattr(os, "geteuid", lambda: status.st_uid)()
    open_to_others = os.name == "posix" and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    if open_to_others or status.st_uid != owner or len(key) != _BYTES:
        raise RunError(
            f"the key {path} is no secret of yours, or damaged", "delete it: a new one is made"
        )
    return key


def _new_key() -> bytes:
    """Make a key, or take the one that another process has made in the meantime.

    Raises:
        OSError: The key cannot be written.
    """
    path = _path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.urandom(8).hex()}.unfinished")
    write_new(unfinished, os.urandom(_BYTES), mode=0o600)
    try:
        # Unlike a renaming, it replaces nothing.
        with suppress(FileExistsError):
            path.hardlink_to(unfinished)
    finally:
        unfinished.unlink()
    return _key() or b""
