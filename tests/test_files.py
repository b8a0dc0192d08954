from __future__ import annotations

import os
from pathlib import Path

import pytest

from ax_anasod.exceptions import RunError
from ax_anasod.files import is_there, read_bytes, read_json, write_whole


def test_replaces_and_makes_folders(tmp_path):
    path = tmp_path / "new" / "folder" / "page.html"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in path.parent.iterdir()] == ["page.html"]


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "taken").write_text("something")
    with pytest.raises(RunError, match=r"taken/page\.html cannot be written: .*exists"):
        write_whole(tmp_path / "taken" / "page.html", b"content")
    assert (tmp_path / "taken").read_text() == "something"


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="needs /dev/full, the device that is always full"
)
def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "page.html"
    path.write_bytes(b"old")
    (tmp_path / "page.html.unfinished").symlink_to("/dev/full")
    with pytest.raises(RunError, match="No space left on device"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_what_is_read_is_an_ordinary_file_of_a_sensible_size(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_bytes(path) == read_bytes(path, 5) == b"12345"
    with pytest.raises(OSError, match="it has more than 4 bytes"):
        read_bytes(path, 4)
    with pytest.raises(OSError, match="it is a folder"):
        read_bytes(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "none")
    os.mkfifo(tmp_path / "pipe")
    for endless in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="it is no ordinary file"):
            read_bytes(endless)


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
