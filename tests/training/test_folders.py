"""Images in class folders and tar files."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
import torch

from ax_anasod.exceptions import DataError
from ax_anasod.training.folders import ClassFolders, list_images
from ax_anasod.training.images import HELPERS, NO_IMAGES
from tests.training.conftest import write_image


def everything(path: Path) -> torch.Tensor:
    images = list_images(path)
    return images.read(torch.arange(len(images.labels)))


def test_a_folder_is_listed_in_order(class_folders: Path) -> None:
    images = list_images(class_folders / "train")
    assert images.classes == ("cat", "dog")
    assert images.labels.tolist() == [0] * 5 + [1] * 5
    pixels = images.read(torch.tensor([0, 3, 9]))
    assert pixels.shape == (3, 3, 4, 4)
    assert pixels[:, 0, 0, 0].tolist() == [0, 30, 140]


def test_images_are_resized_where_asked(class_folders: Path) -> None:
    write_image(class_folders / "train" / "dog" / "5.png", 77, size=9)
    images = list_images(class_folders / "train")
    rows = torch.arange(11)
    with pytest.raises(DataError, match=r"dog/5.png has 9 x 9 pixels, .*cat/0.png 4 x 4"):
        images.read(rows)
    pixels = images.read(rows, image_size=6)
    assert pixels.shape == (11, 3, 6, 6)
    assert pixels[10].unique().tolist() == [77]


def test_progress_is_told(class_folders: Path) -> None:
    seen: list[tuple[int, int]] = []
    images = list_images(class_folders / "test")
    images.read(torch.arange(4), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_damaged_image_is_named(class_folders: Path) -> None:
    damaged = class_folders / "train" / "cat" / "2.png"
    damaged.write_bytes(damaged.read_bytes()[:40])
    with pytest.raises(DataError, match=r"cat/2.png is damaged \(40 bytes cannot be decoded: "):
        everything(class_folders / "train")


def test_an_image_that_went_away_is_named(class_folders: Path) -> None:
    images = list_images(class_folders / "train")
    (class_folders / "train" / "dog" / "1.png").unlink()
    with pytest.raises(DataError, match=r"dog/1.png cannot be read: No such file"):
        images.read(torch.arange(10))


def test_folders_without_two_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no images in class folders"):
        list_images(tmp_path)
    write_image(tmp_path / "cat" / "0.png", 0)
    with pytest.raises(DataError, match="images of one class only: 'cat'"):
        list_images(tmp_path)
    write_image(tmp_path / "dog" / "0.png", 0)
    write_image(tmp_path / "stray.png", 0)
    with pytest.raises(DataError, match=r"stray.png lies beside the class folders"):
        list_images(tmp_path)
    with pytest.raises(DataError, match=r"cta is no folder .*did you mean 'cat'"):
        list_images(tmp_path / "cta")


def fill(root: Path, *folders: str, images: int = 2, end: str = "png") -> Path:
    """Write images into folders, all different."""
    for place, folder in enumerate(folders):
        for n in range(images):
            write_image(root / folder / f"{n}.{end}", 20 * place + n)
    return root


def left_out(images: ClassFolders) -> dict[str, str]:
    """Path inside the folder -> why it was left out."""
    return {Path(p).relative_to(images.path).as_posix(): reason for p, reason in images.left_out}


@pytest.mark.parametrize(
    "helper",
    [
        ".ipynb_checkpoints",
        "@eaDir",
        "__MACOSX",
        "lost+found",
        "$RECYCLE.BIN",
        "System Volume Information",
        "cat/.thumbnails",
        "cat/@eaDir/0.png",
    ],
)
def test_folders_of_programs_are_no_classes(tmp_path: Path, helper: str) -> None:
    fill(tmp_path, "cat", "dog", helper)
    images = list_images(tmp_path)
    assert (images.classes, len(images.names)) == (("cat", "dog"), 4)
    assert left_out(images) == {f"{helper}/{n}.png": HELPERS for n in range(2)}


def test_files_of_programs_and_others_are_named(tmp_path: Path) -> None:
    fill(tmp_path, "cat", "dog")
    helpers = [".DS_Store", "Thumbs.db", "cat/desktop.ini", "cat/._0.png"]
    others = ["labels.csv", "dog/0.heic", "bird"]
    for name in helpers + others:
        (tmp_path / name).write_bytes(b"")
    (tmp_path / ".git").mkdir()
    assert left_out(list_images(tmp_path)) == {
        **dict.fromkeys([*helpers, ".git"], HELPERS),
        **dict.fromkeys(others, NO_IMAGES),
    }


def test_all_ends_of_torchvision_are_images(tmp_path: Path) -> None:
    from torchvision.datasets.folder import IMG_EXTENSIONS

    ends = (*IMG_EXTENSIONS, ".gif", ".TIF", ".Jpeg")
    fill(tmp_path, "cat", "dog")
    for end in ends:
        write_image(tmp_path / "bird" / f"one{end}", 7)
    assert list_images(tmp_path).classes == ("bird", "cat", "dog")
    pixels = everything(tmp_path)
    assert len(pixels) == len(ends) + 4
    assert (pixels[: len(ends)] == 7).all()


def test_classes_and_images_are_those_of_torchvision(tmp_path: Path) -> None:
    from torchvision.datasets import ImageFolder

    fill(tmp_path, "a", "a b", "B", "a/deep/er", "a/deep", "10", "9")
    ours, theirs = list_images(tmp_path), ImageFolder(str(tmp_path))
    assert list(ours.classes) == theirs.classes
    names = [str(tmp_path / name) for name in ours.names]
    assert dict(zip(names, ours.labels.tolist(), strict=True)) == dict(theirs.samples)


def test_images_lie_at_any_depth_below_their_class(tmp_path: Path) -> None:
    images = list_images(fill(tmp_path, "cat", "cat/siam", "cat/tabby/old", "dog/images"))
    assert images.classes == ("cat", "dog")
    assert images.labels.tolist() == [0] * 6 + [1] * 2


def test_folders_around_the_class_folders_do_not_count(tmp_path: Path) -> None:
    fill(tmp_path, "data/train/cat", "data/train/dog")
    (tmp_path / "data" / "LICENSE").write_text("")
    images = list_images(tmp_path)
    assert images.classes == ("cat", "dog")
    assert left_out(images) == {"data/LICENSE": NO_IMAGES}


def test_a_class_without_images_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, "cat", "dog")
    (tmp_path / "bird" / "deep").mkdir(parents=True)
    with pytest.raises(
        DataError, match=r"class folder .*/bird holds no images \(remove it, or put"
    ):
        list_images(tmp_path)
    for name in ("0.heic", "1.heic", "deep/list.txt"):
        (tmp_path / "bird" / name).write_text("")
    with pytest.raises(DataError, match=r"no images, but 3 other files \(2 .heic, 1 .txt\)"):
        list_images(tmp_path)


@pytest.mark.parametrize("archive", ["bird.zip", "bird.tar", "bird.tar.gz", "BIRD.7z"])
def test_an_archive_instead_of_a_class_folder_is_refused(tmp_path: Path, archive: str) -> None:
    fill(tmp_path, "cat", "dog")
    (tmp_path / archive).write_bytes(b"")
    with pytest.raises(DataError, match=rf"{archive} lies where class folders should be \(unpack"):
        list_images(tmp_path)


def test_links_are_followed(tmp_path: Path) -> None:
    fill(tmp_path / "data", "cat", "dog")
    fill(tmp_path / "far", "bird", "more")
    write_image(tmp_path / "far" / "single.png", 99)
    (tmp_path / "data" / "bird").symlink_to("../far/bird")
    (tmp_path / "data" / "dog" / "more").symlink_to(tmp_path / "far" / "more")
    (tmp_path / "data" / "cat" / "9.png").symlink_to("../../far/single.png")
    (tmp_path / "link").symlink_to("data")
    images = list_images(tmp_path / "link")
    assert images.classes == ("bird", "cat", "dog")
    assert torch.bincount(images.labels).tolist() == [2, 3, 4]
    assert 99 in everything(tmp_path / "link")


@pytest.mark.parametrize(
    ("link", "target", "message"),
    [
        ("cat/loop", "..", r"cat/loop and .*data are one folder \(remove the link"),
        ("cat/loop", ".", r"cat/loop and .*cat are one folder"),
        ("bird", "cat", r"bird and .*cat are one folder"),
        ("bird", "bird", "bird cannot be read: Too many levels of symbolic links"),
        ("bird", "nowhere", "the link .*bird leads nowhere"),
        ("cat/zero.png", "/dev/zero", "zero.png is neither a file nor a folder"),
    ],
)
def test_links_that_lead_round_or_nowhere_are_refused(
    tmp_path: Path, link: str, target: str, message: str
) -> None:
    fill(tmp_path / "data", "cat", "dog")
    (tmp_path / "data" / link).symlink_to(target)
    with pytest.raises(DataError, match=message):
        list_images(tmp_path / "data")


@pytest.mark.parametrize("name", ["bird", "cat/9.png"])
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path, name: str) -> None:
    fill(tmp_path, "cat", "dog")
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match=rf"{name} is neither a file nor a folder, but a pipe"):
        list_images(tmp_path)


def test_an_image_that_is_a_link_to_nothing_is_missing(tmp_path: Path) -> None:
    fill(tmp_path, "cat", "dog")
    (tmp_path / "cat" / "9.png").symlink_to("nowhere")
    images = list_images(tmp_path)
    pixels, missing = images.read_sound(torch.arange(5))
    assert len(pixels) == 4
    assert [images.names[place] for place in missing] == ["cat/9.png"]
    assert "cat/9.png cannot be read: No such file" in str(missing[2])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    fill(tmp_path, "cat", "dog", "lost+found")
    (tmp_path / "lost+found").chmod(0)
    (tmp_path / "dog").chmod(0)
    try:
        with pytest.raises(DataError, match=r"dog cannot be read: Permission denied"):
            list_images(tmp_path)
        (tmp_path / "dog").chmod(0o700)
        assert list_images(tmp_path).classes == ("cat", "dog")
    finally:
        (tmp_path / "dog").chmod(0o700)
        (tmp_path / "lost+found").chmod(0o700)


def test_names_that_look_the_same_are_one_class(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    assert list_images(fill(tmp_path / "mac", decomposed, "dog")).classes == (composed, "dog")
    fill(tmp_path / "both", composed, decomposed, "dog")
    with pytest.raises(DataError, match=r"two folders of one class, 'café', .* different Unicode"):
        list_images(tmp_path / "both")


def test_a_class_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, "cat", "dog")
    bad = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xffd"))
    try:
        bad.mkdir()
    except OSError:
        pytest.skip("this file system allows no such names")
    write_image(bad / "0.png", 0)
    with pytest.raises(DataError, match="is no UTF-8"):
        list_images(tmp_path)


@pytest.mark.parametrize(
    "names", [("Train", "Test"), ("seg_train", "seg_test"), ("a-val", "testset")]
)
def test_splits_are_no_classes(tmp_path: Path, names: tuple[str, str]) -> None:
    for name in names:
        fill(tmp_path / "data" / name, "cat", "dog")
    with pytest.raises(DataError, match=r"data/? holds splits, not classes: .*call them train and"):
        list_images(tmp_path)
    # A class may be called like a split: there are images in it.
    assert list_images(fill(tmp_path / "other", *names)).classes == tuple(sorted(names))


def tiny_validation(root: Path) -> Path:
    """Tiny ImageNet's ``val``: three images of two classes."""
    fill(root, "images", images=3, end="JPEG")
    lines = [f"{n}.JPEG\tn0{n % 2}\t0\t32\t44\t62\n" for n in range(3)]
    (root / "val_annotations.txt").write_text("".join(lines))
    return root


def test_the_layout_of_tiny_imagenet_is_read(tmp_path: Path) -> None:
    images = list_images(tiny_validation(tmp_path))
    assert images.classes == ("n00", "n01")
    assert images.labels.tolist() == [0, 1, 0]
    assert left_out(images) == {}
    assert everything(tmp_path)[:, 0, 0, 0].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"0.JPEG\tn00\n1.JPEG\tn01\n", "do not fit: images/2.JPEG and 1 in all"),
        (b"0.JPEG\tn0\n1.JPEG\tn1\n2.JPEG\tn1\n3.JPEG\tn1\n", "do not fit: images/3.JPEG"),
        (b"0.JPEG\tn00\n0.JPEG\tn01\n", "is damaged: it names an image twice"),
        (b"0.JPEG n00\n", "val_annotations.txt is damaged: .*needed is a line NAME<tab>CLASS"),
        (b"\xff\xfe\x00", "val_annotations.txt is damaged: "),
    ],
)
def test_a_wrong_list_of_classes_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tiny_validation(tmp_path) / "val_annotations.txt").write_bytes(content)
    with pytest.raises(DataError, match=message):
        list_images(tmp_path)


def test_files_of_absurd_size_are_not_read(tmp_path: Path) -> None:
    fill(tmp_path, "cat", "dog")
    os.truncate(tmp_path / "cat" / "1.png", 2**40)
    pixels, damaged = list_images(tmp_path).read_sound(torch.arange(4))
    assert len(pixels) == 3
    assert "1.png has 1,099,511,627,776 bytes, more than the 1,073,741,824" in str(damaged[1])


def test_images_that_do_not_fit_into_the_memory_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = list_images(fill(tmp_path, "cat", "dog"))
    # A machine of 191 bytes: one less than the images have.
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 191, "SC_PHYS_PAGES": 1}.__getitem__)
    with pytest.raises(
        DataError, match=r"4 images of 4 x 4 pixels take .* GiB of memory.*--images"
    ):
        images.read(torch.arange(4))
