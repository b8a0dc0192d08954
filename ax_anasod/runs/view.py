"""A look at a run folder, which needs nothing of Ax."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ax_anasod.journal import Record, check_quantities, is_being_written, read_content
from ax_anasod.runs.layout import CONFIG, JOURNAL, check_holds_run, refusing
from ax_anasod.runs.run_config import RunConfig


@dataclass(frozen=True)
class RunView:
    """A run folder as it is now; another process may be at work in it.

    Args:
        path: The folder.
        config: What the run is.
        records: Its trials so far.
        running: Whether a process is continuing it.
        damaged: How many bytes at the end of its journal are damaged and do not count.
    """

    path: Path
    config: RunConfig
    records: list[Record]
    running: bool
    damaged: int = 0

    @classmethod
    def read(cls, path: str | Path) -> RunView:
        """Look at a run folder, without changing anything.

        Raises:
            RunError: It holds no run, or a damaged one.
        """
        path = Path(path)
        with refusing(path, "read"):
            check_holds_run(path)
            config = RunConfig.read(path / CONFIG)
            journal = path / JOURNAL
            content = read_content(journal)
            check_quantities(journal, content.records, config.quantities)
            return cls(
                path, config, content.records, is_being_written(journal), len(content.damaged)
            )
