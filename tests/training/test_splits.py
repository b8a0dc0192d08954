"""Which folders and tar files are splits, by their names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ax_anasod.exceptions import DataError
from ax_anasod.training.splits import find_splits


def made(root: Path, *names: str) -> Path:
    """Make folders, and files where a name has an end."""
    for name in names:
        if "." in name.lstrip("."):
            (root / name).write_bytes(b"")
        else:
            (root / name).mkdir(parents=True)
    return root


@pytest.mark.parametrize(
    ("names", "train", "valid", "test"),
    [
        (["train", "test"], "train", None, "test"),
        (["Train", "Test"], "Train", None, "Test"),
        (["TRAINING", "testing", "Val"], "TRAINING", "Val", "testing"),
        (["train", "validation"], "train", "validation", None),
        (["training", "valid.tar", "test.tar.gz"], "training", "valid.tar", "test.tar.gz"),
        (["Train.TAR", "TEST.tgz"], "Train.TAR", None, "TEST.tgz"),
        (["cat", "dog"], None, None, None),
        (["test", "val"], None, "val", "test"),
    ],
)
def test_splits_are_known_by_their_names(
    tmp_path: Path, names: list[str], train: str | None, valid: str | None, test: str | None
) -> None:
    splits = find_splits(made(tmp_path, *names))
    found = [None if s is None else s.name for s in (splits.train, splits.valid, splits.test)]
    assert found == [train, valid, test]


def test_whatever_lies_beside_them_is_listed(tmp_path: Path) -> None:
    made(
        tmp_path,
        "train",
        "test",
        ".git",
        "annotations",
        "README.md",
        "test.tar",
        "train_labels.csv",
    )
    beside = [path.name for path in find_splits(tmp_path).beside]
    # A tar file beside a folder of its name has been unpacked there.
    assert sorted(beside) == [".git", "README.md", "annotations", "test.tar", "train_labels.csv"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["train", "test", "testing"], "several test splits: test, testing"),
        (["train", "Train"], "several training splits: Train, train"),
        (["train", "val", "valid.tar.gz"], "several validation splits: val, valid.tar.gz"),
        (["train", "test_set"], "test_set is named like a split, but none of test, testing"),
        (["train", "TestImages"], "TestImages is named like a split, but none of test, testing"),
        (["train", "test", "val2017"], "val2017 is named like a split, but none of val, valid, v"),
        (["train", "test.zip"], "test.zip is named like a split.*rename it, unpack it"),
    ],
)
def test_what_may_be_a_split_is_not_passed_over(
    tmp_path: Path, names: list[str], message: str
) -> None:
    try:
        made(tmp_path, *names)
    except FileExistsError:
        pytest.skip("upper and lower case are one on this file system")
    with pytest.raises(DataError, match=message):
        find_splits(tmp_path)


def test_other_names_are_no_splits(tmp_path: Path) -> None:
    made(tmp_path, "train", "test", "test_old", "contest", "retrained", "valley")
    assert len(find_splits(tmp_path).beside) == 4


@pytest.mark.parametrize("name", ["test", "test.tar", "annotations"])
def test_links_to_nothing_and_pipes_are_no_splits(tmp_path: Path, name: str) -> None:
    made(tmp_path, "train")
    (tmp_path / name).symlink_to("nowhere")
    with pytest.raises(DataError, match="leads nowhere|is named like a split"):
        find_splits(tmp_path)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match="neither a file nor a folder|is named like a split"):
        find_splits(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        find_splits(tmp_path / "nowhere")
