"""The set-up's questions to uv, and the order in which an interpreter is looked for.

The uv here is a program that notes what it is asked to do: the real packages have 5 GB. The
last test is the real set-up, on a machine where it was run before.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from ax_anasod.exceptions import BenchmarkError, OptionalImportError, RunError
from ax_anasod.nasbench.nasbench301.ensemble_surrogate import SCRIPT
from ax_anasod.nasbench.nasbench301.installation import VARIABLE, find_interpreter, find_uv, install

FINDER = "ax_anasod.nasbench.nasbench301.installation.find_uv"
UV = """#!{python}
import json, os, sys
from pathlib import Path
notes = Path({notes!r})
with (notes / "asked").open("a") as file:
    file.write(json.dumps([os.getcwd(), *sys.argv[1:]]) + "\\n")
if sys.argv[1] == "sync":
    if (notes / "fail").exists():
        sys.exit(3)
    (notes / "venv/lib/python3.11/site-packages/nasbench301").mkdir(parents=True, exist_ok=True)
else:
    print(notes / "venv/bin/python")
"""
PYTHON = """#!/bin/sh
cat {notes}/answer
"""


def program(path: Path, content: str = "#!/bin/sh\n") -> str:
    """A file that can be executed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """The folder of what uv notes, of what the interpreter is to say, and of its environment."""
    folder = tmp_path / "notes"
    program(folder / "venv" / "bin" / "python", PYTHON.format(notes=folder))
    (folder / "answer").write_text('{"missing": ["torch_scatter", "torch_cluster"]}\n')
    return folder


@pytest.fixture
def uv(tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = program(tmp_path / "uv", UV.format(python=sys.executable, notes=str(notes)))
    monkeypatch.setattr(FINDER, lambda: path)
    monkeypatch.delenv(VARIABLE, raising=False)
    return path


def test_everything_that_is_done_is_said(
    uv: str, notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    inner = install(uv, said.append)
    # Never in the working folder, whose uv.toml and .venv uv would obey.
    beside = str(SCRIPT.parent)
    asked = [json.loads(line) for line in (notes / "asked").read_text().splitlines()]
    assert asked == [
        [beside, "sync", "--script", str(SCRIPT)],
        [beside, "python", "find", "--script", str(SCRIPT)],
    ]
    assert inner == str(notes / "venv" / "bin" / "python")
    assert said[:2] == [f"$ {uv} sync --script {SCRIPT}", f"$ {inner} -I {SCRIPT} --check"]
    assert any("torch_scatter, torch_cluster" in line for line in said)
    assert find_interpreter(tmp_path) == inner


def test_stopped_it_goes_on(uv: str, notes: Path, tmp_path: Path) -> None:
    (notes / "fail").touch()
    with pytest.raises(RunError, match="exit code 3: .*sync --script .*run again, goes on"):
        install(uv, lambda _: None)
    with pytest.raises(BenchmarkError, match="needs a Python of its own"):
        find_interpreter(tmp_path)
    (notes / "fail").unlink()
    assert install(uv, lambda _: None) == find_interpreter(tmp_path)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ('{"error": "ImportError: no libgomp"}\n', "imported by .*: ImportError: no libgomp"),
        ("Killed\n", "it printed 'Killed.n' in the place of an answer"),
    ],
)
def test_a_package_that_cannot_be_imported(uv: str, notes: Path, answer: str, said: str) -> None:
    (notes / "answer").write_text(answer)
    with pytest.raises(BenchmarkError, match=said):
        install(uv, lambda _: None)


def test_uv_is_that_of_its_package_or_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = pytest.importorskip("uv")
    assert find_uv() == package.find_uv_bin()
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OptionalImportError, match=r"'uv' is not .*ax-anasod\[nasbench301\]"):
        find_uv()
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(BenchmarkError, match="setup-nasbench301"):
        find_interpreter(tmp_path)
    assert program(tmp_path / "uv") == find_uv()


def test_a_uv_that_cannot_be_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="absent cannot be run: No such file"):
        install(str(tmp_path / "absent"), lambda _: None)


def test_given_before_the_variable_before_uv(
    uv: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, variable = (program(tmp_path / name) for name in ("given", "variable"))
    inner = install(uv, lambda _: None)
    assert find_interpreter(tmp_path) == inner
    monkeypatch.setenv(VARIABLE, variable)
    assert find_interpreter(tmp_path) == variable
    assert find_interpreter(tmp_path, given) == given


def test_a_name_is_looked_up_on_the_search_path(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Path(sys.executable)
    monkeypatch.setenv("PATH", os.pathsep.join([str(here.parent), os.environ["PATH"]]))
    assert find_interpreter(Path(), here.name) == str(here)


@pytest.mark.usefixtures("uv")
def test_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError) as error:
        find_interpreter(tmp_path)
    for way in ("with: ax-anasod setup-nasbench301;", "python=PATH", VARIABLE):
        assert way in str(error.value)


def test_there_is_no_such_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = str(tmp_path / "absent")
    with pytest.raises(BenchmarkError, match="no interpreter '.*absent', which python names"):
        find_interpreter(tmp_path, missing)
    monkeypatch.setenv(VARIABLE, missing)
    with pytest.raises(BenchmarkError, match=f"which the variable {VARIABLE} names"):
        find_interpreter(tmp_path)


@pytest.mark.slow
def test_the_real_set_up_where_it_was_run_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("UV_OFFLINE", "1")
    try:
        python = find_interpreter(tmp_path)
    except BenchmarkError:
        pytest.skip("uv has made no environment with the package nasbench301")
    said: list[str] = []
    assert install(find_uv(), said.append) == python
    assert any("XGBoost, LightGBM" in line for line in said)
