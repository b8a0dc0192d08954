"""The content of a tar file of class folders, and the contents of its members.

A tar file is read completely or refused. A truncated file, one with impossible member headers, or
one whose links lead nowhere would otherwise be read as a smaller data set.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

from ax_anasod.exceptions import DataError
from ax_anasod.training.image_decoding import MOST_BYTES, SKIP_HINT
from ax_anasod.training.trees import Span, Tree, is_helper, too_long

TARS: Final = (".tar", ".tar.gz", ".tgz")

_MOST_MEMBERS: Final = 10_000_000
_MOST_FOLDERS: Final = 1_000_000
# Longest path: the limit of file systems, and more folders than any data set nests.
_LONGEST: Final = 4096
_DEEPEST: Final = 100
# The headers of one member, names and attributes included.
_MOST_HEADER: Final = 2**16
_BLOCK: Final = 512
# GNU tar's names of archives, and folders of its incremental archives.
_LABEL: Final = b"V"
_LISTED_FOLDER: Final = b"D"
# Blocks of zeros that a tar file is filled up with; 10 KiB where nothing else was asked for.
_MOST_PADDING: Final = 2**24
_MOST_LINKS: Final = 40
_AGAIN: Final = "make it or copy it again"
_UNPACK: Final = "unpack the file, and name the folder"


def is_tar(path: Path) -> bool:
    """Return True if a file is named like a tar file."""
    return path.name.lower().endswith(TARS) and path.is_file()


def read_members(
    path: Path, names: Sequence[str], spans: Sequence[Span], most: int = MOST_BYTES
) -> Iterator[tuple[int, Path, bytes | DataError]]:
    """Read files of a tar file, in the order in which they lie there.

    Args:
        path: The tar file.
        names: Paths of the files inside it.
        spans: Where each lies.
        most: Number of bytes beyond which a file is not read.

    Yields:
        The place of each file among ``names``, its path, and its content or what is wrong.

    Raises:
        DataError: The tar file cannot be read.
    """
    span, content = (-1, 0), b""
    with _damage_named(path), _unzipped(path) as stream:
        for place in sorted(range(len(names)), key=spans.__getitem__):
            file = path / names[place]
            if spans[place][1] > most:
                yield place, file, too_long(file, spans[place][1], most)
                continue
            # Several names may be links to one content, which is read once.
            if span != spans[place]:
                span = spans[place]
                stream.seek(span[0])
                content = stream.read(span[1])
            if len(content) == span[1]:
                yield place, file, content
            else:
                yield place, file, DataError(f"{file} is no longer there", SKIP_HINT)


def tree_of_tar(path: Path) -> Tree:
    """List a tar file as the folder that it would be unpacked to; links are followed.

    Raises:
        DataError: The file is damaged or cut off, leads out of itself, or cannot be read.
    """
    tree, links, hidden = Tree(), dict[str, str](), dict[str, Span]()
    for member in _members(path):
        name = _inside(member.name, path)
        helper = any(map(is_helper, name.split("/")))
        if member.type == _LABEL:
            continue
        if member.isdir() or member.type == _LISTED_FOLDER:
            if name and not helper:
                _add_folders(tree, links, f"{name}/", path)
            continue
        if helper:
            tree.helpers.append(name)
            if member.isreg():
                hidden[name] = (member.offset_data, member.size)
            continue
        span: Span | None = None
        target = ""
        if member.isreg() and not member.issparse():
            span = (member.offset_data, member.size)
        elif member.islnk():
            target = _inside(member.linkname, path)
            span = tree.files.get(target) or hidden.get(target)
            target = links.get(target, "")
        elif member.issym():
            target = member.linkname
        if span is None and not target:
            raise DataError(f"{path / name} is {_odd(member)}, which cannot be read here", _UNPACK)
        _add_folders(tree, links, name, path)
        if name in tree.files or name in links:
            tree.replaced.append(name)
            tree.files.pop(name, None)
            links.pop(name, None)
        if span is None:
            links[name] = target
        else:
            tree.files[name] = span
    for name in links:
        tree.files[name] = _behind(name, links, tree, path)
    return tree


def _odd(member: tarfile.TarInfo) -> str:
    if member.islnk():
        return f"a link to {member.linkname!r}, which does not come before it"
    return "a sparse file" if member.issparse() else "no file (a pipe or a device)"


def _inside(name: str, path: Path) -> str:
    """A path inside a tar file in its shortest form, empty for the root."""
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts:
        raise DataError(
            f"the tar file {path} holds {name!r}, which leads out of it",
            "make it again with names below one folder",
        )
    if len(name) > _LONGEST or len(parts) > _DEEPEST:
        raise DataError(
            f"the tar file {path} has a member of {len(name)} characters and {len(parts)} folders, "
            f"more than {_LONGEST} or {_DEEPEST}: {name[:20]}..."
        )
    return "/".join(parts)


def _add_folders(tree: Tree, links: Mapping[str, str], name: str, path: Path) -> None:
    """Add the folders in which a file lies."""
    if name in tree.folders:
        raise DataError(f"{path / name} is a folder and a file", _AGAIN)
    folder = name.rpartition("/")[0]
    while folder and folder not in tree.folders:
        if folder in tree.files or folder in links:
            raise DataError(f"{path / folder} is a folder and a file or link", _UNPACK)
        tree.folders.add(folder)
        if len(tree.folders) > _MOST_FOLDERS:
            raise DataError(f"the tar file {path} has more than {_MOST_FOLDERS:,} folders")
        folder = folder.rpartition("/")[0]


def _behind(name: str, links: Mapping[str, str], tree: Tree, path: Path) -> Span:
    """Follow a symbolic link, through other links too, to the file it leads to."""
    place = name
    for _ in range(_MOST_LINKS):
        target = links[place]
        parts = [] if target.startswith("/") else place.split("/")[:-1]
        for part in PurePosixPath(target).parts:
            if part != "..":
                parts.append(part)
            elif parts:
                parts.pop()
            else:
                parts.append("/")  # which is no name: it leads out
        place = "/".join(parts)
        if place in links:
            continue
        span = tree.files.get(place)
        if span is not None:
            return span
        break
    raise DataError(
        f"{path / name} is a link to {links[name]!r}, which is no file in the tar file", _UNPACK
    )


def _members(path: Path) -> Iterator[tarfile.TarInfo]:
    """The members of a tar file, all of them."""
    name, position, number = "", 0, 0
    with _damage_named(path), _unzipped(path) as stream:
        headers = _Headers(stream)
        try:
            archive = tarfile.open(fileobj=headers, mode="r:")  # noqa: SIM115
        except tarfile.TarError as error:
            reason = " ".join(str(error).split())
            raise DataError(f"{path} cannot be read as a tar file: {reason}") from error
        while (member := headers.next_of(archive)) is not None:
            if member.size < 0 or member.offset_data < position:
                raise DataError(
                    f"the tar file {path} is damaged: {member.name!r} has {member.size} bytes",
                    _AGAIN,
                )
            number += 1
            if number > _MOST_MEMBERS:
                raise DataError(f"the tar file {path} has more than {_MOST_MEMBERS:,} members")
            name, position = member.name, member.offset_data
            yield member
        # tarfile takes whatever is no header for the end.
        end = headers.last
        if len(end) < _BLOCK or end.strip(b"\0"):
            raise DataError(f"the tar file {path} was cut or damaged after {name!r}", _AGAIN)
        rest = stream.read(_MOST_PADDING)
        if len(rest) < _BLOCK:
            raise DataError(f"the tar file {path} was cut: its end is not marked", _AGAIN)
        if rest.strip(b"\0") or stream.read(1):
            raise DataError(f"the tar file {path} goes on after its end", _AGAIN)


class _Headers(io.BufferedIOBase):
    """A tar file as tarfile reads headers from it: a limited number of bytes for each member.

    Attributes:
        last: What was read last.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._left, self.last = stream, _MOST_HEADER, b""

    def next_of(self, archive: tarfile.TarFile) -> tarfile.TarInfo | None:
        """The next member; None at the end."""
        self._left = _MOST_HEADER
        member = archive.next()
        # The archive keeps all of them otherwise.
        archive.members.clear()  # type: ignore[attr-defined]
        return member

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= self._left:
            raise tarfile.ReadError(f"a header claims more than {_MOST_HEADER:,} bytes")
        self._left -= size
        self.last = self._stream.read(size)
        return self.last

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


@contextmanager
def _unzipped(path: Path) -> Iterator[IO[bytes]]:
    try:
        opened = path.open("rb")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    with opened as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not zipped:
            yield file
            return
        with gzip.GzipFile(fileobj=file) as stream:
            yield cast("IO[bytes]", stream)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Raise our own error in the place of those that readers of damaged tar files raise."""
    try:
        yield
    except DataError:
        raise
    except (
        OSError,
        EOFError,
        zlib.error,
        tarfile.TarError,
        ArithmeticError,
        LookupError,
        MemoryError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"the tar file {path} is damaged or was cut: {reason}", _AGAIN) from error
