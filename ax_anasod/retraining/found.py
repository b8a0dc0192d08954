"""What a search by training has found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ax_anasod.core.seeding import member_rng
from ax_anasod.exceptions import RunError
from ax_anasod.journal import BETWEEN_LAYERS
from ax_anasod.runs import Results
from ax_anasod.runs.view import RunView
from ax_anasod.training import TrainingTask
from ax_anasod.training.task import KIND, TRAINING


@dataclass(frozen=True)
class Found:
    """The best trial of a run.

    Args:
        run: The folder of the run.
        task: What the run trained.
        seed: The seed of the run.
        trial: Index of the trial.
        valid_error: Its validation error in the search, in percent.
        counts: ``k`` counts of its encoding.
        codes: ``n x d`` codes of its network, one a layer or a single one.
    """

    run: Path
    task: TrainingTask
    seed: int
    trial: int
    valid_error: float
    counts: NDArray[np.int64]
    codes: NDArray[np.int64]

    @classmethod
    def in_run(cls, run: str | Path) -> Self:
        """Read the best trial of a run folder; a process may be at work in it.

        Raises:
            RunError: The folder holds no run, a damaged one, one that trained nothing, or one
                without a trial that has ended well.
        """
        view = RunView.read(run)
        run, config = view.path, view.config
        if config.benchmark.get(KIND) != TRAINING:
            raise RunError(
                f"the run in {run} looked values up in {config.benchmark_name!r}: there is no "
                "network to train",
                "name the folder of a run of ax-anasod train",
            )
        best = Results(config, view.records).best
        if best is None:
            raise RunError(
                f"the run in {run} has no trial with a result yet", "wait for one, or resume it"
            )
        task = TrainingTask.from_dict(config.benchmark)
        return cls(
            run=run,
            task=task,
            seed=config.seed,
            trial=best.trial,
            valid_error=best.values[config.objectives[0].name],
            counts=np.array([best.encoding[name] for name in task.cell.operations]),
            codes=task.cell.from_strings(best.architecture.split(BETWEEN_LAYERS)),
        )

    @property
    def encoding(self) -> dict[str, int]:
        """Operation -> count."""
        return dict(zip(self.task.cell.operations, self.counts.tolist(), strict=True))

    def draw(self, layers: int, member: int = 0) -> NDArray[np.int64]:
        """The architectures of a network with this encoding.

        Args:
            layers: Number of cells of the network.
            member: 0 is the trial's own network; where that has another number of cells, and
                for further members, architectures are drawn from the encoding.

        Returns:
            ``layers x d`` codes, or ``1 x d`` where the trial repeated one architecture.
        """
        number = 1 if len(self.codes) == 1 else layers
        if member == 0 and len(self.codes) == number:
            return self.codes
        rng = member_rng(self.seed, self.trial, member)
        return self.task.cell.decode(np.repeat(self.counts[None], number, axis=0), rng)
