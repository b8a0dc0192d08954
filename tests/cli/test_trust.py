"""Folders that a stranger has sent: what they say does not act."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ax_anasod.nasbench.nasbench301.installation import VARIABLE
from tests.cli.conftest import Command
from tests.nasbench.nasbench301.linear_worker import write_ensemble

SMALL = [
    *("--images", 100, "--channels", 2, "--cells", 3),
    *("--epochs", 1, "--batch-size", 32, "--device", "cpu"),
]
OPERATIONS = """
from pathlib import Path
from torch import nn
Path(__file__).with_name("imported").touch()
CONV = {"conv": lambda c_in, c_out, stride: nn.Conv2d(c_in, c_out, 3, stride, 1)}
"""
CELL = 'name = "mine"\noperations = ["conv", "skip_connect"]\nnum_blocks = 2\n'


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is imported is forgotten afterwards, and the environment names no interpreter."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv(VARIABLE, raising=False)
    yield
    sys.modules.pop("mine", None)


def edit(run: Path, change: Callable[[dict], None]) -> None:
    """Change the configuration of a run, as somebody who sends it may."""
    config = json.loads((run / "config.json").read_text())
    change(config)
    (run / "config.json").write_text(json.dumps(config))


@pytest.fixture
def ensemble(tmp_path: Path) -> tuple[Path, str, Path]:
    """A folder, the program that serves it, and the file that this leaves when it is started."""
    folder, python = write_ensemble(tmp_path / "linear")
    started = tmp_path / "started"
    script = Path(python).read_text().splitlines()
    Path(python).write_text("\n".join([script[0], f'touch "{started}"', *script[1:], ""]))
    return folder, python, started


def test_a_program_is_started_only_if_the_user_says_so(
    command: Command,
    refused: Callable[..., str],
    ensemble: tuple[Path, str, Path],
    tmp_path: Path,
    stranger: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, python, started = ensemble
    run = tmp_path / "run"
    options = ["--strategy", "random", "--trials", 2, "--out", run]
    source = ["--benchmark", "nas-bench-301", "--data", folder, "--python", python]
    assert command("search", *source, *options).code == 0
    # By the same user on the same machine it goes on, unless what acts was changed.
    assert command("resume", run, "--trials", 3).code == 0
    config = (run / "config.json").read_text()
    started.unlink()
    edit(run, lambda config: config["benchmark"].update(python=str(tmp_path / "other")))
    assert "asks to start the program" in refused("resume", run, "--trials", 4)
    (run / "config.json").write_text(config)

    stranger()
    journal = (run / "journal.jsonl").read_bytes()
    monkeypatch.setenv(VARIABLE, python)
    for change in (
        lambda config: None,
        lambda config: config["benchmark"].update(python=None),
        lambda config: config["benchmark"].update(seal="0" * 64),
        lambda config: config["benchmark"].pop("seal"),
    ):
        edit(run, change)
        line = refused("resume", run, "--trials", 4)
        assert f"to load the ensemble in {folder}" in line
        assert "with --python PATH" in line
        assert command("show", run).code == 0
    assert not started.exists()
    assert (run / "journal.jsonl").read_bytes() == journal
    (run / "config.json").write_text(config)
    assert command("resume", run, "--trials", 4, "--python", python).code == 0
    assert started.exists()


def test_the_working_folder_starts_no_program(
    refused: Callable[..., str],
    ensemble: tuple[Path, str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, python, started = ensemble
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    # uv would ask this Python for its version.
    venv = folder / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "pyvenv.cfg").touch()
    (venv / "bin" / "python").symlink_to(python)
    monkeypatch.chdir(folder)
    line = refused("search", "--benchmark", "nas-bench-301", "--data", folder, "--trials", 1)
    assert "needs a Python of its own" in line
    assert not started.exists()


@pytest.fixture
def trained(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run with operations of a user's own, whose module is forgotten again."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "mine.py").write_text(OPERATIONS)
    (tmp_path / "mine.toml").write_text(CELL)
    monkeypatch.syspath_prepend(str(modules))
    run = tmp_path / "run"
    options = ["--strategy", "random", "--trials", 1, "--out", run]
    own = ["--cell", tmp_path / "mine.toml", "--operations", "mine:CONV"]
    assert command("train", *own, *SMALL, *options).code == 0
    del sys.modules["mine"]
    (modules / "imported").unlink()
    return run


def test_a_module_is_imported_only_if_the_user_says_so(
    command: Command,
    refused: Callable[..., str],
    trained: Path,
    tmp_path: Path,
    stranger: Callable[[], None],
) -> None:
    imported = tmp_path / "modules" / "imported"
    evaluate = ["evaluate", trained, "--epochs", 1, "--images", 100, "--batch-size", 32]
    stranger()
    for call in (["resume", trained, "--trials", 2], evaluate):
        line = refused(*call, *(["--device", "cpu"] if call is evaluate else []))
        assert "asks to import the module 'mine'" in line
        assert "ax-anasod --import MODULE" in line
    assert command("show", trained).code == 0
    # What is part of Python is imported no more than anything else.
    edit(trained, lambda config: config["benchmark"].update(operations="antigravity:x"))
    assert "asks to import the module 'antigravity'" in refused("resume", trained, "--trials", 2)
    edit(trained, lambda config: config["benchmark"].update(operations="mine:CONV"))
    assert not imported.exists()
    assert not (trained / "evaluation").exists()
    assert command("--import", "mine", "resume", trained, "--trials", 2).code == 0
    assert imported.exists()
    assert command("--import", "mine", *evaluate, "--device", "cpu").code == 0


def test_the_own_run_goes_on_without_a_word(command: Command, trained: Path) -> None:
    assert command("resume", trained, "--trials", 2).code == 0


def test_an_address_is_connected_to_only_if_the_user_says_so(
    command: Command,
    refused: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = tmp_path / "run"
    options = ["--strategy", "random", "--trials", 1, "--out", run]
    assert command("train", *SMALL, *options).code == 0
    reached: list[object] = []
    monkeypatch.setattr("socket.create_connection", lambda place, timeout: reached.append(place))
    monkeypatch.setattr("ray.init", lambda **settings: reached.append(settings["address"]))
    edit(run, lambda config: config["execution"].update(runner="ray", address="10.0.0.1:6379"))
    line = refused("resume", run, "--trials", 2)
    assert "asks to connect to '10.0.0.1:6379'" in line
    assert "with --address ADDRESS" in line
    assert command("show", run).code == 0
    assert not reached
    monkeypatch.undo()
    # An address that the user has named is tried: nobody answers at this one.
    outcome = command("resume", run, "--trials", 2, "--address", "127.0.0.1:1")
    assert outcome.code == 1
    assert "no Ray cluster answers at 127.0.0.1:1" in outcome.err


def test_images_are_not_fetched_because_a_folder_says_so(
    command: Command, refused: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    options = ["--strategy", "random", "--trials", 1, "--out", run]
    assert command("train", *SMALL, *options).code == 0
    for name in ("download_and_extract_archive", "download_url"):
        monkeypatch.setattr(f"torchvision.datasets.utils.{name}", pytest.fail)
    monkeypatch.setattr("torchvision.datasets.cifar.download_and_extract_archive", pytest.fail)
    there = str(tmp_path / "of the user")
    edit(run, lambda config: config["benchmark"]["data"].update(dataset="cifar10", path=there))
    for call in (["resume", run, "--trials", 2], ["evaluate", run, "--device", "cpu"]):
        assert f"cifar10 is not in {there}" in refused(*call)
    assert not Path(there).exists()


def test_what_is_allowed_must_be_of_use(
    command: Command, refused: Callable[..., str], table: list[object], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    options = ["--accuracy", "valid", "--strategy", "random", "--trials", 1, "--out", run]
    assert command("search", *table, *options).code == 0
    assert "--python is for runs on nas-bench-301" in refused("resume", run, "--python", "python")
    assert "--address is for runs of ax-anasod train" in refused("resume", run, "--address", "a:1")
