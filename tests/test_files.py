from __future__ import annotations

import os
import resource
import threading
from pathlib import Path
from typing import Any

import pytest

from ax_anasod.exceptions import RunError
from ax_anasod.files import (
    ensure_folder,
    is_there,
    read_bytes,
    read_json,
    refuse_link,
    remove_unfinished,
    write_json,
    write_new,
    write_whole,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_replaces_and_makes_folders_where_that_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "page.html"
    with pytest.raises(RunError, match=r"page\.html cannot be written: No such file"):
        write_whole(path, b"old")
    assert names(tmp_path) == []
    write_whole(path, b"old", make_folder=True)
    write_whole(path, "né\n")
    assert path.read_bytes() == "né\n".encode()
    assert names(path.parent) == ["page.html"]


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("something")
    with pytest.raises(RunError):
        write_whole(tmp_path / "taken" / "page.html", b"content")
    assert (tmp_path / "taken").read_text() == "something"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(RunError, match="File too large"):
            write_whole(path, b"new" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["page.html"]


def test_links_are_replaced_and_what_they_point_to_stays(tmp_path: Path) -> None:
    mine, folder = tmp_path / "mine", tmp_path / "run"
    mine.write_text("mine")
    folder.mkdir()
    for name in ("trials.csv", "trials.csv.unfinished"):
        (folder / name).symlink_to(mine)
    (folder / "dangling.csv").symlink_to(tmp_path / "nowhere")
    for name in ("trials.csv", "dangling.csv"):
        write_whole(folder / name, "trial")
        assert (folder / name).read_text() == "trial"
        assert not (folder / name).is_symlink()
    assert mine.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_a_new_file_is_never_one_that_is_there(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    (tmp_path / "link").symlink_to(mine)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("mine", "link", "dangling"):
        with pytest.raises(FileExistsError):
            write_new(tmp_path / name, "other")
    assert mine.read_text() == "mine"
    assert names(tmp_path) == ["dangling", "link", "mine"]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    contents = [bytes([65 + number]) * 100_000 for number in range(4)]
    failures: list[RunError] = []

    def write(content: bytes) -> None:
        try:
            for _ in range(15):
                write_whole(path, content)
        except RunError as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert path.read_bytes() in contents
    assert names(tmp_path) == ["page.html"]


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    (tmp_path / f"trials.csv.{16 * 'a'}.unfinished").write_text("tri")
    (tmp_path / f"link.{16 * '0'}.unfinished").symlink_to(mine)
    (tmp_path / "notes.unfinished").write_text("my own")
    remove_unfinished(tmp_path)
    assert names(tmp_path) == ["mine", "notes.unfinished"]
    assert mine.read_text() == "mine"
    remove_unfinished(tmp_path / "nowhere")


def test_a_link_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    refuse_link(tmp_path / "there")
    refuse_link(tmp_path / "nowhere")
    with pytest.raises(RunError, match="link is a symbolic link"):
        refuse_link(tmp_path / "link")


@pytest.fixture
def odd(tmp_path: Path) -> dict[str, Path]:
    """Files that a reader would wait for, or fill the memory with."""
    paths = {name: tmp_path / name for name in ("fifo", "endless", "hole", "folder", "linked")}
    os.mkfifo(paths["fifo"])
    paths["endless"].symlink_to("/dev/zero")
    with paths["hole"].open("wb") as file:
        file.truncate(2**40)
    paths["folder"].mkdir()
    paths["linked"].symlink_to(paths["fifo"])
    return paths


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fifo", "it is no ordinary file"),
        ("endless", "it is no ordinary file"),
        ("linked", "it is no ordinary file"),
        ("hole", "it has more than 67,108,864 bytes"),
        ("folder", "it is a folder"),
    ],
)
def test_what_would_be_waited_for_is_refused(odd: dict[str, Path], name: str, message: str) -> None:
    with pytest.raises(OSError, match=message):
        read_bytes(odd[name])
    with pytest.raises(RunError, match=f"{name} cannot be read: {message}"):
        read_json(odd[name], dict[str, int])


def test_a_file_may_have_as_many_bytes_as_is_said(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_bytes(path, 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_bytes(path, 4)


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 100_000, b"1" * 5000])
def test_damaged_json_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"config\.json is damaged: "):
        read_json(path, dict[str, int])


def test_json_has_the_form_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text('{"a": 1}')
    assert read_json(path, dict[str, int]) == {"a": 1}
    with pytest.raises(RunError, match=r"file.json is damaged: it has \['a'\] = 1, not a text"):
        read_json(path, dict[str, str])
    with pytest.raises(RunError, match="cannot be read: No such file"):
        read_json(tmp_path / "none", dict[str, int])


def test_nothing_is_at_a_path_that_no_system_could_have(tmp_path: Path) -> None:
    assert is_there(tmp_path)
    for name in ("none", "x" * 5000, "a\0b"):
        assert not is_there(tmp_path / name)


def test_json_is_read_as_it_was_written(tmp_path: Path) -> None:
    content = {"cell": {"name": "mine", "blocks": [1, 2]}, "noise": None}
    write_json(tmp_path / "config.json", content)
    assert read_json(tmp_path / "config.json", dict[str, Any]) == content
    assert (tmp_path / "config.json").read_text().endswith("}\n")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    ensure_folder(tmp_path / "new" / "folder")
    ensure_folder(tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"file cannot be made: File exists") as caught:
        ensure_folder(tmp_path / "file", "choose another folder")
    assert caught.value.hint == "choose another folder"
