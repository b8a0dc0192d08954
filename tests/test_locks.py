import os

import pytest

from ax_anasod.exceptions import RunError
from ax_anasod.locks import locked, try_lock


def test_only_one_holds_it(tmp_path):
    path = tmp_path / "lock"
    with locked(path, "busy here"):
        with pytest.raises(RunError, match="busy here"), locked(path, "busy here"):
            pass
        assert path.exists()
    assert not path.exists()


def test_it_stays_where_the_work_failed(tmp_path):
    path = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError), locked(path, "busy"):
        raise ZeroDivisionError
    assert path.exists()
    with locked(path, "busy"):
        pass


def test_readers_share_it(tmp_path):
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


def test_one_that_cannot_be_made_is_named(tmp_path):
    path = tmp_path / "nowhere" / "lock"
    with pytest.raises(RunError, match=r"nowhere.lock cannot be written: No such file"):
        locked(path, "busy").__enter__()
