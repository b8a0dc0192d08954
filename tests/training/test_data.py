"""Data sets, and what each purpose sees of them."""

from __future__ import annotations

import os
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ax_anasod.exceptions import DataError, OptionError, RunError, UnknownNameError
from ax_anasod.training import DataConfig, Images, load_data
from ax_anasod.training.folders import list_images
from tests.training.conftest import write_image


def rows(images: Images) -> set[bytes]:
    return {image.numpy().tobytes() for image in images.pixels}


def test_digits_search_never_sees_what_evaluation_measures_on() -> None:
    search = load_data(DataConfig("digits"))
    evaluation = load_data(DataConfig("digits"), "evaluation")
    assert len(search.train) + len(search.valid) == len(evaluation.train)
    assert len(evaluation.train) + len(evaluation.valid) == 1797
    learned = torch.cat([search.train.pixels, search.valid.pixels])
    assert rows(Images(learned, learned)) == rows(evaluation.train)
    assert not rows(evaluation.valid) & rows(evaluation.train)
    assert search.channels == 1
    assert search.image_size == (8, 8)
    assert search.num_classes == 10
    assert not search.mirror_images


def test_class_folders_with_a_test_split(class_folders: Path) -> None:
    config = DataConfig("mine", str(class_folders), validation=0.4)
    search = load_data(config)
    assert (len(search.train), len(search.valid)) == (6, 4)
    evaluation = load_data(config, "evaluation")
    assert rows(evaluation.train) == rows(search.train) | rows(search.valid)
    assert evaluation.valid.labels.tolist() == [0, 0, 1, 1]
    assert evaluation.valid.pixels[:, 0, 0, 0].tolist() == [5, 15, 105, 115]


def test_class_folders_alone_are_divided(class_folders: Path) -> None:
    config = DataConfig("mine", str(class_folders / "train"))
    evaluation = load_data(config, "evaluation")
    assert (len(evaluation.train), len(evaluation.valid)) == (8, 2)
    assert not rows(evaluation.train) & rows(evaluation.valid)


def test_a_cache_is_used_until_something_changes(class_folders: Path, tmp_path: Path) -> None:
    config = DataConfig("mine", str(class_folders))
    cache = tmp_path / "cache"
    first = load_data(config, cache=cache)
    calls: list[int] = []
    again = load_data(config, cache=cache, progress=lambda done, total: calls.append(done))
    assert calls == []
    assert torch.equal(again.train.pixels, first.train.pixels)
    assert torch.equal(again.valid.labels, first.valid.labels)
    assert (again.name, again.classes) == (first.name, first.classes)
    assert len(load_data(DataConfig("mine", str(class_folders), images=6), cache=cache).train) == 4
    for file in cache.glob("*.pt"):
        file.write_bytes(b"no")
    with pytest.raises(RunError, match="is damaged, or no file of this package"):
        load_data(config, cache=cache)
    # An image that has changed inside its folder.
    image = class_folders / "test" / "cat" / "0.png"
    write_image(image, 201)
    evaluation = load_data(config, "evaluation", cache=cache)
    assert 201 in evaluation.valid.pixels
    write_image(image, 202)
    os.utime(image, (0, 0))  # clocks of file systems are coarse
    changed = load_data(config, "evaluation", cache=cache)
    assert 202 in changed.valid.pixels
    assert 201 not in changed.valid.pixels


def test_sign_digits_of_the_shared_data(shared_data: Path) -> None:
    config = DataConfig("signdigits", str(shared_data / "signdigits"), images=100)
    search = load_data(config)
    assert (len(search.train), len(search.valid)) == (80, 20)
    assert search.train.pixels.shape[1:] == (3, 32, 32)
    assert torch.bincount(search.valid.labels).tolist() == [2] * 10
    assert len(load_data(config, "evaluation").valid) == 418


def test_what_is_not_there_is_refused(class_folders: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="the data set 'cifar10' needs --data"):
        load_data(DataConfig("cifar10"))
    with pytest.raises(DataError, match="does not exist"):
        load_data(DataConfig("mine", str(tmp_path / "nowhere")))
    with pytest.raises(UnknownNameError, match="did you mean 'search'"):
        load_data(DataConfig("digits"), "serach")  # type: ignore[arg-type]
    (class_folders / "test" / "dog").rename(class_folders / "test" / "cow")
    with pytest.raises(DataError, match="have different classes: cow, dog"):
        load_data(DataConfig("mine", str(class_folders)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation": 1.0}, "validation must be in"),
        ({"images": 0}, "images must be at least 1"),
        ({"seed": -1}, "seed of the data"),
    ],
)
def test_numbers_out_of_range_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        DataConfig(**options)  # type: ignore[arg-type]


@pytest.fixture(params=["folder", ".tar", ".tar.gz"])
def damaged(request: pytest.FixtureRequest, class_folders: Path, tmp_path: Path) -> Path:
    """``train`` with one damaged image in each class, as a folder or as a tar file."""
    for name, number in (("cat", 1), ("dog", 4)):
        (class_folders / "train" / name / f"{number}.png").write_bytes(b"no image")
    if request.param == "folder":
        return class_folders / "train"
    path = tmp_path / f"images{request.param}"
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        archive.add(class_folders / "train", "train")
    return path


def test_damaged_images_are_left_out_where_asked(damaged: Path, tmp_path: Path) -> None:
    config = DataConfig("mine", str(damaged), validation=0.3)
    with pytest.raises(DataError, match=r"cat/1.png is damaged .*leave.*--skip-damaged"):
        load_data(config)
    data = load_data(replace(config, skip_damaged=True), "evaluation", cache=tmp_path / "cache")
    assert [Path(name).name for name in data.left_out] == ["1.png", "4.png"]
    assert len(data.train) + len(data.valid) == 8
    for images in (data.train, data.valid):
        # The value of a pixel says which image it is of.
        assert (images.labels == (images.pixels[:, 0, 0, 0] >= 100)).all()
        assert not {10, 140} & set(images.pixels[:, 0, 0, 0].tolist())
    again = load_data(replace(config, skip_damaged=True), "evaluation", cache=tmp_path / "cache")
    assert again.left_out == data.left_out


def test_images_that_went_away_are_left_out_where_asked(
    class_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = list_images(class_folders / "train")
    (class_folders / "train" / "dog" / "0.png").unlink()
    monkeypatch.setattr("ax_anasod.training.sources.list_images", lambda path: listed)
    data = load_data(DataConfig("mine", str(class_folders / "train"), skip_damaged=True))
    assert [Path(name).name for name in data.left_out] in ([], ["0.png"])
    assert not (torch.cat([data.train.pixels, data.valid.pixels]) == 100).any()


def test_a_class_must_have_an_image_left(class_folders: Path) -> None:
    for file in (class_folders / "test" / "dog").iterdir():
        file.write_bytes(b"")
    config = DataConfig("mine", str(class_folders), skip_damaged=True)
    assert load_data(config).left_out == ()
    with pytest.raises(DataError, match=r"all 2 images of class 'dog' in .*test are damaged or"):
        load_data(config, "evaluation")


def test_a_description_without_the_option_is_the_old_one() -> None:
    described = DataConfig("digits").to_dict()
    assert "skip_damaged" not in described
    assert DataConfig.from_dict(described) == DataConfig("digits")
    skipping = DataConfig("digits", skip_damaged=True)
    assert DataConfig.from_dict(skipping.to_dict()) == skipping
