"""Which interpreter is taken."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from ax_anasod.exceptions import BenchmarkError
from ax_anasod.nasbench.nasbench301.interpreter import FILE, VARIABLE, find_interpreter


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
    (tmp_path / FILE).write_text('{"python": "file"}')
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
    (tmp_path / FILE).write_text('{"python": "venv/bin/python"}')
    assert find_interpreter(below) == python
    with pytest.raises(BenchmarkError, match="needs a Python of its own"):
        find_interpreter(below / "member")
    absolute = program(tmp_path / "another")
    (below / FILE).write_text(json.dumps({"python": absolute}))
    assert find_interpreter(below) == absolute


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
    (tmp_path / FILE).write_text('{"python": "absent"}')
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
