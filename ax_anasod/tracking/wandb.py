"""Trials and their epochs in Weights & Biases."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from ax_anasod.exceptions import OptionError
from ax_anasod.journal import Completed, Record
from ax_anasod.optional import require
from ax_anasod.tracking.tracker import PROJECT, TrackedRun, Tracker, describe_trial

# Where nothing is sent anywhere.
_LOCAL: Final = ("offline", "disabled", "dryrun", "shared")


class WandbTracker(Tracker):
    """A run in Weights & Biases for each run: curves by trial and epoch, and a table of trials.

    Where it is written is for its environment to say (``WANDB_PROJECT``, ``WANDB_ENTITY``,
    ``WANDB_MODE=offline``, ``WANDB_DIR``). A run that goes on is the same one there; offline, it
    is one more folder, and ``wandb sync`` joins them.

    Raises:
        OptionalImportError: W&B is not installed.
        OptionError: There is no login, which would be asked for in the middle of a run.
    """

    name: ClassVar[str] = "wandb"

    def __init__(self) -> None:
        require("wandb", "wandb")
        import wandb

        if os.environ.get("WANDB_MODE", "") not in _LOCAL and wandb.api.api_key is None:
            raise OptionError(
                "there is no login of Weights & Biases", "wandb login, or WANDB_MODE=offline"
            )
        self._runs: dict[str, Any] = {}

    def on_epoch_end(
        self, run: TrackedRun, trial: int, epoch: int, values: Mapping[str, float]
    ) -> None:
        """Add an epoch to the curves of its trial."""
        opened, panel = self._run_of(run), f"trial {trial}"
        opened.define_metric(f"{panel}/*", step_metric=f"{panel}/epoch")
        content = {f"{panel}/{name}": value for name, value in values.items()}
        opened.log({**content, f"{panel}/epoch": epoch})

    def on_trial_end(self, run: TrackedRun, record: Record, best: Completed | None) -> None:
        """Add a trial to the curves."""
        end = record.end
        content: dict[str, Any] = {"trial": record.trial, "completed": isinstance(end, Completed)}
        if isinstance(end, Completed):
            content |= {f"trials/{name}": value for name, value in end.values.items()}
        if best is not None:
            content |= {f"best/{o.name}": best.values[o.name] for o in run.objectives}
        self._run_of(run).log(content)

    def on_run_end(
        self, run: TrackedRun, records: Sequence[Record], best: Completed | None, finished: bool
    ) -> None:
        """Add the table of all trials, name the best one, and end the run."""
        import wandb

        opened = self._run_of(run)
        ended = [record for record in records if record.end is not None]
        rows = [
            {"trial": r.trial, **describe_trial(r), **(r.end.values if r.end else {})}
            for r in ended
        ]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        data = [[row.get(name) for name in columns] for row in rows]
        if rows:
            opened.log({"all trials": wandb.Table(columns, data, allow_mixed_types=True)})
        if best is not None:
            opened.summary["best trial"] = best.trial
            opened.summary["best architecture"] = best.architecture
        opened.finish(exit_code=0 if finished else 255)
        del self._runs[run.id]

    def _run_of(self, run: TrackedRun) -> Any:
        if run.id not in self._runs:
            import wandb

            opened = wandb.init(
                project=os.environ.get("WANDB_PROJECT", PROJECT),
                id=run.id,
                name=run.name,
                config=dict(run.settings),
                resume="allow",
                # Several runs may be open in a process, also one of the program's own.
                reinit="create_new",
                settings=wandb.Settings(silent=True, console="off", save_code=False),
            )
            opened.define_metric("trial", hidden=True)
            for objective in run.objectives:
                summary = "min" if objective.minimize else "max"
                name = f"trials/{objective.name}"
                opened.define_metric(name, step_metric="trial", summary=summary)
            opened.define_metric("trials/*", step_metric="trial")
            opened.define_metric("best/*", step_metric="trial")
            self._runs[run.id] = opened
        return self._runs[run.id]
