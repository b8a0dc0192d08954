"""The files of a run folder that are made from the journal: database, table, report, pictures."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import numpy as np

from ax_anasod._ax import strategy_of
from ax_anasod.analysis import FrontFacts, write_pictures, write_report
from ax_anasod.files import write_whole
from ax_anasod.fronts import pareto_front
from ax_anasod.runs.folder import RunFolder
from ax_anasod.runs.layout import DATABASE, PARETO, REPORT, TRIALS
from ax_anasod.runs.results import Results
from ax_anasod.runs.state import RunState
from ax_anasod.storage.database import write_database
from ax_anasod.truth import all_points

# The database is written again when the search has gone on for this many times as long as
# the last writing took, so that all writing costs a small, constant share of the run...
_SEARCH_PER_WRITING: Final = 20.0
# ... and at most once in this number of seconds, a delay that no reader notices.
_LEAST_INTERVAL: Final = 10.0


class DatabaseCopy:
    """Ax's form of a run, ``experiment.db``, refreshed at intervals.

    Args:
        folder: The folder of the run.
        search: The search in it.
        clock: Returns the time in seconds.
    """

    def __init__(
        self,
        folder: RunFolder,
        search: RunState,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = folder.path / DATABASE
        self._search = search
        self._clock = clock
        self._due = clock() + _LEAST_INTERVAL

    def refresh_if_due(self) -> None:
        """Write the database if the last writing is long enough ago.

        Raises:
            RunError: The database cannot be written.
        """
        if self._clock() >= self._due:
            self.refresh()

    def refresh(self) -> None:
        """Write the database.

        Raises:
            RunError: The database cannot be written.
        """
        started = self._clock()
        strategy = strategy_of(self._search.client)
        write_database(self._path, self._search.experiment, strategy)
        took = self._clock() - started
        self._due = started + took + max(_LEAST_INTERVAL, _SEARCH_PER_WRITING * took)


def write_results(folder: RunFolder, search: RunState) -> None:
    """Write the tables of the trials and of their front, the report and the pictures.

    Raises:
        RunError: A file cannot be written.
    """
    config = folder.config
    first = config.objectives[0]
    results = Results(config, search.records)
    write_whole(folder.path / TRIALS, results.to_csv())
    if len(config.objectives) > 1:
        write_whole(folder.path / PARETO, results.to_csv(front_only=True))
    optima = {objective.metric: objective.optimum for objective in config.objectives}
    units = {objective.metric: objective.unit for objective in config.objectives}
    front = _front_facts(search, results)
    write_report(
        search.experiment,
        strategy_of(search.client),
        folder.path / REPORT,
        title=config.experiment_name,
        optimum=optima,
        unit=units,
        facts={
            "benchmark": config.benchmark_name,
            "data set": config.dataset or "-",
            "ax-anasod": config.environment.get("ax-anasod", "-"),
            "started": config.created,
            "planned trials": str(config.trials),
            **({} if results.stop_reason is None else {"stopped early": results.stop_reason}),
        },
        front=front,
        seconds=[end.seconds for end in results.ends],
    )
    write_pictures(search.experiment, folder.path, optimum=first.optimum, unit=units, front=front)


def _front_facts(search: RunState, results: Results) -> FrontFacts | None:
    """Facts about the front besides the trials, in the names of metrics."""
    objectives, pick, picked = results.config.objectives, results.pick, results.picked
    if pick is None:
        return None
    index = None if picked is None else picked.trial
    points = None
    # Of all architectures some may break a constraint.
    if search.benchmark is not None and not results.config.constraints:
        points = all_points(search.benchmark, objectives, results.config.limits)
    front = np.empty((0, len(objectives))) if points is None else pareto_front(points)
    truth = {
        objective.metric: (objective.sign * column).tolist()
        for objective, column in zip(objectives, front.T, strict=True)
    }
    return FrontFacts(index, pick.words, truth if len(front) else {})
