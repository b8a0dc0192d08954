"""What the set-up runs, in which order, and how it goes on.

The interpreter here is a program that notes what it is asked to do: the real packages have
3 GB. The real set-up is run by hand, see docs/nasbench301.md.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ax_anasod.exceptions import BenchmarkError, OptionError, RunError
from ax_anasod.nasbench.nasbench301.installation import (
    PACKAGE,
    REQUIREMENTS,
    VERSION,
    check_python,
    install,
)
from ax_anasod.nasbench.nasbench301.interpreter import VARIABLE, find_interpreter

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
