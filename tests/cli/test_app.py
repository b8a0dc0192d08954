from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ax_anasod.nasbench import benchmark as registry
from tests.cli.conftest import Command

BENCHMARK = """
from ax_anasod.nasbench import Benchmark, register_benchmark

@register_benchmark("mine")
class Mine(Benchmark):
    '''A benchmark of my own.'''

    def __init__(self, dataset: str = "small") -> None: ...
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(registry, "_CLASSES", dict(registry._CLASSES))
    yield tmp_path
    own = {path.stem for path in tmp_path.iterdir()}
    for name in [name for name in sys.modules if name.split(".")[0] in own]:
        del sys.modules[name]


def test_module_in_the_current_folder_is_known_to_the_command(command: Command, here: Path) -> None:
    (here / "parts").mkdir()
    (here / "parts" / "benchmark.py").write_text(BENCHMARK)
    (here / "empty.py").write_text("")
    assert "mine" not in command("benchmarks").out
    outcome = command("--import", "empty", "--import", "parts.benchmark", "benchmarks")
    assert outcome.code == 0
    (line,) = (line for line in outcome.out.splitlines() if line.split()[:1] == ["mine"])
    assert "A benchmark of my own" in line


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("no_such", None, "--import no_such: there is no such module (it is looked for in"),
        ("mine.py", "", "--import 'mine.py' is not the name of a module (write it as in"),
        ("./mine", "", "--import './mine' is not the name of a module (write it as in"),
        (
            "a",
            "import no_such",
            "--import a: ModuleNotFoundError: No module named 'no_such' (in a.py",
        ),
        ("a", "x = 1\nx / 0", "--import a: ZeroDivisionError: division by zero (in a.py, line 2)"),
        ("a", "raise SystemExit(3)", "--import a: SystemExit: 3 (in a.py, line 1)\n"),
        ("a", "x = = 1", "--import a: SyntaxError: invalid syntax (a.py, line 1)\n"),
        (
            "a",
            BENCHMARK.replace('"mine"', '"table"'),
            "--import a: the benchmark name 'table' is taken by TableBenchmark\n",
        ),
    ],
)
def test_modules_that_cannot_be_imported(
    command: Command, here: Path, name: str, content: str | None, error: str
) -> None:
    if content is not None:
        (here / "a.py").write_text(content)
    outcome = command("--import", name, "benchmarks")
    assert outcome.code == 2
    assert outcome.err.startswith(f"error: {error}")
    assert outcome.err.count("\n") == 1
    assert not outcome.out


def test_unknown_names_may_be_the_users_own(command: Command) -> None:
    unlike = command("search", "--benchmark", "zzz", "--strategy", "random").err
    assert "one of your own: ax-anasod --import MODULE" in unlike
    mistyped = command("search", "--benchmark", "tabel", "--strategy", "random").err
    assert mistyped == "error: unknown benchmark 'tabel' (did you mean 'table'?)\n"
