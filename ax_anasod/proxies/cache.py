"""Values that were computed once on this machine, in a file of the user's."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ax_anasod.exceptions import RunError
from ax_anasod.files import read_bytes, write_whole
from ax_anasod.typing import Codes, Values


class ValueFile:
    """The values of architectures that one description gives, kept between processes.

    It lies in ``ax_anasod/proxies`` in ``$XDG_CACHE_HOME`` (``~/.cache``) and may be deleted. What
    cannot be read, or written, is computed again: a cache decides nothing.

    Args:
        description: All that the values depend on, as JSON-able data.
    """

    def __init__(self, description: Mapping[str, Any]) -> None:
        named = os.environ.get("XDG_CACHE_HOME", "")
        folder = Path(named) if Path(named).is_absolute() else Path("~/.cache").expanduser()
        text = json.dumps(description, sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()[:32]
        self.path = folder / "ax_anasod" / "proxies" / f"{name}.npz"

    def read(self, width: int) -> tuple[Codes, Values]:
        """The codes ``n x width`` that have values, and these ``n``."""
        with suppress(OSError, RunError, ValueError, KeyError, EOFError, BadZipFile, zlib.error):
            with np.load(io.BytesIO(read_bytes(self.path)), allow_pickle=False) as content:
                codes, values = content["codes"], content["values"]
            kinds = codes.dtype == np.int64 and values.dtype == np.float64
            if kinds and codes.shape == (len(values), width):
                return codes, values
        return np.empty((0, width), dtype=np.int64), np.empty(0)

    def write(self, codes: Codes, values: Values) -> None:
        """Keep values ``n`` of ``n x d`` codes, in the place of those that were kept."""
        content = io.BytesIO()
        np.savez_compressed(content, codes=codes, values=values)
        with suppress(OSError, RunError):
            write_whole(self.path, content.getvalue(), make_folder=True)
