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
    with pytest.raises(RunError):
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
    with pytest.raises(DataError):
        load_data(DataConfig("mine", str(tmp_path / "nowhere")))
    with pytest.raises(UnknownNameError):
        load_data(DataConfig("digits"), "serach")  # type: ignore[arg-type]
    (class_folders / "test" / "dog").rename(class_folders / "test" / "cow")
    with pytest.raises(
        DataError, match="different classes: only train has 'dog'; only test has 'cow'"
    ):
        load_data(DataConfig("mine", str(class_folders)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation": 1.0}, "validation must be above 0 and below 1"),
        ({"images": 0}, "images must be at least 1"),
        ({"seed": -1}, "seed must be at least 0"),
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


def write(folder: Path, *, cats: int, dogs: int, first: int = 0) -> None:
    """Write images of two classes whose grey values count from a first one."""
    for n in range(cats + dogs):
        kind = "cat" if n < cats else "dog"
        write_image(folder / kind / f"{n:02d}.png", first + n)


def values(images: Images) -> list[int]:
    return images.pixels[:, 0, 0, 0].tolist()


@pytest.fixture
def three_splits(tmp_path: Path) -> Path:
    for first, (name, number) in enumerate((("Train", 6), ("val", 3), ("Testing", 2))):
        write(tmp_path / "data" / name, cats=number, dogs=number, first=50 * first)
    return tmp_path / "data"


def test_a_search_measures_on_the_validation_split(three_splits: Path) -> None:
    config = DataConfig("mine", str(three_splits), validation=0.5)
    search = load_data(config)
    assert values(search.train) == list(range(12))
    assert values(search.valid) == list(range(50, 56))
    evaluation = load_data(config, "evaluation")
    assert values(evaluation.train) == [*range(12), *range(50, 56)]
    assert values(evaluation.valid) == list(range(100, 104))
    assert evaluation.train.labels.tolist() == [0] * 6 + [1] * 6 + [0] * 3 + [1] * 3


def test_a_limit_counts_learned_images_of_both_splits(three_splits: Path) -> None:
    config = DataConfig("mine", str(three_splits), images=8)
    search, evaluation = load_data(config), load_data(config, "evaluation")
    assert (len(search.train), len(search.valid)) == (8, 6)
    assert (len(evaluation.train), len(evaluation.valid)) == (8, 4)
    assert torch.bincount(evaluation.train.labels).tolist() == [4, 4]
    for seed in range(12):  # of some, no image of one of the two splits is taken
        few = load_data(replace(config, images=4, seed=seed), "evaluation")
        assert torch.bincount(few.train.labels).tolist() == [2, 2]


def test_a_validation_split_alone_is_the_test_split(three_splits: Path) -> None:
    (three_splits / "Testing").rename(three_splits.parent / "elsewhere")
    search = load_data(DataConfig("mine", str(three_splits)))
    assert max(values(search.train) + values(search.valid)) == 11
    evaluation = load_data(DataConfig("mine", str(three_splits)), "evaluation")
    assert values(evaluation.valid) == list(range(50, 56))


def test_splits_of_different_sizes_are_refused(three_splits: Path) -> None:
    for name in ("cat", "dog"):
        for file in (three_splits / "Testing" / name).iterdir():
            write_image(file, 9, size=5)
    config = DataConfig("mine", str(three_splits))
    load_data(config)
    with pytest.raises(DataError, match="different sizes: 4 x 4 and 5 x 5.*--image-size"):
        load_data(config, "evaluation")
    assert load_data(replace(config, image_size=3), "evaluation").image_size == (3, 3)


def test_classes_with_too_few_images_are_named_with_the_number_they_need(tmp_path: Path) -> None:
    write(tmp_path, cats=2, dogs=1)
    config = DataConfig("mine", str(tmp_path))
    with pytest.raises(DataError, match="at least 3 images, .*, but 'cat' has 2, 'dog' has 1"):
        load_data(config)
    with pytest.raises(DataError, match="at least 2 images, one to learn from, one for the test"):
        load_data(config, "evaluation")
    write(tmp_path, cats=2, dogs=3)
    load_data(config, "evaluation")
    with pytest.raises(DataError):
        load_data(config)
    write_image(tmp_path / "cat" / "9.png", 9)
    assert len(load_data(config).valid) == 2
    # What is needed is what the message says, with splits, too.
    write(tmp_path / "splits" / "train", cats=1, dogs=1)
    write(tmp_path / "splits" / "test", cats=1, dogs=1)
    config = DataConfig("mine", str(tmp_path / "splits"))
    with pytest.raises(DataError, match="at least 2 images, .* for the search to measure on, but"):
        load_data(config)
    assert len(load_data(config, "evaluation").train) == 2
    write(tmp_path / "splits" / "val", cats=1, dogs=1)
    assert len(load_data(config).train) == 2


def test_a_class_with_a_single_sound_image_is_named(tmp_path: Path) -> None:
    write(tmp_path / "train", cats=4, dogs=3)
    write(tmp_path / "test", cats=1, dogs=1)
    for file in sorted((tmp_path / "train" / "dog").iterdir())[:2]:
        file.write_bytes(b"no image")
    with pytest.raises(DataError):
        load_data(DataConfig("mine", str(tmp_path), skip_damaged=True))


def test_everything_left_out_is_counted_by_its_kind(three_splits: Path) -> None:
    (three_splits / "val" / "cat" / "00.png").write_bytes(b"no image")
    for name in ("notes.txt", "Train/labels.csv", "Testing/.DS_Store", "val/dog/0.heic"):
        (three_splits / name).write_bytes(b"")
    config = DataConfig("mine", str(three_splits), skip_damaged=True)
    data = load_data(config, "evaluation", cache=three_splits.parent / "cache")
    names = [Path(path).relative_to(three_splits).as_posix() for path in data.left_out]
    assert dict(zip(names, data.left_out_reasons, strict=True)) == {
        "notes.txt": "files or folders beside the splits",
        "Train/labels.csv": "files that are no images",
        "val/dog/0.heic": "files that are no images",
        "val/cat/00.png": "images that are damaged or missing",
        "Testing/.DS_Store": "hidden or helper files",
    }
    again = load_data(config, "evaluation", cache=three_splits.parent / "cache")
    assert again.left_out_reasons == data.left_out_reasons
    # The search does not look at the test split.
    assert len(load_data(config).left_out) == 4
    # Held out images are of the same folder, whose other files count once.
    alone = replace(config, path=str(three_splits / "Train"))
    assert len(load_data(alone, "evaluation").left_out) == 1


def test_test_images_without_classes_get_advice(three_splits: Path) -> None:
    for name in ("cat", "dog"):
        (three_splits / "Testing" / name).rename(three_splits / "Testing" / f"images-{name}")
    with pytest.raises(
        DataError, match="only Train has 'cat', 'dog'; only Testing has 'images-cat"
    ):
        load_data(DataConfig("mine", str(three_splits)))
    (three_splits / "Testing" / "images-dog").rename(three_splits.parent / "elsewhere")
    (three_splits / "Testing" / "other.tar").touch()
    with pytest.raises(
        DataError, match=r"other.tar lies where class folders should be \(unpack it\)"
    ):
        load_data(DataConfig("mine", str(three_splits)))
    (three_splits / "Testing" / "other.tar").unlink()
    with pytest.raises(DataError, match="move it elsewhere: val is measured on then"):
        load_data(DataConfig("mine", str(three_splits)))


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (["test"], "holds test, but no training split .needed beside it is train or training"),
        (["Val", "test"], "holds test, but no training split"),
        (["test.tar.gz"], "holds test.tar.gz, but no training split"),
    ],
)
def test_a_training_split_is_needed(tmp_path: Path, splits: list[str], message: str) -> None:
    for name in splits:
        write(tmp_path / name, cats=3, dogs=3)
        if name.endswith("gz"):
            folder = (tmp_path / name).rename(tmp_path / "cat")
            with tarfile.open(tmp_path / name, "w:gz") as archive:
                archive.add(folder, "test")
    with pytest.raises(DataError, match=message):
        load_data(DataConfig("mine", str(tmp_path)))


def test_classes_may_be_called_like_splits_but_for_train(tmp_path: Path) -> None:
    for name in ("test", "control"):
        for n in range(3):
            write_image(tmp_path / "study" / name / f"{n}.png", n)
            write_image(tmp_path / "traffic" / name.replace("test", "train") / f"{n}.png", n)
    assert load_data(DataConfig("mine", str(tmp_path / "study"))).classes == ("control", "test")
    with pytest.raises(DataError, match="train holds no class folders .*if it is a class, put"):
        load_data(DataConfig("mine", str(tmp_path / "traffic")))


def test_two_splits_that_are_one_folder_are_refused(class_folders: Path) -> None:
    (class_folders / "val").symlink_to("test")
    with pytest.raises(DataError, match=r"val and .*test are one folder \(remove the link"):
        load_data(DataConfig("mine", str(class_folders)))
    (class_folders / "test").rename(class_folders.parent / "elsewhere")
    (class_folders / "val").unlink()
    (class_folders / "test").symlink_to("train")
    with pytest.raises(DataError):
        load_data(DataConfig("mine", str(class_folders)))


@pytest.mark.parametrize("odd", ["\0", "/x" * 3000])
def test_impossible_paths_are_refused(class_folders: Path, odd: str) -> None:
    with pytest.raises(DataError, match="folder .* cannot be read: (File name too|.*embedded)"):
        load_data(DataConfig("mine", f"{class_folders}{odd}"))


def test_a_cache_of_something_else_is_refused(class_folders: Path, tmp_path: Path) -> None:
    config = DataConfig("mine", str(class_folders))
    load_data(config, cache=tmp_path / "cache")
    (file,) = (tmp_path / "cache").glob("*.pt")
    torch.save({"train": 1, "valid": {}}, file)
    with pytest.raises(RunError, match=r"images-.*.pt holds no images of this package"):
        load_data(config, cache=tmp_path / "cache")


def test_a_cache_knows_missing_images(class_folders: Path, tmp_path: Path) -> None:
    (class_folders / "train" / "dog" / "9.png").symlink_to("nowhere")
    config = DataConfig("mine", str(class_folders), skip_damaged=True)
    data = load_data(config, "evaluation", cache=tmp_path / "cache")
    assert [Path(path).name for path in data.left_out] == ["9.png"]
