"""Batched augmentation."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ax_anasod.exceptions import OptionError
from ax_anasod.training import ImageData, protocol
from ax_anasod.training.augment import Augmentation, crop, cutout, flip


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images() -> Tensor:
    """Twenty images whose every pixel is another number, none of them 0."""
    return torch.arange(1, 20 * 2 * 5 * 6 + 1).reshape(20, 2, 5, 6)


def test_every_image_is_moved_on_its_own(images: Tensor) -> None:
    moved = crop(images, 2, generator())
    assert moved.shape == images.shape
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2))
    places = set()
    for image, whole in zip(moved, padded, strict=True):
        found = [
            (down, right)
            for down in range(5)
            for right in range(5)
            if torch.equal(whole[:, down : down + 5, right : right + 6], image)
        ]
        assert len(found) == 1
        places |= set(found)
    assert len(places) > 8


def test_about_half_are_mirrored(images: Tensor) -> None:
    mirrored = flip(images, generator())
    kept = [torch.equal(a, b) for a, b in zip(mirrored, images, strict=True)]
    turned = [torch.equal(a, b.flip(2)) for a, b in zip(mirrored, images, strict=True)]
    assert [a != b for a, b in zip(kept, turned, strict=True)] == [True] * 20
    assert 4 < sum(kept) < 16


def test_a_square_is_blanked(images: Tensor) -> None:
    blanked = cutout(images.float(), 3, generator())
    for image, old in zip(blanked, images, strict=True):
        gone = image[0] == 0
        assert torch.equal(gone, image[1] == 0)
        rows, columns = gone.any(dim=1).sum(), gone.any(dim=0).sum()
        assert gone.sum() == rows * columns
        assert 2 <= rows <= 3
        assert torch.equal(image[:, ~gone], old[:, ~gone].float())


def augmentation(digits: ImageData, **options: object) -> Augmentation:
    mean, std = digits.statistics()
    return Augmentation(protocol("search", **options), mean, std, 10, 8, digits.mirror_images)


def test_crops_that_could_miss_the_image_are_refused(digits: ImageData) -> None:
    augmentation(digits, crop_padding=8)
    with pytest.raises(OptionError, match="crop_padding must be at most 8, .* got 9"):
        augmentation(digits, crop_padding=9)


def test_nothing_but_normalising_where_nothing_is_wanted(digits: ImageData) -> None:
    images, labels = augmentation(digits, crop_padding=0)(
        digits.train.pixels, digits.train.labels, generator()
    )
    assert torch.equal(labels, digits.train.labels)
    assert images.mean().abs() < 1e-5
    assert (images.std(correction=0) - 1).abs() < 1e-5


@pytest.mark.parametrize("mix", ["cutmix", "mixup"])
def test_mixed_labels_are_shares(digits: ImageData, mix: str) -> None:
    pixels, labels = digits.train.pixels[:8], digits.train.labels[:8]
    _, shares = augmentation(digits, mix=mix)(pixels, labels, generator(3))
    assert shares.shape == (8, 10)
    assert torch.allclose(shares.sum(dim=1), torch.ones(8))
    assert ((shares > 0).sum(dim=1) <= 2).all()
    assert (shares.gather(1, labels[:, None]) > 0).all()


@pytest.mark.parametrize(
    "options", [{}, {"cutout": 3}, {"mix": "mixup"}, {"mix": "cutmix"}, {"auto_augment": True}]
)
def test_only_the_given_generator_decides(
    digits: ImageData, disturb: Callable[[int], None], options: dict[str, object]
) -> None:
    make = augmentation(digits, flip=True, **options)
    pixels = digits.train.pixels[:20].repeat(1, 3, 1, 1) if "auto_augment" in options else None
    arguments = (digits.train.pixels[:20] if pixels is None else pixels, digits.train.labels[:20])
    results = []
    for seed in (0, 0, 1):
        disturb(seed + len(results))
        before = torch.get_rng_state()
        results.append(make(*arguments, generator(seed))[0])
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])
