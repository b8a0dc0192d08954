"""Image data sets, ready for training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self, get_args

import torch
from torch import Tensor

from ax_anasod.checked import check_names, check_range, check_types
from ax_anasod.exceptions import DataError, OptionError, RunError, UnknownNameError
from ax_anasod.training.checkpoint import read_state, write_state
from ax_anasod.training.folders import ClassFolders, Progress
from ax_anasod.training.images import ImageData, Images, limited, split_off
from ax_anasod.training.sources import Source, Split, open_source

Purpose = Literal["search", "evaluation"]
# Where a data set has no test split, this share of it is kept for evaluation.
_TEST_SHARE: Final = 0.2


@dataclass(frozen=True)
class DataConfig:
    """Which images, and how they are divided.

    Args:
        dataset: Name of the data set, see :func:`ax_anasod.training.sources.open_source`.
        path: Folder of its images, None where it needs none.
        images: How many images of the training split are used; None uses all.
        validation: Share of them that the search measures on, in (0, 1).
        image_size: Height and width that images are resized to, in pixels; None keeps theirs.
        seed: Decides which images are used, and which are learned from.
        skip_damaged: Whether images of class folders that are damaged or gone are left out,
            instead of being refused.

    Raises:
        OptionError: A value is of another type, or out of its range.
    """

    dataset: str = "digits"
    path: str | None = None
    images: int | None = None
    validation: float = 0.2
    image_size: int | None = None
    seed: int = 0
    skip_damaged: bool = False

    def __post_init__(self) -> None:
        check_types(self)
        if not 0 < self.validation < 1:
            raise OptionError(f"validation must be in (0, 1), got {self.validation!r}")
        for name, most in (("images", 10**9), ("image_size", 10**4)):
            check_range(name, getattr(self, name), 1, most)
        # torch takes no larger ones.
        check_range("the seed of the data", self.seed, 0, 2**63 - 1)

    def to_dict(self) -> dict[str, Any]:
        """The configuration as JSON-able data."""
        described = asdict(self)
        # Checkpoints from before there was this option are of the same images.
        if not self.skip_damaged:
            del described["skip_damaged"]
        return described

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Self:
        """The configuration that `to_dict` described.

        Raises:
            UnknownNameError: There is no option of a name.
            OptionError: A value is of another type, or out of its range.
        """
        return cls(**check_names(cls, description))


def load_data(
    config: DataConfig,
    purpose: Purpose = "search",
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> ImageData:
    """Read images into memory.

    Args:
        config: Which images.
        purpose: ``"search"`` divides the training split into images to learn from and images
            to measure on, and leaves the test split alone; ``"evaluation"`` learns from the
            whole training split and measures on the test split. A data set without a test
            split has a fifth of its images held out as one first, for both purposes.
        cache: Folder in which the decoded images are kept, for a quicker start the next time.
        progress: Told how many of how many images have been read, for each part in turn.

    Raises:
        DataError: The data is not there, damaged, or not as it should be.
        OptionError: The data set needs a folder, or takes none.
        OptionalImportError: A package of the extra ``train`` is not installed.
        UnknownNameError: There is no such purpose.

    Example:
        >>> data = load_data(DataConfig("digits", images=100))
        >>> len(data.train), len(data.valid), data.image_size
        (80, 20, (8, 8))
    """
    if purpose not in get_args(Purpose):
        raise UnknownNameError("purpose", purpose, get_args(Purpose))
    source = open_source(config.dataset, None if config.path is None else Path(config.path))
    if cache is None:
        return _load(config, purpose, source, progress)
    file = cache / f"images-{_key(config, purpose, source)}.pt"
    if file.exists():
        stored = read_state(file)
        return ImageData(
            **{**stored, **{name: Images(**stored[name]) for name in ("train", "valid")}}
        )
    data = _load(config, purpose, source, progress)
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"the folder {cache} cannot be made: {error.strerror}") from error
    write_state(file, asdict(data))
    return data


def _load(
    config: DataConfig, purpose: Purpose, source: Source, progress: Progress | None
) -> ImageData:
    every = torch.arange(len(source.train.labels))
    if source.test is None:
        learned, held_out = _halves(source.train.labels, _TEST_SHARE, config.seed)
    else:
        learned, held_out = every, torch.empty(0, dtype=torch.int64)
    learned = learned[limited(source.train.labels[learned], config.images, config.seed)]
    images, left_out = _read(source.train, learned, config, progress)
    if purpose == "search":
        train, valid = split_off(images, config.validation, config.seed)
    else:
        measured = source.test or source.train
        rows = held_out if source.test is None else torch.arange(len(measured.labels))
        valid, others = _read(measured, rows, config, progress)
        train, left_out = images, left_out + others
    return ImageData(
        config.dataset, train, valid, source.train.classes, source.mirror_images, left_out
    )


def _halves(labels: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    # An image that is its own index.
    rows = torch.arange(len(labels))
    first, second = split_off(Images(rows, labels), share, seed)
    return first.pixels, second.pixels


def _read(
    split: Split, rows: Tensor, config: DataConfig, progress: Progress | None
) -> tuple[Images, tuple[str, ...]]:
    """Images of a split, and the names of those that were left out."""
    labels = split.labels[rows]
    if not (config.skip_damaged and isinstance(split, ClassFolders)):
        return Images(split.read(rows, config.image_size, progress), labels), ()
    pixels, damaged = split.read_sound(rows, config.image_size, progress)
    sound = torch.ones(len(rows), dtype=torch.bool)
    sound[list(damaged)] = False
    for label in torch.unique(labels).tolist():
        if not sound[labels == label].any():
            raise DataError(
                f"all {int((labels == label).sum())} images of class {split.classes[label]!r} in "
                f"{split.path} are damaged or missing",
                "replace some of them, or remove the class",
            )
    names = tuple(str(split.path / split.names[index]) for index in rows[~sound].tolist())
    return Images(pixels, labels[sound]), names


def _key(config: DataConfig, purpose: str, source: Source) -> str:
    stamps = [(str(f.resolve()), f.stat().st_size, f.stat().st_mtime_ns) for f in source.files]
    described = json.dumps([config.to_dict(), purpose, stamps, len(source.train.labels)])
    return hashlib.sha256(described.encode()).hexdigest()[:16]
