"""Data sets, and what each purpose sees of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ax_anasod.exceptions import DataError, OptionError, RunError, UnknownNameError
from ax_anasod.training import DataConfig, Images, load_data


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
