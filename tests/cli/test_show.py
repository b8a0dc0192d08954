from __future__ import annotations

import os
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


def imported(*arguments: object) -> set[str]:
    """The modules that a command has imported, in a new process."""
    program = (
        "import sys\n"
        "from ax_anasod.cli import main\n"
        "try:\n"
        f"    main({[*map(str, arguments)]!r})\n"
        "finally:\n"
        "    print(*sys.modules, sep='\\n', file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
    return set(done.stderr.splitlines())


def test_show_of_a_search_needs_nothing_of_ax(out: Path) -> None:
    assert not {"ax", "torch", "numpy", "pandas"} & imported("show", out)


def test_show_of_a_comparison_needs_nothing_of_ax(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    options = ["--strategies", "random", "--trials", 2, "--seeds", 1, "--out", tmp_path / "all"]
    assert command("compare", *table, "--accuracy", "valid", *options).code == 0
    assert not {"ax", "torch", "scipy", "plotly"} & imported("show", tmp_path / "all")
    watched = command("show", tmp_path / "all", "--watch").out
    assert watched.split() == command("show", tmp_path / "all").out.split()


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


def test_missing_pages_are_said_and_kept(command: Command, out: Path) -> None:
    journal = out / "journal.jsonl"
    content = journal.read_bytes()
    last = content.splitlines(keepends=True)[-1]
    zeroed = last[:40] + bytes(len(last) - 41) + b"\n"
    journal.write_bytes(content.removesuffix(last) + zeroed)
    outcome = command("show", out)
    assert outcome.code == 0
    assert f"the last {len(last)} bytes of its journal are damaged" in words(outcome.out)
    assert "stopped at 3 of 4 trials" in words(outcome.out)
    resumed = command("resume", out)
    assert resumed.code == 0
    assert "counts as never written; it is kept in" in resumed.err
    assert (out / "journal.jsonl.damaged-1").read_bytes() == zeroed
    assert journal.read_bytes().startswith(content.removesuffix(last))
    assert "finished" in command("show", out).out
    assert "damaged" not in command("show", out).out


def test_show_works_where_there_are_no_locks(
    command: Command, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: int, operation: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    assert "finished" in command("show", out).out
    outcome = command("resume", out)
    assert outcome.code == 2
    assert "cannot be locked: Operation not supported (choose a folder on a file" in outcome.err


def test_show_does_not_wait(command: Command, out: Path) -> None:
    for name in ("config.json", "journal.jsonl"):
        (out / name).rename(out / "kept")
        os.mkfifo(out / name)
        outcome = command("show", out)
        assert outcome.code == 2
        assert f"{name} cannot be read: it is no ordinary file" in outcome.err
        (out / name).unlink()
        (out / "kept").rename(out / name)
    (out / "comparison.json").symlink_to("/dev/zero")
    assert "comparison.json cannot be read: it is no ordinary file" in command("show", out).err


def test_a_run_without_an_ended_trial(command: Command, out: Path) -> None:
    (out / "journal.jsonl").write_bytes(b"")
    outcome = command("show", out, "--json")
    assert outcome.json["best"] is None
    assert "stopped at 0 of 4 trials" in words(outcome.err)
