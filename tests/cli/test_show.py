from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.conftest import PATIENCE


@pytest.fixture
def out(command: Command, table: list[object], tmp_path: Path) -> Path:
    out = tmp_path / "my run"
    options = ["--accuracy", "valid", "--strategy", "random", "--trials", 4, "--out", out]
    assert command("search", *table, *options).code == 0
    return out


def words(text: str) -> str:
    return " ".join(text.split())


def test_show_gives_what_search_gave(command: Command, table: list[object], out: Path) -> None:
    outcome = command("show", out, "--json")
    options = ["--accuracy", "valid", "--strategy", "random", "--trials", 4, "--json"]
    searched = command("search", *table, *options).json
    untimed = {"seconds", "seconds_per_trial", "out"}
    assert {k: v for k, v in outcome.json.items() if k not in untimed} == {
        k: v for k, v in searched.items() if k not in untimed
    }
    assert "state finished" in words(outcome.err)


def test_show_needs_nothing_of_ax(out: Path) -> None:
    program = (
        "import sys\n"
        "from ax_anasod.cli import main\n"
        "try:\n"
        f"    main(['show', {str(out)!r}])\n"
        "finally:\n"
        "    assert not {'ax', 'torch', 'numpy', 'pandas'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "finished" in done.stdout


def test_show_changes_nothing(command: Command, out: Path) -> None:
    with (out / "journal.jsonl").open("ab") as file:
        file.write(b'{"event":"start","tri')
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    outcome = command("show", out)
    assert (outcome.code, outcome.err) == (0, "")
    assert "trials 4" in words(outcome.out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_show_says_how_a_stopped_run_goes_on(command: Command, out: Path) -> None:
    lines = (out / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (out / "journal.jsonl").write_bytes(b"".join(lines[:5]))
    outcome = command("show", out)
    assert f"state stopped at 2 of 4 trials; go on with: ax-anasod resume '{out}'" in words(
        outcome.out
    )
    assert command("show", out, "--json").json["trials"] == 2


def test_a_run_without_an_ended_trial(command: Command, out: Path) -> None:
    (out / "journal.jsonl").write_bytes(b"")
    outcome = command("show", out, "--json")
    assert outcome.json["best"] is None
    assert "stopped at 0 of 4 trials" in words(outcome.err)
