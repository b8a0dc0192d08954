"""Small data, small networks, and class folders made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from ax_anasod import cells
from ax_anasod.networks import NetworkConfig
from ax_anasod.training import DataConfig, Hardware, ImageData, TrainingTask, load_data, protocol


class Small(nn.Module):
    """One convolution, with all that the trainer asks of a network."""

    def __init__(self, auxiliary: bool = False, most: int | None = None) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.head = nn.Linear(4, 10)
        self.auxiliary = nn.Linear(4, 10) if auxiliary else None
        self.rates: list[float] = []
        self.sizes: list[int] = []
        self.most = most

    def set_drop_path(self, rate: float) -> None:
        self.rates.append(rate)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        if self.training:
            self.sizes.append(len(images))
            if self.most is not None and len(images) > self.most:
                raise torch.OutOfMemoryError("tried to allocate 1 TiB")
        features = nn.functional.dropout(self.body(images), 0.1, self.training).mean(dim=(2, 3))
        if self.training and self.auxiliary is not None:
            return self.head(features), self.auxiliary(features)
        return self.head(features)


@pytest.fixture
def small() -> Callable[..., Small]:
    """A small network with weights from a seed."""

    def make(seed: int = 0, **options: object) -> Small:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return Small(**options)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def digits() -> ImageData:
    """200 digits: 160 to learn from, 40 to measure on."""
    return load_data(DataConfig("digits", images=200))


@pytest.fixture(scope="session")
def task() -> TrainingTask:
    """Networks of three cells on 60 digits, two epochs: a fraction of a second."""
    return TrainingTask(
        cells.get("nasnet"),
        DataConfig("digits", images=60),
        NetworkConfig(channels=2, cells=3),
        protocol("search", epochs=2, batch_size=16),
        Hardware("cpu"),
    )


def write_image(path: Path, value: int, size: int = 4) -> None:
    """Write an image of one grey value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size, size, 3), value, dtype=np.uint8)).save(path)


@pytest.fixture
def class_folders(tmp_path: Path) -> Path:
    """``train`` with five images of each of two classes, ``test`` with two; all different."""
    for split, number in (("train", 5), ("test", 2)):
        for label, name in enumerate(("cat", "dog")):
            for n in range(number):
                value = 100 * label + 10 * n + (5 if split == "test" else 0)
                write_image(tmp_path / "images" / split / name / f"{n}.png", value)
    return tmp_path / "images"
