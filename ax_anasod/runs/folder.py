"""A run as a folder, which any later process can look at or continue."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from types import TracebackType
from typing import Final, Self

from ax_anasod.exceptions import RunError, nearest_hint
from ax_anasod.runs.config import RunConfig
from ax_anasod.storage.database import check_database
from ax_anasod.storage.journal import Journal, Record, is_being_written, read_records

CONFIG: Final = "config.json"
JOURNAL: Final = "journal.jsonl"
DATABASE: Final = "experiment.db"
TRIALS: Final = "trials.csv"
REPORT: Final = "report.html"


@dataclass(frozen=True)
class RunView:
    """A run folder as it is now; another process may be at work in it.

    Args:
        path: The folder.
        config: What the run is.
        records: Its trials so far.
        running: Whether a process is continuing it.
    """

    path: Path
    config: RunConfig
    records: list[Record]
    running: bool

    @classmethod
    def read(cls, path: str | Path) -> RunView:
        """Look at a run folder, without changing anything.

        Raises:
            RunError: It holds no run, or a damaged one.
        """
        path = Path(path)
        with _refusing(path, "read"):
            _check_holds_run(path)
            config = RunConfig.read(path / CONFIG)
            journal = path / JOURNAL
            return cls(path, config, read_records(journal), is_being_written(journal))


class RunFolder:
    """A run folder that this process works in, and no other.

    Args:
        path: The folder.
        config: What the run is.
        journal: Its journal, open.
    """

    def __init__(self, path: Path, config: RunConfig, journal: Journal) -> None:
        self.path, self.config, self.journal = path, config, journal

    @classmethod
    def create(cls, path: Path, config: RunConfig) -> Self:
        """Make the folder of a new run; nothing is left behind where that fails.

        Raises:
            RunError: It holds a run already or cannot be written.
        """
        check_free(path)
        journal: Journal | None = None
        with _refusing(path, "made"):
            missing = [p for p in (path, *path.parents) if not p.exists()]
            try:
                path.mkdir(parents=True, exist_ok=True)
                journal = Journal(path / JOURNAL)
                # A process that made the folder in the meantime has the journal locked, or
                # is at an end already.
                check_free(path)
                config.write(path / CONFIG)
                _sync_folder(path)
            except BaseException:
                if journal is not None:
                    journal.close()
                _remove_unless_used(path, missing)
                raise
        return cls(path, config, journal)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the folder of a run to continue it.

        Raises:
            RunError: It holds no run, a damaged one, or one that another process is
                continuing.
        """
        with _refusing(path, "read"):
            _check_holds_run(path)
            config = RunConfig.read(path / CONFIG)
            if not (path / JOURNAL).exists():
                raise RunError(
                    f"the folder {path} has a {CONFIG} but no {JOURNAL}",
                    "without its journal a run cannot be continued",
                )
            if (path / DATABASE).exists():
                check_database(path / DATABASE, config.experiment_name)
            return cls(path, config, Journal(path / JOURNAL))

    def plan(self, trials: int, until_improvement_below: float | None = None) -> None:
        """Set how many trials are planned, and when fewer are enough, and remember it.

        Args:
            trials: How many.
            until_improvement_below: As in the configuration, where None stays as it is.

        Raises:
            OptionError: The strategy does not say what improvement it expects.
            RunError: The configuration cannot be written.
        """
        config = self.config.with_trials(trials)
        if until_improvement_below is not None:
            config = config.until(until_improvement_below)
        if config != self.config:
            config.write(self.path / CONFIG)
            self.config = config

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.journal.close()


def check_free(path: Path) -> None:
    """Refuse a folder in which a new run would overwrite something.

    Raises:
        RunError: It is a file, holds a run, or files with the names of a run's.
    """
    with _refusing(path, "made"):
        if path.exists() and not path.is_dir():
            raise RunError(f"{path} is a file, not a folder", "choose another folder")
        if (path / CONFIG).exists():
            raise RunError(
                f"the folder {path} holds a run already",
                f"continue it with: ax-anasod resume {quote(str(path))}; or choose another folder",
            )
        for name in (JOURNAL, DATABASE, TRIALS, REPORT):
            if (path / name).exists() and not _is_leftover(path / name):
                raise RunError(
                    f"the folder {path} has a file {name} already", "choose another folder"
                )


def check_holds_no_run(path: Path) -> None:
    """Refuse the folder of a search, for what is none.

    Raises:
        RunError: It is one.
    """
    if (path / CONFIG).exists():
        raise RunError(f"the folder {path} holds the run of a search", "choose another folder")


def _is_leftover(file: Path) -> bool:
    # An empty journal is what a process leaves that was killed while making the folder.
    return file.name == JOURNAL and file.is_file() and file.stat().st_size == 0


@contextmanager
def _refusing(path: Path, done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(
            f"the folder {path} cannot be {done}: {error.strerror}", "choose another folder"
        ) from error


def _check_holds_run(path: Path) -> None:
    if path.is_file():
        raise RunError(f"{path} is a file, not the folder of a run")
    if (path / CONFIG).exists():
        return
    what = "holds no run" if path.is_dir() else "does not exist"
    beside = path.parent
    runs = sorted(p.parent.name for p in beside.glob(f"*/{CONFIG}")) if beside.is_dir() else []
    raise RunError(f"the folder {path} {what}", nearest_hint(path.name, runs) if runs else None)


def _remove_unless_used(path: Path, missing: list[Path]) -> None:
    """Take away what was just made, unless it holds something."""
    with suppress(OSError):
        if _is_leftover(path / JOURNAL) and not (path / CONFIG).exists():
            (path / JOURNAL).unlink()
    for folder in missing:
        with suppress(OSError):
            folder.rmdir()


def _sync_folder(path: Path) -> None:
    # Makes the names of the new files durable; not all systems can open a folder.
    with suppress(PermissionError):
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
