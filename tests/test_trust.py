from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ax_anasod.exceptions import RunError
from ax_anasod.trust import is_trusted, own_description, seal

ACTING = {"python": "/usr/bin/python", "number": 3, "nothing": None}


@pytest.fixture(autouse=True)
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the key of these tests lies."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "ax_anasod" / "key"


def test_what_was_sealed_here_is_trusted_and_nothing_else(key: Path) -> None:
    assert not is_trusted(ACTING, None)
    assert not key.exists()  # to ask makes none
    given = seal(ACTING)
    assert given is not None
    assert is_trusted(dict(reversed(ACTING.items())), given)
    for other in ({**ACTING, "python": "/tmp/python"}, {**ACTING, "number": "3"}, {}):
        assert not is_trusted(other, given)
    for forged in (None, "", given[:-1], given.upper(), 3, ["x"], "é\udc80", seal({})):
        assert not is_trusted(ACTING, forged)


def test_a_seal_of_another_user_is_not_trusted(stranger: Callable[[], None]) -> None:
    given = seal(ACTING)
    stranger()
    assert not is_trusted(ACTING, given)
    assert is_trusted(ACTING, seal(ACTING))
    assert not is_trusted(ACTING, given)


def test_the_key_is_a_secret(key: Path) -> None:
    given = seal(ACTING)
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.stat().st_size == 32
    assert [path.name for path in key.parent.iterdir()] == ["key"]
    key.chmod(0o640)
    for use in (lambda: seal(ACTING), lambda: is_trusted(ACTING, given)):
        with pytest.raises(RunError, match="is no secret of yours, or damaged .delete it"):
            use()


@pytest.mark.parametrize("damage", ["cut", "longer", "link"])
def test_a_key_that_is_none_is_refused(key: Path, damage: str) -> None:
    seal(ACTING)
    content = key.read_bytes()
    key.unlink()
    if damage == "link":
        other = key.with_name("other")
        other.write_bytes(content)
        other.chmod(0o600)
        key.symlink_to(other)
    else:
        key.write_bytes(content[:31] if damage == "cut" else content + b"x")
        key.chmod(0o600)
    if damage == "longer":  # not read at all
        assert seal(ACTING) is None
        assert not is_trusted(ACTING, "x")
    else:
        with pytest.raises(RunError, match="is no secret of yours, or damaged"):
            seal(ACTING)


def test_without_a_place_for_the_key_nothing_is_sealed(key: Path) -> None:
    key.parent.write_text("a file in the place of the folder")
    assert seal(ACTING) is None
    assert not is_trusted(ACTING, "x")


def test_the_home_folder_is_the_default(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(key.parent))
    for named in ("", "a/relative/path"):
        monkeypatch.setenv("XDG_STATE_HOME", named)
        assert is_trusted(ACTING, seal(ACTING))
    assert (key.parent / ".local" / "state" / "ax_anasod" / "key").is_file()


def test_what_the_program_says_itself_is_trusted() -> None:
    with own_description():
        assert is_trusted(ACTING, None)
    assert not is_trusted(ACTING, None)
    with pytest.raises(ZeroDivisionError), own_description():
        raise ZeroDivisionError
    assert not is_trusted(ACTING, None)


def test_those_who_make_the_key_at_once_have_one(key: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        seals = list(pool.map(lambda _: seal(ACTING), range(40)))
    assert len(set(seals)) == 1
    assert is_trusted(ACTING, seals[0])
    assert [path.name for path in key.parent.iterdir()] == ["key"]
