"""Archives that ``torch.save`` writes, read without torch and without executing anything."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from typing import IO, Final

from ax_anasod.pickles import DamagedError, Names, PickleReader

_PICKLE: Final = "/data.pkl"
_SHOWN: Final = 80


class TorchArchive:
    """The archive that ``torch.save`` writes: a pickle, and the numbers of tensors beside it.

    Args:
        file: The file, open for reading bytes.

    Raises:
        DamagedError: The file is no such archive, is cut off, or claims to hold more than it has.
    """

    def __init__(self, file: IO[bytes]) -> None:
        try:
            self._archive = zipfile.ZipFile(file)
        # The errors of zipfile for archives that are damaged, or of kinds that it does not read.
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
            raise DamagedError(f"it is no archive of torch: {error}") from error
        size = file.seek(0, 2)
        entries = self._archive.infolist()
        for entry in entries:
            # torch compresses nothing, so that what is there cannot be more than the file.
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                raise DamagedError(f"its entry {entry.filename[:_SHOWN]!r} is compressed")
        if sum(entry.file_size for entry in entries) > size:
            raise DamagedError(f"its entries are larger than the file, which has {size:,} bytes")
        names = self._archive.namelist()
        folders = [name.removesuffix(_PICKLE) for name in names if name.endswith(_PICKLE)]
        if len(folders) != 1:
            raise DamagedError("it is an archive, but none of torch")
        self._folder = folders[0]

    def load(self, names: Names, stored: Callable[[object], object] | None = None) -> object:
        """The object in the archive; the arguments are those of `PickleReader`.

        Raises:
            RefusedError: The archive asks for a name that was not given.
            DamagedError: The archive is damaged, or holds something else.
        """
        content = self.entry("data.pkl")
        return PickleReader(io.BytesIO(content), names, len(content), stored).load()

    def entry(self, name: str) -> bytes:
        """The bytes of an entry.

        Raises:
            DamagedError: The entry is missing or damaged.
        """
        try:
            return self._archive.read(f"{self._folder}/{name}")
        except (KeyError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise DamagedError(f"its entry {name!r} cannot be read: {error}") from error
