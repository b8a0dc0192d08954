from __future__ import annotations

import os
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from ax_anasod.exceptions import RunError, RunLostError
from ax_anasod.journal import Started
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.runs import RunConfig, RunFolder, RunView, plan_run


@pytest.fixture
def config(benchmark: TableBenchmark) -> RunConfig:
    return plan_run(benchmark, "anasod-random", trials=9)


def test_a_run_is_created_opened_and_looked_at(tmp_path: Path, config: RunConfig) -> None:
    path = tmp_path / "runs" / "new"
    with RunFolder.create(path, config) as folder:
        folder.journal.append(Started(0, 0, {}, "node", "key"))
        view = RunView.read(path)
        assert (view.config, view.running, len(view.records)) == (config, True, 1)
        with pytest.raises(RunError):
            RunFolder.open(path)
    assert sorted(p.name for p in path.iterdir()) == ["config.json", "journal.jsonl"]
    assert not RunView.read(path).running
    with RunFolder.open(path) as folder:
        assert folder.config == config
        assert len(folder.journal.records) == 1
        folder.plan(20)
    assert RunView.read(str(path)).config == config.with_trials(20)


def test_an_empty_folder_may_be_there_already(tmp_path: Path, config: RunConfig) -> None:
    (tmp_path / "log.txt").write_text("mine")
    with RunFolder.create(tmp_path, config):
        assert (tmp_path / "log.txt").read_text() == "mine"


def test_what_a_killed_process_left_is_used(tmp_path: Path, config: RunConfig) -> None:
    (tmp_path / "journal.jsonl").touch()
    with RunFolder.create(tmp_path, config) as folder:
        assert folder.journal.records == []


def test_a_folder_with_a_run_is_refused(tmp_path: Path, config: RunConfig) -> None:
    path = tmp_path / "run"
    RunFolder.create(path, config).journal.close()
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    with pytest.raises(
        RunError, match=f"holds the run of a search already .*ax-anasod resume {path}"
    ):
        RunFolder.create(path, config)
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before


@pytest.mark.parametrize(
    ("name", "kind"),
    [("comparison.json", "a comparison"), ("dnas.json", "a differentiable search")],
)
def test_a_folder_of_another_kind_is_refused(
    tmp_path: Path, config: RunConfig, name: str, kind: str
) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(RunError, match=f"the folder {tmp_path} holds {kind}"):
        RunFolder.create(tmp_path, config)
    for read in (RunFolder.open, RunView.read):
        with pytest.raises(RunError, match=f"{tmp_path} holds {kind}, no run of a search by"):
            read(tmp_path)


@pytest.mark.parametrize("name", ["journal.jsonl", "experiment.db", "trials.csv", "report.html"])
def test_files_that_would_be_overwritten_are_refused(
    tmp_path: Path, config: RunConfig, name: str
) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(RunError, match=f"has a file {name} already"):
        RunFolder.create(tmp_path, config)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path, config: RunConfig) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    with pytest.raises(RunError, match=f"{path} is a file, not a folder"):
        RunFolder.create(path, config)
    with pytest.raises(RunError):
        RunFolder.open(path)
    with pytest.raises(RunError):
        RunFolder.create(path / "run", config)
    assert path.read_text() == "mine"


def test_a_folder_that_cannot_be_made_leaves_nothing(tmp_path: Path, config: RunConfig) -> None:
    long = tmp_path / "a" / "b" / ("n" * 300)
    with pytest.raises(RunError):
        RunFolder.create(long, config)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(tmp_path: Path, config: RunConfig) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(RunError, match="config.json cannot be written: File too large"):
            RunFolder.create(tmp_path / "a" / "run", config)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the privileges of root, to whom no folder is closed."""
    privileged = os.geteuid() == 0
    if privileged:
        os.seteuid(65534)
    try:
        yield
    finally:
        if privileged:
            os.seteuid(0)


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder that everybody may read and nobody may write; root owns it where it can."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        yield Path(folder)
        Path(folder).chmod(0o755)


def test_a_read_only_folder_is_refused(closed: Path, config: RunConfig) -> None:
    with as_nobody():
        for path in (closed, closed / "run", closed / "runs" / "one"):
            with pytest.raises(RunError):
                RunFolder.create(path, config)
    assert list(closed.iterdir()) == []


def test_a_read_only_run_can_be_looked_at_only(closed: Path, config: RunConfig) -> None:
    closed.chmod(0o755)
    RunFolder.create(closed, config).journal.close()
    for file in closed.iterdir():
        file.chmod(0o444)
    closed.chmod(0o555)
    with as_nobody():
        assert RunView.read(closed).config == config
        with pytest.raises(RunError):
            RunFolder.open(closed)


def test_a_folder_that_may_not_be_entered_is_named(closed: Path, config: RunConfig) -> None:
    closed.chmod(0o000)
    with as_nobody():
        for call in (RunFolder.open, RunView.read, partial(RunFolder.create, config=config)):
            with pytest.raises(RunError, match=f"{closed / 'run'} cannot be .*Permission denied"):
                call(closed / "run")


def damage_database(path: Path) -> None:
    (path / "experiment.db").write_bytes(b"SQLite format 3\0" + b"garbage" * 100)


def lose_journal(path: Path) -> None:
    (path / "journal.jsonl").unlink()


def damage_config(path: Path) -> None:
    (path / "config.json").write_text("{")


def damage_journal(path: Path) -> None:
    with (path / "journal.jsonl").open("ab") as file:
        file.write(b"garbage\n")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_database, "experiment.db is damaged: .*delete the file: it is made again"),
        (lose_journal, "has a config.json but no journal.jsonl"),
        (damage_config, "config.json is damaged"),
        (damage_journal, "journal.jsonl is not the journal of a run, and stays as it is"),
    ],
)
def test_damaged_runs_are_refused_and_left_alone(
    tmp_path: Path, config: RunConfig, damage: Callable[[Path], None], message: str
) -> None:
    RunFolder.create(tmp_path, config).journal.close()
    damage(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(RunError, match=message):
        RunFolder.open(tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def overwrite(path: Path) -> None:
    shutil.copy(path / "journal.jsonl", path / "copy")
    (path / "copy").replace(path / "journal.jsonl")


@pytest.mark.parametrize(
    "accident", [shutil.rmtree, lambda path: (path / "journal.jsonl").unlink(), overwrite]
)
def test_trials_of_a_folder_that_is_gone_are_kept_beside_it(
    tmp_path: Path, config: RunConfig, accident: Callable[[Path], object]
) -> None:
    run, kept = tmp_path / "run", tmp_path / "run-rescued-2"
    (tmp_path / "run-rescued-1").mkdir()
    with RunFolder.create(run, config) as folder:
        folder.journal.append(Started(0, 0, {}, "node", "key"))
        with folder.watched():
            pass
        accident(run)
        left = sorted(run.iterdir()) if run.exists() else None
        with (
            pytest.raises(RunLostError, match=f"all 0 trials are kept in {kept}"),
            folder.watched(),
        ):
            pass
    view = RunView.read(kept)
    assert (view.config, len(view.records)) == (config, 1)
    assert (sorted(run.iterdir()) if run.exists() else None) == left
    assert not list((tmp_path / "run-rescued-1").iterdir())


def test_what_fails_because_the_folder_was_moved_says_so(tmp_path: Path, config: RunConfig) -> None:
    with RunFolder.create(tmp_path / "run", config) as folder:
        with pytest.raises(RunError, match="full disk"), folder.watched():
            raise RunError("full disk")
        (tmp_path / "run").rename(tmp_path / "elsewhere")
        with pytest.raises(RunLostError, match="moved or replaced"), folder.watched():
            raise RunError("no such file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere"]
    assert RunView.read(tmp_path / "elsewhere").records == []


def test_a_configuration_that_was_deleted_is_written_again(
    tmp_path: Path, config: RunConfig
) -> None:
    with RunFolder.create(tmp_path / "run", config) as folder, folder.watched():
        (tmp_path / "run" / "config.json").unlink()
    assert RunView.read(tmp_path / "run").config == config


def test_nothing_of_a_run_is_written_through_a_link(tmp_path: Path, config: RunConfig) -> None:
    run, mine = tmp_path / "run", tmp_path / "mine"
    RunFolder.create(run, config).journal.close()
    mine.mkdir()
    (run / "trials").symlink_to(mine)
    with pytest.raises(RunError, match="trials is a symbolic link: nothing is written through"):
        RunFolder.open(run)


@pytest.mark.parametrize("name", ["config.json", "journal.jsonl"])
def test_a_look_at_a_run_does_not_wait(tmp_path: Path, config: RunConfig, name: str) -> None:
    RunFolder.create(tmp_path, config).journal.close()
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(RunError, match=f"{name} cannot be read: it is no ordinary file"):
        RunView.read(tmp_path)
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/dev/zero")
    for read in (RunView.read, RunFolder.open):
        with pytest.raises(RunError):
            read(tmp_path)


def test_a_folder_without_a_run_suggests_the_nearest(tmp_path: Path, config: RunConfig) -> None:
    RunFolder.create(tmp_path / "cora", config).journal.close()
    for read in (RunFolder.open, RunView.read):
        with pytest.raises(RunError, match="corra does not exist .*did you mean 'cora'"):
            read(tmp_path / "corra")
        with pytest.raises(RunError, match=f"{tmp_path} holds no run .*in it: {tmp_path / 'cora'}"):
            read(tmp_path)
