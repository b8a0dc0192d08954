"""What a run is: everything that is needed to make it again, or to go on with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, Self

from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.files import read_json, write_whole
from ax_anasod.generation_strategy import get
from ax_anasod.global_stopping import (
    check_until_improvement_below,
    promises_too_little,
    stop_reason,
)
from ax_anasod.nasbench import Objective
from ax_anasod.runs.metric_names import metric_names
from ax_anasod.storage.journal import Record


@dataclass(frozen=True)
class Quantity:
    """An objective or a reported quantity of a run.

    Args:
        name: What the benchmark calls it.
        unit: Its unit; empty where unknown.
        minimize: Whether lower is better.
        metric: What it is called inside Ax.
        optimum: Its best value over all architectures, None where unknown.
    """

    name: str
    unit: str
    minimize: bool
    metric: str
    optimum: float | None


class Subject(Protocol):
    """What a run may search: a benchmark, or networks that it trains."""

    @property
    def name(self) -> str:
        """What it is called in results."""
        ...

    @property
    def dataset(self) -> str | None:
        """Its data set, where there is one."""
        ...

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What is searched."""
        ...

    @property
    def reported(self) -> tuple[Objective, ...]:
        """What is recorded but not searched."""
        ...

    def optimum(self, objective: str) -> float | None:
        """The best value of an objective, None where unknown."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description from which it is restored."""
        ...


@dataclass(frozen=True)
class RunConfig:
    """The content of ``config.json``.

    Args:
        version: Version of the package that started the run.
        created: When it was started, in ISO form with the time zone.
        benchmark: ``Benchmark.to_dict()``, or that of the task of a run that trains.
        benchmark_name: What the benchmark is called in results.
        dataset: Its data set, where there is one.
        strategy: Name of the strategy.
        options: Options of the strategy.
        seed: The seed of the run.
        trials: How many trials are planned.
        parallel: How many trials are proposed at a time.
        objectives: What is searched.
        reported: What is recorded but not searched.
        execution: How and where a run that trains carries out its trials; empty for others.
        until_improvement_below: The search ends before its last trial once trials are expected
            to improve the best value by less than so many percent; None for never.
    """

    version: str
    created: str
    benchmark: dict[str, Any]
    benchmark_name: str
    dataset: str | None
    strategy: str
    options: dict[str, Any]
    seed: int
    trials: int
    parallel: int
    objectives: tuple[Quantity, ...]
    reported: tuple[Quantity, ...]
    execution: dict[str, Any] = field(default_factory=dict)
    until_improvement_below: float | None = None

    @classmethod
    def of(
        cls,
        benchmark: Subject,
        strategy: str,
        options: Mapping[str, Any] | None = None,
        *,
        trials: int,
        seed: int = 0,
        parallel: int = 1,
        execution: Mapping[str, Any] | None = None,
        until_improvement_below: float | None = None,
    ) -> Self:
        """The configuration of a new run.

        A strategy with a schedule over the planned number of trials is told ``trials``,
        unless its option ``num_trials`` says otherwise; a run that is continued beyond it
        keeps the schedule that it was started with.

        Raises:
            UnknownNameError: There is no such strategy.
            OptionError: A number is out of range, the benchmark has an objective that is to
                be maximised or several that the strategy cannot search, or the strategy does
                not say what improvement it expects.
        """
        check_until_improvement_below(strategy, until_improvement_below)
        get(strategy).check_objectives([objective.name for objective in benchmark.objectives])
        for name, value, least in (("trials", trials, 1), ("parallel", parallel, 1)):
            if value < least:
                raise OptionError(f"{name} must be at least {least}, got {value}")
        maximised = [o.name for o in benchmark.objectives if not o.minimize]
        if maximised:
            raise OptionError(
                f"the benchmark {benchmark.name!r} wants {maximised[0]!r} maximised, but runs "
                "minimise",
                "let the benchmark return an error or a cost",
            )
        quantities = (*benchmark.objectives, *benchmark.reported)
        metrics = metric_names(quantity.name for quantity in quantities)
        described = tuple(
            Quantity(q.name, q.unit, q.minimize, metrics[q.name], benchmark.optimum(q.name))
            for q in quantities
        )
        return cls(
            version=version("ax-anasod"),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            benchmark=benchmark.to_dict(),
            benchmark_name=benchmark.name,
            dataset=benchmark.dataset,
            strategy=strategy,
            options=planned_options(strategy, options or {}, trials),
            seed=seed,
            trials=trials,
            parallel=parallel,
            objectives=described[: len(benchmark.objectives)],
            reported=described[len(benchmark.objectives) :],
            execution=dict(execution or {}),
            until_improvement_below=until_improvement_below,
        )

    @property
    def experiment_name(self) -> str:
        """Name of the Ax experiment, under which ``experiment.db`` holds it."""
        benchmark = " ".join(filter(None, (self.benchmark_name, self.dataset)))
        return f"{self.strategy} on {benchmark}, seed {self.seed}"

    def with_trials(self, trials: int) -> Self:
        """The same run, planned longer."""
        return replace(self, trials=trials)

    def until(self, improvement_below: float) -> Self:
        """The same run with another rule for when it ends early.

        Raises:
            OptionError: The strategy does not say what improvement it expects.
        """
        check_until_improvement_below(self.strategy, improvement_below)
        return replace(self, until_improvement_below=improvement_below)

    def stop_reason(self, records: Sequence[Record]) -> str | None:
        """Why the run ends before its last trial; None where it does not.

        Args:
            records: Its trials so far.
        """
        percent = self.until_improvement_below
        metadata = [record.start.metadata for record in records]
        if percent is None or len(records) >= self.trials:
            return None
        if not promises_too_little(metadata, percent):
            return None
        return stop_reason(percent)

    def write(self, path: Path) -> None:
        """Write ``config.json``.

        Raises:
            RunError: It cannot be written.
        """
        write_whole(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read ``config.json``.

        Raises:
            RunError: It is missing or damaged.
        """
        content = read_json(path)
        try:
            for name in ("objectives", "reported"):
                content[name] = tuple(Quantity(**quantity) for quantity in content[name])
            # Runs of older versions lack what was added since, which has a default.
            return cls(
                **{
                    f.name: content[f.name]
                    for f in fields(cls)
                    if f.name in content or f.default is f.default_factory is MISSING
                }
            )
        except (KeyError, TypeError) as error:
            raise RunError(f"{path} is not the configuration of a run: {error}") from error


def planned_options(strategy: str, options: Mapping[str, Any], trials: int) -> dict[str, Any]:
    """The options of a run, with the planned number of trials where a schedule needs it.

    Args:
        strategy: Name of the strategy.
        options: Its options as they were given.
        trials: How many trials are planned.

    Raises:
        UnknownNameError: There is no such strategy.
    """
    wants_number = "num_trials" in {field.name for field in fields(get(strategy).options)}
    return {"num_trials": trials, **options} if wants_number else dict(options)
