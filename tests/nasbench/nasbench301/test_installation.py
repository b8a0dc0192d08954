"""What the set-up runs, in which order, and how it goes on.

The interpreter here is a program that notes what it is asked to do: the real packages have
3 GB. The real set-up is run by hand, see docs/nasbench301.md.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ax_anasod.exceptions import BenchmarkError, OptionError, RunError
from ax_anasod.nasbench.nasbench301.installation import (
    FILE,
    PACKAGE,
    REQUIREMENTS,
    VARIABLE,
    VERSION,
    check_python,
    find_interpreter,
    install,
    write_interpreter,
)

PROGRAM = """#!{python}
import json, shutil, sys
from pathlib import Path
notes = Path({notes!r})
arguments = sys.argv[1:]
if arguments[0] == "-c":
    print((notes / "version").read_text())
    sys.exit()
with (notes / "asked").open("a") as file:
    file.write(json.dumps(arguments) + "\\n")
if arguments[:2] == ["-m", "venv"]:
    inner = Path(arguments[2]) / "bin" / "python"
    inner.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(__file__, inner)
elif arguments[-1] == "--check":
    print((notes / "answer").read_text())
elif (notes / "fail").exists() and (notes / "fail").read_text() in arguments:
    sys.exit(3)
"""


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """What the program notes, and what it is to say."""
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "version").write_text(VERSION)
    (folder / "answer").write_text('{"missing": ["torch_scatter", "torch_cluster"]}')
    return folder


@pytest.fixture
def python(tmp_path: Path, notes: Path) -> str:
    program = tmp_path / "python"
    program.write_text(PROGRAM.format(python=sys.executable, notes=str(notes)))
    program.chmod(0o755)
    return str(program)


def asked(notes: Path) -> list[list[str]]:
    return [json.loads(line) for line in (notes / "asked").read_text().splitlines()]


def test_everything_that_is_done_is_said(
    python: str, notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    said: list[str] = []
    directory = tmp_path / "nb301"
    inner = install(check_python(python), directory, said.append)
    venv, requirements, package, check = asked(notes)
    assert venv == ["-m", "venv", str(directory / "venv")]
    assert requirements[:3] == package[:3] == ["-m", "pip", "install"]
    assert set(REQUIREMENTS) < set(requirements)
    assert package[-2:] == ["--no-deps", PACKAGE]
    assert check[0] == "-I"
    commands = [line for line in said if line.startswith("$ ")]
    assert [line.split()[1] for line in commands] == [python, inner, inner, inner]
    assert any("torch_scatter, torch_cluster" in line for line in said)
    # The benchmark finds it from any folder of the official models in there.
    assert find_interpreter(directory / "nb_models_1.0" / "xgb_v1.0") == inner


def test_requirements_are_pinned() -> None:
    assert all(requirement.count("==") == 1 for requirement in (*REQUIREMENTS, PACKAGE))


def test_stopped_it_goes_on(python: str, notes: Path, tmp_path: Path) -> None:
    (notes / "fail").write_text("--no-deps")
    with pytest.raises(RunError, match="exit code 3: .*--no-deps nasbench301.*run again, goes on"):
        install(python, tmp_path / "nb301", lambda _: None)
    assert not (tmp_path / "nb301" / "interpreter.json").exists()
    (notes / "fail").unlink()
    install(python, tmp_path / "nb301", lambda _: None)
    assert (tmp_path / "nb301" / "interpreter.json").exists()


def test_an_environment_of_somebody_else_is_not_run(
    python: str, notes: Path, tmp_path: Path, stranger: Callable[[], None]
) -> None:
    own, copy = tmp_path / "own", tmp_path / "copy"
    install(python, own, lambda _: None)
    install(python, own, lambda _: None)
    shutil.copytree(own, copy)
    empty = tmp_path / "empty"
    (empty / "venv").mkdir(parents=True)
    (notes / "asked").unlink()
    for folder in (copy, empty):
        with pytest.raises(RunError, match="venv is there already, and was not begun there by you"):
            install(python, folder, lambda _: None)
    stranger()
    with pytest.raises(RunError):
        install(python, own, lambda _: None)
    assert not (notes / "asked").exists()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ('{"error": "ImportError: no libgomp"}', "imported by .*: ImportError: no libgomp"),
        ("Killed", "it printed 'Killed.n' in the place of an answer"),
    ],
)
def test_a_package_that_cannot_be_imported(
    python: str, notes: Path, tmp_path: Path, answer: str, said: str
) -> None:
    (notes / "answer").write_text(answer)
    with pytest.raises(BenchmarkError, match=said):
        install(python, tmp_path / "nb301", lambda _: None)
    assert not (tmp_path / "nb301" / "interpreter.json").exists()


def test_interpreters_that_will_not_do(python: str, notes: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no interpreter '.*absent' .name a Python 3.11"):
        check_python(str(tmp_path / "absent"))
    (notes / "version").write_text("3.12")
    with pytest.raises(OptionError, match="is Python 3.12 .the pinned packages"):
        check_python(python)
    other = tmp_path / "other"
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    with pytest.raises(OptionError, match="other is no Python"):
        check_python(str(other))


def test_a_folder_that_cannot_be_written(python: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError):
        install(python, tmp_path / "file" / "nb301", lambda _: None)


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
