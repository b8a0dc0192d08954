"""A table of a user's own cell, and the command line run in this process."""

from __future__ import annotations

import itertools
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ax_anasod.cli.app import run as run_command
from ax_anasod.storage import close_database

OPERATIONS = ("conv", "pool", "skip")
CELL = 'name = "mine"\noperations = ["conv", "pool", "skip"]\nnum_blocks = 3\n'


def rows() -> list[dict[str, Any]]:
    """All 27 architectures with the columns of the table."""
    table = []
    for n, operations in enumerate(itertools.product(OPERATIONS, repeat=3)):
        conv = operations.count("conv")
        table.append(
            {
                "arch": "|".join(operations),
                "valid": 90 - (conv - 2) ** 2 - math.sin(n) / 3,
                "test": 89 - (conv - 2) ** 2 - math.cos(n) / 3,
                "val acc": 80 + conv,
                "latency": 1 + operations.count("pool") + n / 100,
                "seconds": 100 + n,
                "note": "text",
            }
        )
    return table


def write_table(path: Path, content: list[dict[str, Any]]) -> Path:
    """Write rows as CSV."""
    lines = [",".join(content[0]), *(",".join(map(str, row.values())) for row in content)]
    path.write_text("\n".join(lines) + "\n")
    return path


@dataclass(frozen=True)
class Outcome:
    """What a command has printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The only JSON object on stdout."""
        content = json.loads(self.out)
        assert isinstance(content, dict)
        return content


Command = Callable[..., Outcome]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs ``ax-anasod`` with these arguments."""

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run_command(list(map(str, arguments)))
        close_database()
        return Outcome(code, *capsys.readouterr())

    return call


@pytest.fixture
def refused(command: Command) -> Callable[..., str]:
    """Runs ``ax-anasod`` and expects one line on stderr and exit code 2; gives the line."""

    def call(*arguments: object) -> str:
        outcome = command(*arguments)
        assert outcome.out == ""
        assert outcome.err.count("\n") == 1, outcome.err
        assert outcome.err.startswith("error: ")
        assert "Traceback" not in outcome.err
        assert outcome.code == 2
        return outcome.err.strip()

    return call


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with ``table.csv`` and ``mine.toml``."""
    folder = tmp_path / "files"
    folder.mkdir()
    write_table(folder / "table.csv", rows())
    (folder / "mine.toml").write_text(CELL)
    return folder


@pytest.fixture
def table(files: Path) -> list[object]:
    """The options that name the table and its cell."""
    return ["--benchmark", "table", "--data", files / "table.csv", "--cell", files / "mine.toml"]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two small trials."""
    folder = tmp_path_factory.mktemp("train") / "digits"
    small = "--images 100 --channels 2 --cells 3 --epochs 1 --batch-size 32 --device cpu"
    arguments = f"train --strategy anasod-random --trials 2 {small} --out {folder}"
    assert run_command(arguments.split()) == 0
    return folder


@pytest.fixture
def run(searched: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(searched, tmp_path / "run"))
