"""Tar files of class folders: whole, and as they would be unpacked, or refused."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from ax_anasod.exceptions import DataError
from ax_anasod.training import archives
from ax_anasod.training.folders import list_images
from ax_anasod.training.images import HELPERS, NO_IMAGES, REPLACED

ZEROS = bytes(1024)


def png(value: int) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (4, 4), (value, value, value)).save(content, "PNG")
    return content.getvalue()


def add(archive: tarfile.TarFile, name: str, value: int = 0) -> None:
    """Add an image of one grey value."""
    member = tarfile.TarInfo(name)
    member.size = len(png(value))
    archive.addfile(member, io.BytesIO(png(value)))


def add_link(archive: tarfile.TarFile, name: str, target: str, *, hard: bool = False) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = (tarfile.LNKTYPE if hard else tarfile.SYMTYPE), target
    archive.addfile(member)


def add_special(archive: tarfile.TarFile, name: str, kind: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.type = kind
    archive.addfile(member)


Write = Callable[..., Path]


@pytest.fixture
def tar(tmp_path: Path) -> Write:
    """Writes a tar file of two images in each of two classes, and what a function adds to it."""

    def write(
        extra: Callable[[tarfile.TarFile], object] = lambda archive: None,
        form: int = tarfile.PAX_FORMAT,
        end: str = ".tar",
    ) -> Path:
        path = tmp_path / f"train{end}"
        with tarfile.open(path, "w:gz" if end != ".tar" else "w", format=form) as archive:
            for value, name in enumerate(("cat/0", "cat/1", "dog/0", "dog/1")):
                add(archive, f"{name}.png", value)
            extra(archive)
        return path

    return write


def grey(path: Path) -> dict[str, int]:
    """Path of each image -> its grey value."""
    images = list_images(path)
    values = images.read(torch.arange(len(images.names)))[:, 0, 0, 0].tolist()
    return dict(zip(images.names, values, strict=True))


FOUR = {"cat/0.png": 0, "cat/1.png": 1, "dog/0.png": 2, "dog/1.png": 3}


def ordinary(archive: tarfile.TarFile) -> None:
    add(archive, f"dog/{'deep/' * 30}é.png", 4)  # a long name, in Unicode
    add(archive, "./cat/.hidden.png", 5)
    add(archive, "@eaDir/0.png", 6)
    add(archive, "cat/0.png", 7)  # instead of the first, as by tar -r
    add_link(archive, "cat/hard.png", "cat/0.png", hard=True)
    add_link(archive, "dog/soft.png", "../cat/1.png")
    add_link(archive, "dog/of-soft.png", "soft.png")
    add_link(archive, "dog/hard-soft.png", "dog/soft.png", hard=True)
    add_link(archive, "cat/of-hidden.png", "cat/.hidden.png", hard=True)
    add(archive, "cat/1.png", 8)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("end", [".tar", ".tar.gz", ".TGZ"])
def test_a_tar_file_is_the_folder_that_it_unpacks_to(
    tar: Write, tmp_path: Path, form: int, end: str
) -> None:
    path = tar(ordinary, form, end)
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    assert grey(path) == grey(tmp_path / "unpacked")
    packed, unpacked = list_images(path), list_images(tmp_path / "unpacked")
    assert packed.classes == unpacked.classes == ("cat", "dog")
    assert packed.labels.tolist() == unpacked.labels.tolist()
    left_out = [(Path(p).relative_to(path).as_posix(), reason) for p, reason in packed.left_out]
    assert left_out == [
        ("cat/.hidden.png", HELPERS),
        ("@eaDir/0.png", HELPERS),
        ("cat/0.png", REPLACED),
        ("cat/1.png", REPLACED),
    ]


def test_a_folder_around_the_classes_does_not_count(tmp_path: Path, class_folders: Path) -> None:
    path = tmp_path / "images.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(class_folders / "train", "train")
    images, folder = list_images(path), list_images(class_folders / "train")
    assert images.classes == ("cat", "dog")
    rows = torch.arange(10)
    assert torch.equal(images.read(rows), folder.read(rows))
    assert torch.equal(images.read(rows[::3], image_size=6), folder.read(rows[::3], image_size=6))


def test_rules_of_folders_hold_for_tar_files(tar: Write) -> None:
    path = tar(lambda archive: add_special(archive, "bird/", tarfile.DIRTYPE))
    with pytest.raises(DataError):
        list_images(path)
    path = tar(lambda archive: add(archive, "labels.csv"))
    assert list_images(path).left_out == ((f"{path}/labels.csv", NO_IMAGES),)


def test_only_a_whole_tar_file_is_read(tar: Write) -> None:
    path = tar()
    content = path.read_bytes()
    end = len(content.rstrip(b"\0")) // 512 * 512 + 512
    assert grey(path) == FOUR
    path.write_bytes(content[: end + 1024])
    assert grey(path) == FOUR
    # Cut between members, in headers, in images, and in the blocks that mark the end.
    for length in [*range(512, end + 1024, 512), *range(1, end + 1024, 97), end + 1023]:
        path.write_bytes(content[:length])
        with pytest.raises(DataError):
            list_images(path)


def test_only_a_whole_zipped_tar_file_is_read(tar: Write) -> None:
    path = tar(end=".tar.gz")
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(DataError):
            list_images(path)
    path.write_bytes(content[:-8] + bytes(4) + content[-4:])  # the checksum
    with pytest.raises(DataError, match="CRC check failed"):
        list_images(path)


def test_a_hole_in_a_tar_file_is_seen(tar: Write) -> None:
    path = tar()
    content = path.read_bytes()
    second = content.index(b"cat/1.png")
    for odd in (bytes(512), b"\xff" * 512):
        path.write_bytes(content[:second] + odd + content[second + 512 :])
        with pytest.raises(DataError):
            list_images(path)


def test_a_second_tar_file_behind_the_first_is_not_dropped(tar: Write) -> None:
    path = tar()
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(DataError, match=r"train.tar goes on after its end"):
        list_images(path)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (lambda a: add(a, "/etc/0.png"), "'/etc/0.png', which leads out of it"),
        (lambda a: add(a, "cat/../../0.png"), "'cat/../../0.png', which leads out of it"),
        (lambda a: add_link(a, "cat/9.png", "/etc/0.png"), "'/etc/0.png', which is no file in"),
        (lambda a: add_link(a, "cat/9.png", "../../cat/0.png"), "which is no file in the tar"),
        (lambda a: add_link(a, "cat/9.png", "none.png"), "'none.png', which is no file in the"),
        (lambda a: add_link(a, "cat/9.png", "9.png"), "'9.png', which is no file in the tar file"),
        (lambda a: add_link(a, "bird", "cat"), "train.tar/bird is a link to 'cat'"),
        (lambda a: add_link(a, "cat/9.png", "cat/8.png", hard=True), "does not come before it"),
        (lambda a: add_link(a, "cat/9.png", "/cat/0.png", hard=True), "leads out of it"),
        (lambda a: add(a, "cat/0.png/1.png"), "cat/0.png is a folder and a file or link"),
        (lambda a: add(a, "cat"), "train.tar/cat is a folder and a file"),
        (lambda a: add_special(a, "cat/9.png", tarfile.FIFOTYPE), "9.png is no file .a pipe or a"),
        (lambda a: add_special(a, "cat/9.png", tarfile.CHRTYPE), "9.png is no file .a pipe or a"),
        (lambda a: add_special(a, "bird", b"?"), "bird is no file"),
        (lambda a: add_special(a, "cat/9.png", tarfile.GNUTYPE_SPARSE), "9.png is a sparse file"),
    ],
)
def test_what_cannot_be_read_as_it_would_be_unpacked_is_refused(
    tar: Write, extra: Callable[[tarfile.TarFile], object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        list_images(tar(extra))


def header(name: bytes, kind: bytes, size: bytes) -> bytes:
    """The header of a member with a right checksum."""
    block = bytearray(512)
    block[: len(name)], block[124 : 124 + len(size)] = name, size
    block[156:157], block[257:265] = kind, b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


EXABYTE = b"\x80" + bytes(3) + (2**60).to_bytes(8, "big")
NEGATIVE = b"\xff" * 10 + b"\xfe\x00"  # -512
RECORD = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n25 GNU.sparse.realsize=9\n"


@pytest.mark.parametrize(
    ("kind", "size", "then"),
    [
        (b"0", EXABYTE, b""),
        (b"0", NEGATIVE, b""),
        (b"L", EXABYTE, b""),
        (b"L", NEGATIVE, b""),
        (b"x", EXABYTE, b""),
        (b"g", b"%011o" % 2**31, b""),
        (b"x", NEGATIVE, b""),
        (b"x", b"%011o" % 14, b"14 size=-5120\n".ljust(512, b"\0") + header(b"cat/9", b"0", b"0")),
    ],
)
def test_sizes_that_cannot_be_are_refused_before_memory_is_taken(
    tar: Write, kind: bytes, size: bytes, then: bytes
) -> None:
    path = tar()
    content = path.read_bytes()
    place = content.index(b"dog/1.png")
    odd = content[:place] + header(b"odd", kind, size) + then + content[place:]
    path.write_bytes(odd)
    with pytest.raises(DataError):
        list_images(path)
    # The same with as many zeros as it claims, of which a zipped file has plenty.
    path = path.with_suffix(".tar.gz")
    path.write_bytes(gzip.compress(odd + bytes(2**26)))
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            list_images(path)
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()


def test_endless_headers_are_refused(tar: Write) -> None:
    path = tar()
    content = path.read_bytes()
    path.write_bytes(header(b"odd", b"x", b"0") * 5000 + content)
    with pytest.raises(DataError):
        list_images(path)
    sparse = header(b"odd", b"x", b"%011o" % len(RECORD)) + RECORD.ljust(512, b"\0")
    numbers = b"1000000000\n" + b"0\n" * 2**24
    member = header(b"cat/9.png", b"0", b"%011o" % len(numbers)) + numbers
    path.write_bytes(sparse + member + content)
    with pytest.raises(DataError, match="claims more than 65,536 bytes"):
        list_images(path)


def test_an_image_of_absurd_size_is_not_read(tar: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tar()
    images = list_images(path)
    monkeypatch.setattr(archives.read_members, "__defaults__", (len(png(0)) - 1,))
    _, damaged = images.read_sound(torch.arange(4))
    assert sorted(damaged) == [0, 1, 2, 3]
    assert "train.tar/cat/0.png has" in str(damaged[0])


def test_paths_that_nobody_has_are_refused(tar: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a/" * 100 + "0.png", "x" * 5000 + ".png"):
        with pytest.raises(DataError, match="has a member of .* characters and .* folders"):
            list_images(tar(lambda archive, name=name: add(archive, name)))
    assert len(list_images(tar(lambda a: add(a, "cat/" + "a/" * 90 + "0.png"))).names) == 5
    monkeypatch.setattr(archives, "_MOST_FOLDERS", 91)
    with pytest.raises(DataError, match="has more than 91 folders"):
        list_images(tar(lambda archive: add(archive, "cat/" + "a/" * 90 + "0.png")))


def test_labels_and_lists_of_gnu_tar_are_no_images(tar: Write) -> None:
    def extra(archive: tarfile.TarFile) -> None:
        add_special(archive, "my backup", b"V")
        add_special(archive, "cat", b"D")

    images = list_images(tar(extra))
    assert (images.classes, images.left_out) == (("cat", "dog"), ())


def test_too_many_members_are_refused(tar: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tar()
    monkeypatch.setattr(archives, "_MOST_MEMBERS", 4)
    assert grey(path) == FOUR
    monkeypatch.setattr(archives, "_MOST_MEMBERS", 3)
    with pytest.raises(DataError, match="has more than 3 members"):
        list_images(path)


def test_a_tar_file_of_hidden_files_only_says_so(tmp_path: Path) -> None:
    path = tmp_path / "train.tar"
    with tarfile.open(path, "w") as archive:
        add(archive, ".data/cat/0.png")
        add(archive, ".data/dog/0.png")
    with pytest.raises(DataError, match=r"no images in class folders, but 2 other files .2 .png"):
        list_images(path)


def test_what_is_no_tar_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "train.tar.gz"
    for content in (b"no tar file", b"", ZEROS * 3, gzip.compress(b"no tar file")):
        path.write_bytes(content)
        with pytest.raises(
            DataError, match=r"train.tar.gz (cannot be read as a tar|holds no imag)"
        ):
            list_images(path)
    path.unlink()
    (tmp_path / "data.zip").write_bytes(b"")
    with pytest.raises(DataError, match=r"data.zip is neither a folder nor a .tar.*unpack it"):
        list_images(tmp_path / "data.zip")


def test_a_tar_file_that_shrank_since_it_was_listed_is_refused(tar: Write) -> None:
    path = tar()
    images = list_images(path)
    path.write_bytes(path.read_bytes()[:1024])
    pixels, damaged = images.read_sound(torch.arange(4))
    assert len(pixels) == 1
    assert "train.tar/dog/1.png is no longer there" in str(damaged[3])


@pytest.mark.slow
def test_damaged_tar_files_are_read_or_refused(tar: Write, tmp_path: Path) -> None:
    rng = random.Random(0)
    whole = [
        tar(ordinary, form).read_bytes()
        for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
    ]
    path, refused = tmp_path / "odd.tar", 0
    for _ in range(1000):
        content = bytearray(rng.choice(whole))
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(content))
            piece = rng.choice([b"\0", b"\xff", b"9", b"\x80", rng.randbytes(3), bytes(512)])
            content[place : place + rng.choice([0, 1, 1, 1, 512])] = piece
        for start in range(0, len(content), 512):
            # Half of the headers keep a right checksum, so that more is looked at than that.
            block = content[start : start + 512]
            if block[257:262] == b"ustar" and rng.random() < 0.5:
                block[148:156] = b" " * 8
                content[start + 148 : start + 156] = b"%06o\0 " % sum(block)
        path.write_bytes(content)
        try:
            images = list_images(path)
            images.read_sound(torch.arange(len(images.names)))
        except DataError:
            refused += 1
    assert 300 < refused < 1000
