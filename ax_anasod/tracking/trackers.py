"""The trackers that come with the package, each of which loads its library when it is needed."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.journal import Completed, Failed, Record
from ax_anasod.optional import require
from ax_anasod.tracking.tracker import TrackedRun, Tracker, describe_trial

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

PROJECT: Final = "ax-anasod"
"""Name of the MLflow experiment and the W&B project, where their environment names none."""

_RUN: Final = "ax_anasod.run"
_TRIAL: Final = "ax_anasod.trial"
_PARENT: Final = "mlflow.parentRunId"

# What MLflow takes: longer values, and other characters in names, it refuses.
_LONGEST: Final = 6000
_NOT_IN_NAMES: Final = re.compile(r"[^\w\-. :/]", re.ASCII)

# Where W&B sends nothing anywhere.
_LOCAL: Final = ("offline", "disabled", "dryrun", "shared")


class TensorBoardTracker(Tracker):
    """Writes a log: curves over trials, and each trial with its hyperparameters and epochs.

    The tabs of TensorBoard then are: *Time series*, the values by trial and of each trial by
    epoch; *HParams*, a table of trials that sorts and filters, and parallel coordinates.

    Args:
        folder: Its folder, which ``tensorboard --logdir`` shows; that of several runs has one in
            it for each.
        trials: Folder in which the trials of one run have a log each that their training writes
            (``0000``, ``0001``, ...): the hyperparameters are put there, and epochs are left out.

    Raises:
        OptionalImportError: TensorBoard is not installed.
    """

    name: ClassVar[str] = "tensorboard"

    def __init__(self, folder: Path | str, trials: Path | None = None) -> None:
        require("tensorboard", "train")
        self._folder, self._trials = Path(folder), trials
        self._writers: dict[Path, SummaryWriter] = {}

    def on_epoch_end(
        self, run: TrackedRun, trial: int, epoch: int, values: Mapping[str, float]
    ) -> None:
        """Add an epoch to the log of its trial."""
        if self._trials is None:
            writer = self._writer(self._folder_of(run, trial))
            for name, value in values.items():
                writer.add_scalar(name, value, epoch)
            writer.flush()

    def on_trial_end(self, run: TrackedRun, record: Record, best: Completed | None) -> None:
        """Add a trial to the curves, and to the table of hyperparameters."""
        end = record.end
        writer = self._writer(self._folder_of(run))
        if isinstance(end, Completed):
            for name, value in end.values.items():
                writer.add_scalar(f"trial/{name}", value, record.trial)
            writer.add_text("architecture", f"`{end.architecture}`", record.trial)
            of_trial = self._folder_of(run, record.trial)
            values = {f"trial/{name}": value for name, value in end.values.items()}
            if of_trial in self._writers:
                self._writers.pop(of_trial).close()
            # Given a whole path, torch does not look for it in the folder of the writer.
            place = str(of_trial.absolute())
            writer.add_hparams(
                describe_trial(record), values, run_name=place, global_step=record.trial
            )
        elif isinstance(end, Failed):
            writer.add_text("failed", end.reason, record.trial)
        if best is not None:
            for objective in run.objectives:
                value = best.values[objective.name]
                writer.add_scalar(f"best/{objective.name}", value, record.trial)
        writer.flush()

    def on_run_end(
        self, run: TrackedRun, records: Sequence[Record], best: Completed | None, finished: bool
    ) -> None:
        """Close the files."""
        folder = self._folder_of(run)
        for path in [path for path in self._writers if path.is_relative_to(folder)]:
            self._writers.pop(path).close()

    def _folder_of(self, run: TrackedRun, trial: int | None = None) -> Path:
        folder = self._folder / run.folder
        if trial is None:
            return folder
        return (self._trials or folder / "trials") / f"{trial:04d}"

    def _writer(self, folder: Path) -> SummaryWriter:
        from torch.utils.tensorboard import SummaryWriter

        if folder not in self._writers:
            self._writers[folder] = SummaryWriter(str(folder))
        return self._writers[folder]


class MLflowTracker(Tracker):
    """A run in MLflow for each run, with one for each trial nested in it.

    Where it is written is for MLflow's environment to say (``MLFLOW_TRACKING_URI``,
    ``MLFLOW_EXPERIMENT_NAME``). A run that goes on is the same one in MLflow. What a program
    does with MLflow itself is left alone: nothing here is the active run.

    Raises:
        OptionalImportError: MLflow is not installed.
    """

    name: ClassVar[str] = "mlflow"

    def __init__(self) -> None:
        require("mlflow", "mlflow")
        # Loaded with the first thing that is told.
        self._client: Any = None
        self._runs: dict[tuple[str, int | None], str] = {}

    def on_epoch_end(
        self, run: TrackedRun, trial: int, epoch: int, values: Mapping[str, float]
    ) -> None:
        """Add an epoch to the run of its trial."""
        self._log(self._run_of(run, trial), values, epoch)

    def on_trial_end(self, run: TrackedRun, record: Record, best: Completed | None) -> None:
        """Add a trial to the run, and end its own."""
        end, trial = record.end, record.trial
        whole, own = self._run_of(run), self._run_of(run, trial)
        self._log(own, {}, trial, describe_trial(record))
        if isinstance(end, Completed):
            self._log(own, end.values, trial)
            self._log(whole, end.values, trial)
        elif isinstance(end, Failed):
            self._client.set_tag(own, "reason", end.reason[:_LONGEST])
        if best is not None:
            chosen = {f"best/{o.name}": best.values[o.name] for o in run.objectives}
            self._log(whole, chosen, trial)
        self._client.set_terminated(own, "FAILED" if isinstance(end, Failed) else "FINISHED")
        del self._runs[run.id, trial]

    def on_run_end(
        self, run: TrackedRun, records: Sequence[Record], best: Completed | None, finished: bool
    ) -> None:
        """Name the best trial, and end the run."""
        whole = self._run_of(run)
        if best is not None:
            self._client.set_tag(whole, "best trial", str(best.trial))
            self._client.set_tag(whole, "best architecture", best.architecture[:_LONGEST])
        self._client.set_terminated(whole, "FINISHED" if finished else "KILLED")

    def _run_of(self, run: TrackedRun, trial: int | None = None) -> str:
        """The run of MLflow that stands for a run or one of its trials; it is made once."""
        if (run.id, trial) in self._runs:
            return self._runs[run.id, trial]
        parent = None if trial is None else self._run_of(run)
        if self._client is None:
            import mlflow

            self._client = mlflow.MlflowClient()
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
        known = self._client.get_experiment_by_name(name)
        experiment = self._client.create_experiment(name) if known is None else known.experiment_id
        tags = {_RUN: run.id, _TRIAL: "" if trial is None else str(trial)}
        if parent is not None:
            tags[_PARENT] = parent
        query = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
        found = self._client.search_runs([experiment], query, max_results=1)
        if found:
            identifier = found[0].info.run_id
            self._client.update_run(identifier, status="RUNNING")
        else:
            called = run.name if trial is None else f"trial {trial}"
            made = self._client.create_run(experiment, tags=tags, run_name=called)
            identifier = made.info.run_id
            if trial is None:
                self._log(identifier, {}, 0, run.settings)
        self._runs[run.id, trial] = str(identifier)
        return str(identifier)

    def _log(
        self, run: str, values: Mapping[str, float], step: int, parameters: Mapping[str, Any] = {}
    ) -> None:
        from mlflow.entities import Metric, Param

        now = time.time_ns() // 1_000_000
        metrics = [Metric(_as_name(name), value, now, step) for name, value in values.items()]
        params = [Param(_as_name(k), str(v)[:_LONGEST]) for k, v in parameters.items()]
        self._client.log_batch(run, metrics=metrics, params=params)


def _as_name(text: str) -> str:
    return _NOT_IN_NAMES.sub("_", text)


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


TRACKERS: Final = (TensorBoardTracker.name, MLflowTracker.name, WandbTracker.name)
"""The names of the trackers that the command line has."""


def make_trackers(
    names: Iterable[str], log: Path | None, trials: Path | None = None
) -> list[Tracker]:
    """The trackers with these names.

    Args:
        names: Each of `TRACKERS`, at most once.
        log: Folder of TensorBoard's log, None where nothing is written.
        trials: Folder of the trials of a run that trains, which log their epochs themselves.

    Raises:
        UnknownNameError: There is no such tracker.
        OptionalImportError: Its package is not installed.
        OptionError: A name comes twice, the run has no folder for the log, or there is no login.
    """
    trackers: list[Tracker] = []
    for name in names:
        if name not in TRACKERS:
            raise UnknownNameError("tracker", name, TRACKERS)
        if any(tracker.name == name for tracker in trackers):
            raise OptionError(f"the tracker {name} is given twice")
        if name == "tensorboard":
            if log is None:
                raise OptionError("TensorBoard's log needs a folder", "give the run one: --out DIR")
            trackers.append(TensorBoardTracker(log, trials))
        else:
            trackers.append(MLflowTracker() if name == "mlflow" else WandbTracker())
    return trackers
