"""Trials and their epochs in MLflow."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from ax_anasod.journal import Completed, Failed, Record
from ax_anasod.optional import require
from ax_anasod.tracking.tracker import PROJECT, TrackedRun, Tracker, describe_trial

_RUN: Final = "ax_anasod.run"
_TRIAL: Final = "ax_anasod.trial"
_PARENT: Final = "mlflow.parentRunId"

# What MLflow takes: longer values, and other characters in names, it refuses.
_LONGEST: Final = 6000
_NOT_IN_NAMES: Final = re.compile(r"[^\w\-. :/]", re.ASCII)


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
