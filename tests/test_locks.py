from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ax_anasod.exceptions import RunError
from ax_anasod.locks import hold, is_same_file, locked, try_lock, try_lock_patiently
from tests.conftest import PATIENCE

PARENT = """
import multiprocessing, os, sys, time
from ax_anasod.locks import end_with_parent, hold
from pathlib import Path

def work(path):
    end_with_parent()
    hold(Path(path), "busy")
    Path(path + ".held").touch()
    while True:
        sum(range(1000))

if __name__ == "__main__":
    process = multiprocessing.get_context(sys.argv[2]).Process(target=work, args=(sys.argv[1],))
    process.start()
    process.join()
"""


def test_only_one_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path, "busy here"):
        with pytest.raises(RunError, match="busy here"), locked(path, "busy here"):
            pass
        assert path.exists()
    assert not path.exists()


def test_it_stays_where_the_work_failed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError), locked(path, "busy"):
        raise ZeroDivisionError
    assert path.exists()
    with locked(path, "busy"):
        pass


def test_readers_share_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    files = [os.open(path, os.O_RDWR) for _ in range(3)]
    try:
        assert try_lock(files[0], shared=True)
        assert try_lock(files[1], shared=True)
        assert not try_lock(files[2])
    finally:
        for file in files:
            os.close(file)


def test_one_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "lock"
    with pytest.raises(RunError):
        hold(path, "busy")


def test_what_is_no_lock_is_refused_and_stays(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine, without an end of line")
    (tmp_path / "link").symlink_to(mine)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "fifo")
    for name, message in (
        ("mine", "mine is no lock: it is not empty"),
        ("link", "link cannot be written: it is a symbolic link"),
        ("dangling", "dangling cannot be written: it is a symbolic link"),
        ("fifo", "fifo cannot be written: it is no ordinary file"),
    ):
        with pytest.raises(RunError, match=message), locked(tmp_path / name, "busy"):
            pass
    assert mine.read_text() == "mine, without an end of line"
    assert not (tmp_path / "nowhere").exists()


def test_whoever_only_looks_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    looker, worker = (os.open(path, os.O_RDWR) for _ in range(2))
    try:
        assert try_lock(looker, shared=True)
        # Longer than a process that works is waited for.
        threading.Timer(1.5, os.close, (looker,)).start()
        assert try_lock_patiently(worker)
    finally:
        os.close(worker)


def test_a_file_system_without_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(RunError, match="lock cannot be locked: No locks available .*file system"):
        hold(tmp_path / "lock", "busy")


def test_a_file_that_was_replaced_is_noticed_and_left_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path, "busy") as file:
        assert is_same_file(file, path)
        path.rename(tmp_path / "moved")
        assert not is_same_file(file, path)
        path.write_text("of somebody else")
        assert not is_same_file(file, path)
    assert path.read_text() == "of somebody else"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_an_orphan_lets_go_of_its_lock(tmp_path: Path, method: str) -> None:
    script, path = tmp_path / "parent.py", tmp_path / "lock"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, str(script), str(path), method]) as parent:
        until = time.monotonic() + PATIENCE
        while not path.with_name("lock.held").exists():
            assert parent.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        with pytest.raises(RunError):
            hold(path, "busy")
        parent.kill()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            os.close(hold(path, "busy"))
            return
        except RunError:
            time.sleep(0.1)
    pytest.fail("the orphan still holds the lock")
