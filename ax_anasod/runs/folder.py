"""A run folder that this process works in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from shlex import quote
from typing import Self

from ax_anasod.exceptions import RunError, RunLostError
from ax_anasod.files import refuse_link, remove_unfinished
from ax_anasod.global_stopping import check_until_improvement_below
from ax_anasod.journal import Journal, all_trials, check_quantities, write_records
from ax_anasod.runs.layout import (
    CONFIG,
    DATABASE,
    JOURNAL,
    TRIALS_FOLDER,
    check_free,
    check_holds_run,
    is_leftover,
    refusing,
)
from ax_anasod.runs.run_config import RunConfig
from ax_anasod.storage.database import check_database


class RunFolder:
    """A run folder that this process works in, and no other.

    Args:
        path: The folder.
        config: The configuration of the run.
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
        with refusing(path, "made"):
            missing = [p for p in (path, *path.parents) if not p.exists()]
            try:
                path.mkdir(parents=True, exist_ok=True)
                journal = Journal(path / JOURNAL)
                # A process that made the folder in the meantime has the journal locked, or
                # is at an end already.
                check_free(path)
                remove_unfinished(path)
                config.write(path / CONFIG)
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
        with refusing(path, "read"):
            check_holds_run(path)
            config = RunConfig.read(path / CONFIG)
            if not (path / JOURNAL).exists():
                raise RunError(
                    f"the folder {path} has a {CONFIG} but no {JOURNAL}",
                    "without its journal a run cannot be continued",
                )
            if (path / DATABASE).exists():
                check_database(path / DATABASE, config.experiment_name)
            refuse_link(path / TRIALS_FOLDER)
            journal = Journal(path / JOURNAL)
            try:
                check_quantities(journal.path, journal.records, config.quantities)
            except BaseException:
                journal.close()
                raise
            remove_unfinished(path)
            return cls(path, config, journal)

    def plan(self, trials: int, until_improvement_below: float | None = None) -> None:
        """Set how many trials are planned, and when fewer are enough, and remember it.

        Args:
            trials: The new number of trials.
            until_improvement_below: The new value in the configuration; None keeps the old one.

        Raises:
            OptionError: The strategy does not say what improvement it expects.
            RunError: The configuration cannot be written.
        """
        check_until_improvement_below(self.config.strategy, until_improvement_below)
        config = self.config.with_trials(trials)
        if until_improvement_below is not None:
            config = replace(config, until_improvement_below=until_improvement_below)
        if config != self.config:
            config.write(self.path / CONFIG)
            self.config = config

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Raise the true error if the folder was deleted or replaced during the work in here.

        The trials are then written into a new folder beside it.

        Raises:
            RunLostError: The folder was deleted or replaced; it replaces any error caused by that.
        """
        try:
            yield
        except Exception as error:
            self._check(error)
            raise
        self._check(None)

    def _check(self, cause: Exception | None) -> None:
        try:
            self.journal.check()
        except RunLostError as lost:
            raise (lost if lost.moved else self._rescue(lost)) from cause
        if not (self.path / CONFIG).exists():
            self.config.write(self.path / CONFIG)

    def _rescue(self, lost: RunLostError) -> RunLostError:
        """Write the trials into a new folder; what is to be said then."""
        trials = all_trials(self.journal.ended)
        try:
            place = new_folder_beside(self.path)
            self.config.write(place / CONFIG)
            write_records(place / JOURNAL, self.journal.records)
        except RunError as error:
            return RunLostError(lost.message, f"{trials} lost: {error.message}")
        return RunLostError(
            lost.message,
            f"{trials} kept in {place}; go on with: ax-anasod resume {quote(str(place))}",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.journal.close()


def _remove_unless_used(path: Path, missing: list[Path]) -> None:
    """Take away what was just made, unless it holds something."""
    with suppress(OSError):
        if is_leftover(path / JOURNAL) and not (path / CONFIG).exists():
            (path / JOURNAL).unlink()
    for folder in missing:
        with suppress(OSError):
            folder.rmdir()


def new_folder_beside(path: Path) -> Path:
    """Make a folder for what is left of one that was deleted.

    Args:
        path: The other one.

    Raises:
        RunError: The folder cannot be made.
    """
    with refusing(path.parent, "written"):
        for number in count(1):
            place = path.resolve().with_name(f"{path.name}-rescued-{number}")
            with suppress(FileExistsError):
                place.mkdir()
                return place
    raise AssertionError  # the numbers do not end
