"""A run's trials: what Ax proposes, what the journal keeps, and the way back from it."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

from ax.api.client import Client
from ax.core.arm import Arm
from ax.core.data import Data, DataRow
from ax.core.evaluations_to_data import raw_evaluations_to_data
from ax.core.generator_run import GeneratorRun
from ax.core.trial import Trial

from ax_anasod._ax import data_rows, experiment_of, strategy_of
from ax_anasod.cells import Cell
from ax_anasod.core import KnownMetric
from ax_anasod.core.architectures import ARCHITECTURE, encoding_of
from ax_anasod.core.ax_parameters import to_ax
from ax_anasod.exceptions import AnasodError, RunError
from ax_anasod.experiment import make_client, make_search_space
from ax_anasod.generation_strategy import Start
from ax_anasod.hyperparameters import Hyperparameters
from ax_anasod.journal import Completed, Event, Failed, Journal, Record, Started, Stopped, extend
from ax_anasod.metrics import EarlierSearch, KnownLookup
from ax_anasod.nasbench import Benchmark
from ax_anasod.runs.given import proxy_metrics
from ax_anasod.runs.run_config import RunConfig
from ax_anasod.tracking.dispatcher import Epochs, TrackerDispatcher
from ax_anasod.tracking.tracker import Tracker

GIVEN: Final = "given"
"""The name that stands for the node and the generator of a trial of earlier work."""

_HINT: Final = "bring the journal of this run back from a copy"

Curve = list[tuple[float, dict[str, float]]]


class RunState:
    """The trials of a run, in Ax and in its journal.

    All state is in the Ax experiment, and all of the experiment follows from the
    configuration and the journal: no generator of this package keeps anything to itself.

    Args:
        config: The configuration of the run.
        cell: The cell that is searched.
        journal: Journal that gets every trial event before the search goes on; None keeps
            the trials in memory only. Trials that it holds are those of the run so far.
        benchmark: The benchmark, if one is searched.

    Raises:
        AnasodError: The strategy cannot run on the cell, or refuses an option.
    """

    def __init__(
        self,
        config: RunConfig,
        cell: Cell,
        journal: Journal | None = None,
        benchmark: Benchmark | None = None,
    ) -> None:
        self.config, self.benchmark = config, benchmark
        self._journal = journal
        self._dispatcher: TrackerDispatcher | None = None
        self._records: list[Record] = []
        self._metrics = {q.name: q.metric for q in (*config.objectives, *config.reported)}
        constraints = config.constraints
        stored = config.hyperparameters
        parameters = to_ax(Hyperparameters.from_dict(stored)) if stored else []
        self._space = make_search_space(cell, config.strategy, parameters, constraints)
        known = self._known()
        self.client: Client = make_client(
            cell,
            config.strategy,
            objectives=[quantity.metric for quantity in config.objectives],
            maximize=[quantity.metric for quantity in config.objectives if not quantity.minimize],
            reported=[quantity.metric for quantity in config.reported],
            known={self._metrics[name]: known[name] for name in config.known},
            features={
                **{self._metrics[name]: known[name] for name in config.features},
                **{m.name: m for m in proxy_metrics(config.proxies, cell, config.seed)},
            },
            sources=[EarlierSearch("source", cell, **vars(source)) for source in config.sources],
            limits=[str(replace(limit, name=self._metrics[limit.name])) for limit in config.limits],
            seed=config.seed,
            name=config.experiment_name,
            start=self._start(),
            start_with={
                given.architecture: self._outcome(given.values) if given.values else None
                for given in config.start_with
            },
            parameters=parameters,
            parameter_constraints=constraints,
            **config.options,
        )
        # Ax offers no public way to attach a trial as a generator's own.
        self.experiment = experiment_of(self.client)
        self._restore(journal.records if journal is not None else [])
        self._record(*self._imported(self.records))

    def _start(self) -> Start | str | None:
        """The first trials."""
        first = self.config.first
        if first in self._metrics:
            return self._metrics[first]
        if first:
            return f"-{self._metrics[first.removeprefix('-')]}"
        return Start.from_dict(self.config.start) if self.config.start else None

    def _known(self) -> dict[str, KnownMetric]:
        """The metrics that compute known quantities of an architecture, by quantity."""
        if self.benchmark is None:
            return {}
        return {
            name: KnownLookup(self._metrics[name], self.benchmark, quantity=name)
            for name in dict.fromkeys((*self.config.known, *self.config.features))
        }

    def keep_in(self, journal: Journal) -> None:
        """Write every event from now on into the empty journal of a new run.

        Raises:
            RunError: There are trials already, here or in the journal.
        """
        if len(self.records) > len(self.config.imported) or journal.records:
            raise RunError(f"{journal.path} cannot become the journal of a search under way")
        self._journal = journal
        self._record(*self._imported([]))

    @property
    def cell(self) -> Cell:
        """The cell that is searched."""
        return self._space.cell

    @property
    def records(self) -> list[Record]:
        """The trials so far, in order."""
        return self._records if self._journal is None else self._journal.records

    @property
    def stop_reason(self) -> str | None:
        """The reason why no further trial is proposed; None if the search goes on."""
        return self.config.stop_reason(self.records)

    def _imported(self, records: Sequence[Record]) -> list[Event]:
        """The trials of earlier work that a journal lacks, if it has some of their records."""
        events: list[Event] = []
        for index, given in enumerate(self.config.imported):
            trial = self._trial(index)
            assert trial.arm is not None  # attached with one
            start = Started(
                trial=index,
                last=index,
                parameters=dict(trial.arm.parameters),
                node=GIVEN,
                generator=GIVEN,
                metadata={ARCHITECTURE: given.architecture},
            )
            end = Completed(
                trial=index,
                values=given.values,
                architecture=given.architecture,
                encoding=self._encoding(start),
                cost_seconds=None,
                seconds=0.0,
            )
            events += [start, end]
        return events[sum(1 + (record.end is not None) for record in records) :]

    def _record(self, *events: Event) -> None:
        if not events:
            return
        if self._journal is None:
            self._records = extend(self._records, events)
        else:
            self._journal.append(*events)
        if self._dispatcher is not None:
            for event in events:
                if not isinstance(event, Started):
                    record = self.records[event.trial]
                    self._dispatcher.trial(self.records, record, self._epochs_of(event.trial))

    def track(self, trackers: Sequence[Tracker]) -> TrackerDispatcher:
        """Report to trackers the earlier records that they lack, and all further ones.

        What tells them is returned, and has to be told of the end.

        Raises:
            AnasodError: A tracker cannot be used (:class:`ax_anasod.tracking.TrackerDispatcher`).
        """
        journal = None if self._journal is None else self._journal.path
        self._dispatcher = TrackerDispatcher(self.config.tracked, trackers, journal)
        self._dispatcher.all_ended(self.records, self._epochs_of)
        return self._dispatcher

    def _epochs_of(self, trial: int) -> Epochs:
        """The epochs of a trial, where it is trained."""
        return ()

    def _restore(self, records: list[Record]) -> None:
        """Make the experiment what it was after these trials, bit for bit.

        Raises:
            RunError: They are no trials of this run.
        """
        rows: list[DataRow] = []
        nodes = strategy_of(self.client).nodes_by_name
        number = len(self.config.imported)
        for record, given in zip(records, self.config.imported, strict=False):
            self._check(record, (GIVEN,))
            if record.start.metadata.get(ARCHITECTURE) != given.architecture:
                raise RunError(
                    f"trial {record.trial} is none of this run: it is no given one", _HINT
                )
        for record in records[number:]:
            self._check(record, nodes)
            start, arm = record.start, Arm(parameters=record.start.parameters)
            of_arm = {k: v for k, v in start.metadata.items() if k == ARCHITECTURE}
            trial = self.experiment.new_trial(
                GeneratorRun(
                    arms=[arm],
                    generator_key=start.generator,
                    generation_node_name=start.node,
                    gen_metadata={k: v for k, v in start.metadata.items() if k not in of_arm},
                    candidate_metadata_by_arm_signature={arm.signature: of_arm} if of_arm else None,
                )
            )
            trial.mark_running(no_runner_required=True)
            if isinstance(record.end, Completed):
                rows += self._data_rows(trial, self._curve(record.end))
                describe(trial, record.end)
            elif isinstance(record.end, Failed):
                rows += self._known_rows(trial, record.end)
        if rows:
            # At once: Ax copies all data so far with every attachment.
            self.experiment.attach_data(Data(data_rows=rows))
        for record in records[number:]:
            self._mark(record)

    def _check(self, record: Record, nodes: Collection[str]) -> None:
        """Raise an error for a trial that this run cannot have had, as in an edited journal."""
        try:
            encoding = self._encoding(record.start)
        except AnasodError as error:
            raise RunError(f"trial {record.trial} is none of this run: {error}", _HINT) from error
        end = record.end
        if record.start.node not in nodes:
            wrong = f"it was proposed by {record.start.node!r}"
        elif end is not None and end.encoding and end.encoding != encoding:
            wrong = f"it has the encoding {end.encoding}, but the parameters of {encoding}"
        else:
            return
        raise RunError(f"trial {record.trial} is none of this run: {wrong}", _HINT)

    def _mark(self, record: Record) -> None:
        """Report the end of a trial to Ax, which has its data."""
        trial = self._trial(record.trial)
        if isinstance(record.end, Failed):
            trial.mark_failed(reason=record.end.reason)
        elif isinstance(record.end, Stopped):
            trial.mark_early_stopped(reason="stopped early")
        elif isinstance(record.end, Completed):
            trial.mark_completed()

    def _curve(self, end: Completed) -> Curve:
        """Step and values of a trial on its way; a single one without a step by default."""
        return [(math.nan, end.values)]

    def _data_rows(self, trial: Trial, curve: Curve) -> list[DataRow]:
        """The rows that ``Client.complete_trial`` attaches, at each step of the curve."""
        signatures = {metric.name: metric.signature for metric in self.experiment.metrics.values()}
        outcomes = [(step, self._outcome(values)) for step, values in curve]
        data = raw_evaluations_to_data(
            {trial.arm.name: outcomes},  # type: ignore[union-attr]
            metric_name_to_signature=signatures,
            trial_index=trial.index,
        )
        return data_rows(data)

    def _known_rows(self, trial: Trial, end: Failed) -> list[DataRow]:
        """The known quantities of a trial that failed."""
        return self._data_rows(trial, [(math.nan, end.values)]) if end.values else []

    def _outcome(self, values: dict[str, float]) -> dict[str, Any]:
        return {metric: values[name] for name, metric in self._metrics.items() if name in values}

    def _encoding(self, start: Started) -> dict[str, int]:
        return encoding_of(self._space, start.parameters)

    def _trial(self, index: int) -> Trial:
        trial = self.experiment.trials[index]
        if not isinstance(trial, Trial):
            raise RunError(f"trial {index} is a batch of arms, which this loop does not evaluate")
        return trial


def describe(trial: Trial, end: Completed) -> None:
    """Report the architecture of a trial to Ax."""
    trial.update_run_metadata({ARCHITECTURE: end.architecture, "cost_seconds": end.cost_seconds})
