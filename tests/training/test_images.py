"""Splitting and limiting labelled images."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.exceptions import DataError
from ax_anasod.training import ImageData, Images
from ax_anasod.training.images import limited, split_off

labels_of_classes = st.lists(st.integers(2, 9), min_size=2, max_size=4).flatmap(
    lambda sizes: st.permutations([c for c, n in enumerate(sizes) for _ in range(n)])
)


@given(labels_of_classes, st.floats(0.05, 0.95), st.integers(0, 5))
def test_a_split_has_every_image_once_and_every_class_twice(
    labels: list[int], share: float, seed: int
) -> None:
    images = Images(torch.arange(len(labels)), torch.tensor(labels))
    first, second = split_off(images, share, seed)
    rows = torch.cat([first.pixels, second.pixels])
    assert rows.sort().values.tolist() == list(range(len(labels)))
    for label in set(labels):
        number = labels.count(label)
        taken = int((second.labels == label).sum())
        assert 1 <= taken < number
        assert abs(taken - share * number) <= 1
    assert (images.labels[first.pixels] == first.labels).all()


@given(labels_of_classes, st.integers(0, 5), st.data())
def test_a_limit_takes_the_classes_evenly(
    labels: list[int], seed: int, data: st.DataObject
) -> None:
    number = data.draw(st.integers(2 * len(set(labels)), len(labels)))
    rows = limited(torch.tensor(labels), number, seed)
    assert len(set(rows.tolist())) == number
    assert rows.tolist() == sorted(rows.tolist())
    counts = [sum(labels[row] == label for row in rows.tolist()) for label in set(labels)]
    # A class has fewer than another only where it has no more.
    for label, count in zip(set(labels), counts, strict=True):
        assert count == labels.count(label) or count >= max(counts) - 1


def test_seeds_decide(digits: ImageData) -> None:
    parts = [split_off(digits.train, 0.5, seed)[0].labels.tolist() for seed in (0, 0, 1)]
    pixels = [split_off(digits.train, 0.5, seed)[0].pixels for seed in (0, 0, 1)]
    assert parts[0] == parts[1]
    assert torch.equal(pixels[0], pixels[1])
    assert not torch.equal(pixels[0], pixels[2])


def test_what_cannot_be_divided_is_refused() -> None:
    images = Images(torch.arange(3), torch.tensor([0, 0, 1]))
    with pytest.raises(DataError, match="class 1 has a single image"):
        split_off(images, 0.5, 0)
    with pytest.raises(DataError, match="class 'dog' has a single image"):
        split_off(images, 0.5, 0, ("cat", "dog"))
    with pytest.raises(DataError, match="3 images are too few for 2 classes"):
        limited(torch.tensor([0, 0, 0, 1, 1, 1]), 3, 0)


def test_statistics_are_those_of_all_pixels(digits: ImageData) -> None:
    mean, std = digits.statistics()
    pixels = digits.train.pixels.double() / 255
    assert torch.allclose(mean.double(), pixels.mean(dim=(0, 2, 3)), atol=1e-7)
    assert torch.allclose(std.double(), pixels.std(dim=(0, 2, 3), correction=0), atol=1e-7)


@pytest.mark.parametrize(
    ("labels", "chance", "no_better", "better"),
    [
        ([0, 1, 2, 3] * 25, 75.0, 66.5, 66.0),  # two standard errors are 8.7 points
        ([0] * 90 + [1] * 10, 10.0, 4.1, 3.9),
        ([0, 1], 50.0, 0.1, 0.0),
    ],
)
def test_guessing_is_known_by_its_error(
    labels: list[int], chance: float, no_better: float, better: float
) -> None:
    images = Images(torch.zeros(len(labels), 1, 1, 1), torch.tensor(labels))
    data = ImageData("mine", images, images, ("a", "b", "c", "d"))
    assert data.chance_error == pytest.approx(chance)
    assert data.is_chance(no_better)
    assert not data.is_chance(better)
