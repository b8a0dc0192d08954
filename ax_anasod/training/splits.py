"""The splits of a data set, by the names of folders and tar files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ax_anasod.exceptions import DataError
from ax_anasod.training.archives import TARS, is_tar
from ax_anasod.training.trees import is_folder, is_helper, sorted_entries

SPLITS: Final = {
    "training": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
"""Names of the folders or tar files of each split, in lower case."""

LIKE_A_SPLIT: Final = {
    split: re.compile(rf"(?<![a-z])({'|'.join(names)})(set|data|images)?(?![a-z])")
    for split, names in SPLITS.items()
}
"""Names, in lower case, with a split's name as a word: test_set, trainset, seg-train, val2017."""
ARCHIVES: Final = (*TARS, ".zip", ".7z", ".rar", ".tar.bz2", ".tar.xz", ".tar.zst")


@dataclass(frozen=True)
class Splits:
    """The splits that a folder holds, each a folder or a tar file.

    Args:
        train: The training split.
        valid: The validation split.
        test: The test split.
        beside: Whatever else lies in the folder.
    """

    train: Path | None
    valid: Path | None
    test: Path | None
    beside: tuple[Path, ...]


def find_splits(path: Path) -> Splits:
    """The splits in a folder, by their names in upper or lower case (see `SPLITS`).

    Raises:
        DataError: The folder cannot be read, there are several of one split, or one is missing
            beside a training split and something has a similar name.
    """
    found: dict[str, list[Path]] = {split: [] for split in SPLITS}
    beside, similar = [], []
    for entry in sorted_entries(path):
        place, stem = Path(entry.path), _stem(entry.name)
        if is_helper(entry.name):
            beside.append(place)
            continue
        folder = is_folder(entry)
        split = next((split for split, names in SPLITS.items() if stem in names), None)
        if split is not None and (folder or is_tar(place)):
            found[split].append(place)
            continue
        beside.append(place)
        if folder or entry.name.lower().endswith(ARCHIVES):
            similar += [(s, place) for s, word in LIKE_A_SPLIT.items() if word.search(stem)]
    for split, paths in found.items():
        # Folders come first: a tar file of the same name has probably been unpacked there.
        paths.sort(key=lambda place: (not place.is_dir(), place.name))
        if len({_stem(place.name) for place in paths}) > 1 or sum(p.is_dir() for p in paths) > 1:
            names = ", ".join(place.name for place in paths)
            raise DataError(f"{path} holds several {split} splits: {names}", "keep one of them")
        beside += paths[1:]
    train, valid, test = (next(iter(paths), None) for paths in found.values())
    if train is not None:
        for split, place in similar:
            if not found[split]:
                raise DataError(
                    f"{place} is named like a split, but none of {', '.join(SPLITS[split])}",
                    "rename it, unpack it, or move it elsewhere",
                )
    return Splits(train, valid, test, tuple(beside))


def _stem(name: str) -> str:
    """A name in lower case, without the end of an archive."""
    lower = name.lower()
    end = max((end for end in ARCHIVES if lower.endswith(end)), key=len, default="")
    return lower.removesuffix(end)
