"""The search loop: plain Ax ask-and-tell, with every trial event in the journal first."""

from __future__ import annotations

import math
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from ax.core.trial import Trial

from ax_anasod._ax import origin_of
from ax_anasod.core.architectures import ARCHITECTURE, proposed_architecture
from ax_anasod.exceptions import AnasodError, ObjectiveWarning, ObservationError, RunError
from ax_anasod.generation_strategy import get
from ax_anasod.journal import Completed, Failed, Journal, Record, Started, plain_entries
from ax_anasod.nasbench import Benchmark
from ax_anasod.nasbench.benchmark import NOTHING_BESIDE, searched_beside
from ax_anasod.runners import BenchmarkQuery
from ax_anasod.runs.run_config import RunConfig
from ax_anasod.runs.state import RunState, describe


class SearchLoop(RunState, ABC):
    """A search that can stop between two trials and be continued; arguments as in the base."""

    _clock: float
    # The proposal of a batch takes time once; each of its trials bears a share.
    _share = 0.0

    def run(
        self,
        trials: int,
        after_trial: Callable[[Record], None] = lambda record: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Search until there are ``trials`` trials.

        Args:
            trials: The number of trials, those so far included; fewer where the
                configuration has a rule for when the search is over.
            after_trial: Called with each trial that has ended.
            should_stop: Asked after each trial, or each epoch of one; True ends the search
                there, and trials under way go on from it when the run is continued.

        Raises:
            AnasodError: A trial cannot be proposed or recorded; all before it are kept.
        """
        self._clock = time.perf_counter()
        while not should_stop():
            waiting = [record for record in self.records if record.end is None]
            if waiting:
                self._work_on(waiting, after_trial, should_stop)
            elif len(self.records) < trials and self.stop_reason is None:
                self._propose(min(self.config.parallel, trials - len(self.records)))
            else:
                return

    @abstractmethod
    def _work_on(
        self,
        waiting: Sequence[Record],
        after_trial: Callable[[Record], None],
        should_stop: Callable[[], bool],
    ) -> None:
        """Bring trials that were proposed closer to their end.

        Args:
            waiting: Trials that have not ended, at least one.
            after_trial: To be called with each that ends.
            should_stop: May be asked on the way, where that takes long.
        """

    def _propose(self, number: int) -> None:
        with warnings.catch_warnings():
            # Ignore the warning that Ax's own front is empty if only some objectives have a limit.
            warnings.simplefilter("ignore", ObjectiveWarning)
            indices = list(self.client.get_next_trials(number))
        if not indices:
            raise RunError(f"the strategy {self.config.strategy!r} proposes no further trial")
        self._record(*(_started(self._trial(index), indices[-1]) for index in indices))
        self._share = self._lap() / len(indices)

    def _lap(self) -> float:
        now = time.perf_counter()
        lap, self._clock = now - self._clock, now
        return lap


class Search(SearchLoop):
    """A search of a benchmark that can stop after any trial and be continued.

    Args:
        config: The configuration of the run.
        benchmark: The benchmark that the configuration describes.
        journal: Journal that gets every trial event before the search goes on; None keeps
            the trials in memory only. Trials that it holds are those of the run so far.

    Raises:
        AnasodError: The strategy cannot run on the benchmark, or refuses an option; or the
            benchmark has other parameters beside the cell than the configuration.
    """

    def __init__(
        self, config: RunConfig, benchmark: Benchmark, journal: Journal | None = None
    ) -> None:
        beside = searched_beside(benchmark).to_dict()
        if (config.hyperparameters or NOTHING_BESIDE.to_dict()) != beside:
            raise RunError(
                f"the run searches other parameters beside the cell than {benchmark.name!r} has: "
                f"{list(config.searched)}, not {[each['name'] for each in beside['parameters']]}",
                "bring the configuration of this run back from a copy",
            )
        self._query = BenchmarkQuery(benchmark, get(config.strategy).space, config.seed)
        super().__init__(config, benchmark.cell, journal, benchmark)

    def _work_on(
        self,
        waiting: Sequence[Record],
        after_trial: Callable[[Record], None],
        should_stop: Callable[[], bool],
    ) -> None:
        start = waiting[0].start
        self._evaluate(start)
        after_trial(self.records[start.trial])

    def _evaluate(self, start: Started) -> None:
        trial = self._trial(start.trial)
        encoding = self._encoding(start)
        try:
            result = self._query.of(trial)
            values = {name: result["values"][name] for name in self._metrics}
            for name, value in values.items():
                if not math.isfinite(value):
                    raise ObservationError(f"{name} of {result['architecture']} is {value}")
        except AnasodError as error:
            self._record(Failed(start.trial, str(error), encoding, self._share + self._lap()))
            self.client.mark_trial_failed(start.trial, failed_reason=str(error))
            return
        end = Completed(
            trial=start.trial,
            values=values,
            architecture=result["architecture"],
            encoding=encoding,
            cost_seconds=result["cost_seconds"],
            seconds=self._share + self._lap(),
        )
        self._record(end)
        describe(trial, end)
        self.client.complete_trial(start.trial, raw_data=self._outcome(values))


def _started(trial: Trial, last: int) -> Started:
    generated = trial.generator_run
    if generated is None or trial.arm is None:
        raise RunError(f"trial {trial.index} was proposed without an arm")
    architecture = proposed_architecture(trial, trial.arm)
    node, generator = origin_of(generated)
    of_arm = {} if architecture is None else {ARCHITECTURE: architecture}
    return Started(
        trial=trial.index,
        last=last,
        parameters=dict(trial.arm.parameters),
        node=node,
        generator=generator,
        metadata=plain_entries(generated.gen_metadata) | of_arm,
    )
