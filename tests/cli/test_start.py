"""The command line answers at once, since it loads what is heavy only when it is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.conftest import PATIENCE


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["search", "--help"], 0),
        (["train", "--help"], 0),
        (["--version"], 0),
        ([], 0),
        (["serch"], 2),
        (["search", "--stategy", "random"], 2),
        (["search", "--benchmark", "table", "--trials", "0"], 2),
        (["train", "--batch-size", "0"], 2),
        (["train", "--early-stopping", "100"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_help_and_refusals_load_nothing_heavy(arguments: list[str], code: int) -> None:
    program = (
        "import sys\n"
        "from ax_anasod.cli import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "finally:\n"
        "    heavy = ('ax', 'torch', 'numpy', 'pandas', 'scipy', 'plotly', 'matplotlib')\n"
        "    assert not [name for name in heavy if name in sys.modules]\n"
    )
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    # Of a processor's time, which other work on the machine does not change much.
    after = os.times()
    assert sum(after[2:4]) - sum(before[2:4]) < 3  # 0.3 s


def test_help_names_every_command(command: Command) -> None:
    outcome = command("--help")
    for name in ("search", "resume", "show", "benchmarks", "strategies", "doctor"):
        assert name in outcome.out
    assert command().out == outcome.out


def test_version(command: Command) -> None:
    assert command("--version").out == f"ax-anasod {version('ax-anasod')}\n"


def test_output_that_nobody_reads_is_no_error() -> None:
    reader = f"{sys.executable} -m ax_anasod --help"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {reader} | true"], capture_output=True, timeout=PATIENCE,
        check=False, text=True,
    )  # fmt: skip
    assert done.stderr == ""


def in_a_shell(*arguments: str, **environment: str) -> str:
    """The output of a command that is told of the shell by environment variables."""
    done = subprocess.run(
        [sys.executable, "-m", "ax_anasod", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("ax-anasod rep", "reproduce"),
        ("ax-anasod train --early", "--early-stopping"),
        ("ax-anasod train --precision 16", "16-mixed"),
        ("ax-anasod train --runner l", "local"),
        ("ax-anasod search --strategy two-l", "two-level-bo"),
        ("ax-anasod search --benchmark nas-bench-g", "nas-bench-graph"),
    ],
)
def test_shells_complete_commands_options_and_names(typed: str, completed: str) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    output = in_a_shell(_AX_ANASOD_COMPLETE="complete_bash", **words)
    assert output.split() == [completed]


def test_completion_is_installed(tmp_path: Path) -> None:
    # Whatever shell has started the tests is not asked.
    settings = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    assert "bash completion installed" in in_a_shell("--install-completion", "bash", **settings)
    (script,) = (tmp_path / ".bash_completions").iterdir()
    assert "_AX_ANASOD_COMPLETE=complete_bash" in script.read_text()
    assert str(script) in (tmp_path / ".bashrc").read_text()
