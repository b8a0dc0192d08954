"""Data sets, ready for training."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Final, Literal, get_args, overload

import torch
from torch import Tensor

from ax_anasod.exceptions import DataError, RunError, UnknownNameError
from ax_anasod.files import ensure_folder
from ax_anasod.training.checkpoint import read_state, write_state
from ax_anasod.training.folders import ClassFolders, ReadProgress
from ax_anasod.training.images import DAMAGED, ImageData, Images, limited, split_off
from ax_anasod.training.sequence_data import SequenceData, load_sequences
from ax_anasod.training.sources import ImageSource, Split, open_source
from ax_anasod.training.training_config import DataConfig, SequenceConfig

Purpose = Literal["search", "evaluation"]
# Where a data set has no test split, this share of it is kept for evaluation.
_TEST_SHARE: Final = 0.2
# Version of the rules for finding and decoding images; a new number invalidates cached images.
_RULES: Final = 2
_NAMED: Final = 5


@overload
def load_data(
    config: DataConfig,
    purpose: Purpose = "search",
    *,
    cache: Path | None = None,
    progress: ReadProgress | None = None,
    download: bool = True,
) -> ImageData: ...
@overload
def load_data(
    config: SequenceConfig,
    purpose: Purpose = "search",
    *,
    cache: Path | None = None,
    progress: ReadProgress | None = None,
    download: bool = True,
) -> SequenceData: ...
def load_data(
    config: DataConfig | SequenceConfig,
    purpose: Purpose = "search",
    *,
    cache: Path | None = None,
    progress: ReadProgress | None = None,
    download: bool = True,
) -> ImageData | SequenceData:
    """Read images into memory, or draw or read sequences (which need neither cache nor progress).

    Args:
        config: Which images or sequences.
        purpose: ``"search"`` divides the training split into images to learn from and images
            to measure on, unless there is a validation split to measure on, and leaves the test
            split alone; ``"evaluation"`` learns from the whole training split (and the
            validation split) and measures on the test split. A data set without a test split
            has a fifth of its images held out as one first, for both purposes.
        cache: Folder in which the decoded images are kept, for a quicker start the next time.
        progress: Told how many of how many images have been read, for each part in turn.
        download: Whether torchvision's data sets are downloaded where they are not there.

    Raises:
        DataError: The data is not there, damaged, or not as it should be.
        OptionError: The data set needs a folder, or takes none.
        OptionalImportError: A package of the extra ``train`` is not installed.
        UnknownNameError: ``purpose`` is unknown.

    Example:
        >>> data = load_data(DataConfig("digits", images=100))
        >>> len(data.train), len(data.valid), data.image_size
        (80, 20, (8, 8))
    """
    if purpose not in get_args(Purpose):
        raise UnknownNameError("purpose", purpose, get_args(Purpose))
    if isinstance(config, SequenceConfig):
        return load_sequences(config, purpose)
    path = None if config.path is None else Path(config.path)
    source = open_source(config.dataset, path, download=download)
    if cache is None:
        return _load(config, purpose, source, progress)
    file = cache / f"images-{_key(config, purpose, source)}.pt"
    if file.exists():
        stored = read_state(file)
        try:
            return ImageData(
                **{**stored, **{name: Images(**stored[name]) for name in ("train", "valid")}}
            )
        except (KeyError, TypeError) as error:
            raise RunError(f"{file} holds no images of this package", "delete it") from error
    data = _load(config, purpose, source, progress)
    ensure_folder(cache)
    write_state(file, asdict(data))
    return data


def _load(
    config: DataConfig, purpose: Purpose, source: ImageSource, progress: ReadProgress | None
) -> ImageData:
    _check_numbers(source, purpose)
    learned, measured = _parts(config, purpose, source)
    images: list[Images] = []
    left_out = list(source.left_out)
    splits: list[Split] = []
    for split, rows in [*learned, *measured]:
        # The two parts of one split have been listed once.
        if isinstance(split, ClassFolders) and all(split is not other for other in splits):
            left_out += split.left_out
        splits.append(split)
        part, damaged = _read(split, rows, config, progress)
        images.append(part)
        left_out += [(path, DAMAGED) for path in damaged]
        if part.pixels.shape[1:] != images[0].pixels.shape[1:]:
            one, other = (" x ".join(map(str, i.pixels.shape[2:])) for i in (images[0], part))
            raise DataError(
                f"the splits of {config.path} have images of different sizes: {one} and {other} "
                "pixels (height x width)",
                "resize all images to one size with --image-size",
            )
    train = images[0] if len(learned) == 1 else images[0].joined(images[1])
    if measured:
        valid = images[-1]
    else:
        train, valid = split_off(train, config.validation, config.seed, source.train.classes)
    return ImageData(
        config.dataset,
        train,
        valid,
        source.train.classes,
        source.mirror_images,
        tuple(path for path, _ in left_out),
        tuple(reason for _, reason in left_out),
    )


_Part = tuple[Split, Tensor]


def _parts(
    config: DataConfig, purpose: Purpose, source: ImageSource
) -> tuple[list[_Part], list[_Part]]:
    """Splits and rows to learn from, one or two, and to measure on, one or none."""
    train, test, labels = source.train, source.test, source.train.labels
    kept, held_out = torch.arange(len(labels)), torch.empty(0, dtype=torch.int64)
    if test is None:
        kept, held_out = _halves(labels, _TEST_SHARE, config.seed)
    if purpose == "search":
        measured = [] if source.valid is None else [_whole(source.valid)]
        more = None
    else:
        measured = [(train, held_out) if test is None else _whole(test)]
        more = source.valid
    if more is None:
        return [(train, kept[limited(labels[kept], config.images, config.seed)])], measured
    rows = limited(torch.cat([labels, more.labels]), config.images, config.seed)
    parts = [(train, rows[rows < len(labels)]), (more, rows[rows >= len(labels)] - len(labels))]
    return [(split, rows) for split, rows in parts if len(rows)], measured


def _whole(split: Split) -> _Part:
    return split, torch.arange(len(split.labels))


def _check_numbers(source: ImageSource, purpose: Purpose) -> None:
    """Raise an error if a class has too few images to be divided."""
    uses = ["to learn from"]
    if purpose == "search" and source.valid is None:
        uses.append("for the search to measure on")
    if source.test is None:
        uses.append("for the test")
    counts = torch.bincount(source.train.labels, minlength=len(source.train.classes)).tolist()
    few = [
        f"{name!r} has {count}"
        for name, count in zip(source.train.classes, counts, strict=True)
        if count < len(uses)
    ]
    if few:
        rest = f", and {len(few) - _NAMED} others have too few" if len(few) > _NAMED else ""
        raise DataError(
            f"a class needs at least {len(uses)} images, one {', one '.join(uses)}, but "
            f"{', '.join(few[:_NAMED])}{rest}",
            "add images, or remove the class",
        )


def _halves(labels: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    # An image that is its own index.
    rows = torch.arange(len(labels))
    first, second = split_off(Images(rows, labels), share, seed)
    return first.pixels, second.pixels


def _read(
    split: Split, rows: Tensor, config: DataConfig, progress: ReadProgress | None
) -> tuple[Images, list[str]]:
    """Images of a split, and the paths of those that were left out."""
    labels = split.labels[rows]
    if not (config.skip_damaged and isinstance(split, ClassFolders)):
        return Images(split.read(rows, config.image_size, progress), labels), []
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
    names = [str(split.path / split.names[index]) for index in rows[~sound].tolist()]
    return Images(pixels, labels[sound]), names


def _key(config: DataConfig, purpose: str, source: ImageSource) -> str:
    splits = [split for split in (source.train, source.valid, source.test) if split is not None]
    labels = [[*split.classes, *split.labels.tolist()] for split in splits]
    stamps = [_stamp(file) for file in source.files]
    described = json.dumps([_RULES, config.to_dict(), purpose, stamps, labels])
    return hashlib.sha256(described.encode()).hexdigest()[:16]


def _stamp(file: Path) -> tuple[str, int, int]:
    try:
        stat = file.stat()
    except OSError:  # a link that leads nowhere, as reading it will say
        return str(file), 0, 0
    return str(file.resolve()), stat.st_size, stat.st_mtime_ns
