"""Images in class folders and tar files."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ax_anasod.exceptions import DataError
from ax_anasod.training.folders import list_images
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


@pytest.mark.parametrize("ending", [".tar", ".tar.gz"])
def test_a_tar_file_is_the_folder(class_folders: Path, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"train{ending}"
    with tarfile.open(path, "w:gz" if ending.endswith("gz") else "w") as archive:
        archive.add(class_folders / "train", "train")
    assert list_images(path).classes == ("cat", "dog")
    assert torch.equal(everything(path), everything(class_folders / "train"))


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
    with pytest.raises(DataError, match=r"cat/2.png is damaged \(40 bytes cannot be decoded\)"):
        everything(class_folders / "train")


def test_an_image_whose_header_claims_billions_of_pixels_is_damaged(class_folders: Path) -> None:
    bomb = class_folders / "train" / "cat" / "1.bmp"
    Image.new("RGB", (4, 4)).save(bomb)
    content = bytearray(bomb.read_bytes())
    content[18:26] = (200_000).to_bytes(4, "little") * 2
    bomb.write_bytes(content)
    with pytest.raises(DataError, match=r"cat/1.bmp is damaged"):
        everything(class_folders / "train")
    images = list_images(class_folders / "train")
    pixels, damaged = images.read_sound(torch.arange(11))
    assert len(pixels) == 10
    assert [images.names[place] for place in damaged] == ["cat/1.bmp"]


def test_two_folders_of_one_class_are_refused(tmp_path: Path) -> None:
    for name in ("a/cat", "a/dog", "b/cat"):
        write_image(tmp_path / name / "0.png", 0)
    with pytest.raises(DataError, match=r"a/cat and .*b/cat are two folders of one class, 'cat'"):
        list_images(tmp_path)


def test_an_image_that_went_away_is_named(class_folders: Path) -> None:
    images = list_images(class_folders / "train")
    (class_folders / "train" / "dog" / "1.png").unlink()
    with pytest.raises(DataError, match=r"dog/1.png cannot be read: No such file"):
        images.read(torch.arange(10))


def test_a_damaged_tar_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "train.tar.gz"
    path.write_bytes(b"no tar file")
    with pytest.raises(DataError, match=r"train.tar.gz cannot be read as a tar file"):
        list_images(path)


def test_deep_images_are_not_cut(class_folders: Path) -> None:
    deep = np.full((4, 4), 40_000, dtype=np.uint16)
    Image.fromarray(deep).save(class_folders / "train" / "cat" / "0.png")
    with pytest.raises(DataError, match="more than 8 bits a channel"):
        everything(class_folders / "train")


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
