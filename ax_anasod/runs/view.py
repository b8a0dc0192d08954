"""A look at a run folder, which needs nothing of Ax."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ax_anasod.escaping import for_html
from ax_anasod.journal import (
    BETWEEN_LAYERS,
    Record,
    check_quantities,
    is_being_written,
    read_content,
)
from ax_anasod.runs.layout import CONFIG, JOURNAL, check_holds_run, refusing
from ax_anasod.runs.results import Results
from ax_anasod.runs.run_config import RunConfig


@dataclass(frozen=True)
class RunView:
    """A run folder as it is now; another process may be at work in it.

    Args:
        path: The folder.
        config: The configuration of the run.
        records: Its trials so far.
        running: True if a process is continuing it.
        damaged: Number of bytes at the end of its journal that are damaged and do not count.
    """

    path: Path
    config: RunConfig
    records: list[Record]
    running: bool
    damaged: int = 0

    @property
    def results(self) -> Results:
        """The results of the run."""
        return Results(self.config, self.records, self.path)

    def __repr__(self) -> str:
        state = "running, " if self.running else ""
        trials = f"{len(self.results.ends)} of {self.config.trials} trials"
        found = "".join(f", {words}" for words in self._best())
        return f"RunView({str(self.path)!r}: {self.config.experiment_name}, {state}{trials}{found})"

    def _repr_html_(self) -> str:
        # Looking at a run from the command line needs neither NumPy nor cells.
        from ax_anasod.cells.drawing import block_html

        best, config = self.results.best, self.config
        facts = f"{len(self.results.ends)} of {config.trials} trials in {self.path}"
        return block_html(
            config.experiment_name,
            ". ".join([facts, *self._best()]),
            "" if best is None else self._drawn(best.architecture),
        )

    def _best(self) -> list[str]:
        """The best value in words; empty where there is none yet."""
        best, objective = self.results.best, self.results.objective
        if best is None:
            return []
        value = f"{best.values[objective.name]:.6g}"
        return [f"best {objective.name} {value} {objective.unit} (trial {best.trial})"]

    def _drawn(self, text: str) -> str:
        """An architecture; its first layer where each is another one, its text where no cell is."""
        from ax_anasod import cells

        stored, name = self.config.benchmark.get("cell"), self.config.benchmark_name
        first, *others = text.split(BETWEEN_LAYERS)
        more = f"<p>The first of {1 + len(others)} layers.</p>" if others else ""
        if stored is None and name not in cells.names():
            return f"<p>{for_html(first)}</p>{more}"
        cell = cells.get(name) if stored is None else cells.from_dict(stored)
        return cell.architecture(first)._repr_html_() + more

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
