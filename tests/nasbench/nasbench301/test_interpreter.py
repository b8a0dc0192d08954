"""Which interpreter is taken."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ax_anasod.exceptions import BenchmarkError
from ax_anasod.nasbench.nasbench301.interpreter import (
    FILE,
    VARIABLE,
    find_interpreter,
    write_interpreter,
)


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def program(path: Path) -> str:
    """A file that can be executed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_given_before_the_variable_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, variable, beside = (program(tmp_path / name) for name in ("given", "variable", "file"))
    write_interpreter(tmp_path / FILE, tmp_path / "file", "nasbench301")
    assert find_interpreter(tmp_path) == beside
    monkeypatch.setenv(VARIABLE, variable)
    assert find_interpreter(tmp_path) == variable
    assert find_interpreter(tmp_path, given) == given


def test_a_name_is_looked_up_on_the_search_path(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Path(sys.executable)
    monkeypatch.setenv("PATH", os.pathsep.join([str(here.parent), os.environ["PATH"]]))
    assert find_interpreter(Path(), here.name) == str(here)


def test_the_nearest_file_up_to_two_levels_above(tmp_path: Path) -> None:
    below = tmp_path / "nb_models_1.0" / "xgb_v1.0"
    below.mkdir(parents=True)
    python = program(tmp_path / "venv" / "bin" / "python")
    write_interpreter(tmp_path / FILE, tmp_path / "venv" / "bin" / "python", "nasbench301")
    assert find_interpreter(below) == python
    with pytest.raises(BenchmarkError, match="needs a Python of its own"):
        find_interpreter(below / "member")
    nearer = program(below / "another")
    write_interpreter(below / FILE, below / "another", "nasbench301")
    assert find_interpreter(below) == nearer


def test_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError) as error:
        find_interpreter(tmp_path)
    for way in (f"setup-nasbench301 --python PYTHON --into {tmp_path}", "python=PATH", VARIABLE):
        assert way in str(error.value)


def test_there_is_no_such_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = str(tmp_path / "absent")
    with pytest.raises(BenchmarkError, match="no interpreter '.*absent', which python names"):
        find_interpreter(tmp_path, missing)
    monkeypatch.setenv(VARIABLE, missing)
    with pytest.raises(BenchmarkError, match=f"which the variable {VARIABLE} names"):
        find_interpreter(tmp_path)
    monkeypatch.delenv(VARIABLE)
    write_interpreter(tmp_path / FILE, tmp_path / "absent", "nasbench301")
    with pytest.raises(BenchmarkError, match="which the file .*interpreter.json names"):
        find_interpreter(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "is no JSON"), ("[]", "not an object"), ('{"python": 3}', "does not name")],
)
def test_a_damaged_file(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(BenchmarkError, match=said):
        find_interpreter(tmp_path)


def test_a_file_of_somebody_else_starts_nothing(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        program(folder / "python")
    (here / FILE).write_text('{"python": "python"}')
    refused = "asks to start the program .*python, but was not made there by you .*--python PATH"
    with pytest.raises(BenchmarkError, match=refused):
        find_interpreter(here)
    # Nor does a copy of one that was made elsewhere, or one that was edited.
    write_interpreter(there / FILE, there / "python", "nasbench301")
    content = (there / FILE).read_text()
    for changed in (content, content.replace("python", "python2", 1)):
        (here / FILE).write_text(changed)
        with pytest.raises(BenchmarkError, match="was not made there by you|does not name"):
            find_interpreter(here)
    assert find_interpreter(here, str(there / "python")) == str(there / "python")
    assert find_interpreter(there) == str(there / "python")
