from __future__ import annotations

from pathlib import Path

import pytest

from ax_anasod.exceptions import RunError
from ax_anasod.files import write_whole


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
