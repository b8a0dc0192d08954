"""A run folder that this process works in."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from ax_anasod.exceptions import RunError
from ax_anasod.global_stopping import check_until_improvement_below
from ax_anasod.journal import Journal
from ax_anasod.runs.config import RunConfig
from ax_anasod.runs.layout import (
    CONFIG,
    DATABASE,
    JOURNAL,
    check_free,
    check_holds_run,
    is_leftover,
    refusing,
)
from ax_anasod.storage.database import check_database


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
        with refusing(path, "made"):
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
        check_until_improvement_below(self.config.strategy, until_improvement_below)
        config = self.config.with_trials(trials)
        if until_improvement_below is not None:
            config = replace(config, until_improvement_below=until_improvement_below)
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


def _remove_unless_used(path: Path, missing: list[Path]) -> None:
    """Take away what was just made, unless it holds something."""
    with suppress(OSError):
        if is_leftover(path / JOURNAL) and not (path / CONFIG).exists():
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
