"""The configuration of a run: all that is needed to repeat it, or to go on with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from ax_anasod.files import read_json, write_json
from ax_anasod.global_stopping.rule import promises_too_little, stop_reason
from ax_anasod.journal import Record
from ax_anasod.objectives import Limit, Objective
from ax_anasod.settings import MOST_TRIALS, Count, PositiveFloat, checked
from ax_anasod.tracking.tracker import TrackedRun


def proxy_metric_name(proxy: str) -> str:
    """The name of the metric of a proxy in Ax, which no quantity of a run has."""
    return f"proxy_{proxy}"


@dataclass(frozen=True)
class Source:
    """The trials of an earlier search, whose predictions are a feature.

    Args:
        architectures: Their architectures.
        targets: Values of its objective, of which less is better.
    """

    architectures: tuple[str, ...]
    targets: tuple[float, ...]


@dataclass(frozen=True)
class GivenArchitecture:
    """An architecture to start with.

    Args:
        architecture: The architecture as a string of its cell.
        values: Quantity -> value, of all quantities of the run; empty where it is to be tried.
    """

    architecture: str
    values: dict[str, float]


@dataclass(frozen=True)
class ProxyFeature:
    """A proxy that is a feature.

    Args:
        name: The name of the proxy.
        values: Values of a few architectures, always the same ones: by them a run that goes on
            sees whether it is what it was.
    """

    name: str
    values: tuple[float, ...]

    @property
    def metric(self) -> str:
        """The name of its metric in Ax."""
        return proxy_metric_name(self.name)


@checked
@dataclass(frozen=True)
class Screening:
    """A search of a cheap column, before that of the one that matters.

    Args:
        column: The cheap column of the table, such as the accuracy after short trainings: it is
            searched first, its best architectures are the first trials, and its model helps
            (two-level-bo).
        cost: Cost of an evaluation of the cheap column, in evaluations of the objective.
        trials: Number of architectures of which the cheap column is evaluated.

    Raises:
        OptionError: A number is out of range.
    """

    column: str
    cost: PositiveFloat
    trials: Count = 100

    @property
    def spent(self) -> float:
        """The cost of all its trials, in evaluations of the objective."""
        return self.cost * self.trials

    @property
    def words(self) -> dict[str, Any]:
        """The screening as arguments of the command line."""
        words: dict[str, Any] = {"screen": self.column, "screen_cost": self.cost}
        if self.trials != Screening.trials:
            words["screen_trials"] = self.trials
        return words


@dataclass(frozen=True)
class RunConfig:
    """The content of ``config.json``.

    Args:
        environment: Versions and the processor, see
            :func:`ax_anasod.environment.environment`, of what started the run.
        created: When it was started, in ISO form with the time zone.
        benchmark: ``Benchmark.to_dict()``, or that of the task of a run that trains.
        benchmark_name: Name of the benchmark in results.
        dataset: Its data set, where there is one.
        strategy: Name of the strategy.
        options: Options of the strategy.
        seed: The seed of the run.
        trials: Number of planned trials, those of earlier work included.
        parallel: Number of trials that are proposed at a time.
        objectives: The objectives.
        reported: Quantities that are recorded but not searched.
        execution: Place and manner in which a run that trains carries out its trials, see
            :class:`ax_anasod.runs.Execution`; empty for others.
        until_improvement_below: The search ends before its last trial once trials are expected
            to improve the best value by less than this, in percent; None for never.
        limits: Limits that trials must keep, in the names of the quantities.
        constraints: Linear constraints on the counts of the encodings that are searched.
        hyperparameters: Parameters that are searched beside the cell, as
            :class:`ax_anasod.hyperparameters.Hyperparameters` stores it; empty for nothing.
        known: Quantities that need no model.
        features: Quantities that are known before a trial and help to predict the objectives.
        first: The quantity whose five best architectures are the first trials, with a minus where
            less is better; empty for none.
        sources: Earlier searches that help to predict the objectives.
        proxies: Proxies that help to predict the objectives.
        start_with: The architectures to start with; those with values are the first trials, of
            earlier work.
        pick: Rule that picks a point of the front, see :func:`ax_anasod.picking.parse_pick`;
            empty for the best first objective.
        screen: The search of a cheap column that came before.
        start: Start of the run, as :class:`ax_anasod.generation_strategy.Start` stores
            it; empty for nothing.

    Raises:
        ValueError: A number is out of its range, there is no objective, or two quantities have
            one name.
    """

    environment: dict[str, str]
    created: str
    benchmark: dict[str, Any]
    benchmark_name: str
    dataset: str | None
    strategy: str
    options: dict[str, Any]
    seed: int
    trials: int
    parallel: int
    objectives: tuple[Objective, ...]
    reported: tuple[Objective, ...]
    execution: dict[str, Any] = field(default_factory=dict)
    until_improvement_below: float | None = None
    start: dict[str, Any] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    constraints: tuple[str, ...] = ()
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    known: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    first: str = ""
    sources: tuple[Source, ...] = ()
    proxies: tuple[ProxyFeature, ...] = ()
    start_with: tuple[GivenArchitecture, ...] = ()
    pick: str = ""
    screen: Screening | None = None

    def __post_init__(self) -> None:
        limits = {"trials": (1, MOST_TRIALS), "parallel": (1, MOST_TRIALS), "seed": (0, None)}
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if value < least or (most is not None and value > most):
                limit = f"at least {least}" if value < least else f"at most {most:,}"
                raise ValueError(f"{name} must be {limit}, got {value}")
        if not self.objectives:
            raise ValueError("there is no objective")
        if self.hyperparameters:
            # What only shows a run does not wait for NumPy.
            from ax_anasod.hyperparameters import Hyperparameters

            Hyperparameters.from_dict(self.hyperparameters)  # refuses
        named = {
            "limits": [limit.name for limit in self.limits],
            "known": self.known,
            "features": self.features,
        }
        for entry, names in named.items():
            if wrong := {*names} - {*self.quantities}:
                raise ValueError(f"{entry} must be of quantities, got {sorted(wrong)[0]!r}")
        if self.first and not {self.first, self.first.removeprefix("-")} & {*self.quantities}:
            raise ValueError(f"first must be a quantity, got {self.first!r}")
        for attribute in ("name", "metric"):
            names = [
                getattr(quantity, attribute) for quantity in (*self.objectives, *self.reported)
            ]
            if len({*names}) < len(names) or "" in names:
                raise ValueError(f"each quantity must have a {attribute} of its own, got {names}")

    @property
    def experiment_name(self) -> str:
        """Name of the Ax experiment, under which ``experiment.db`` holds it."""
        benchmark = " ".join(filter(None, (self.benchmark_name, self.dataset)))
        return f"{self.strategy} on {benchmark}, seed {self.seed}"

    @property
    def tracked(self) -> TrackedRun:
        """The description of the run for trackers."""
        return TrackedRun(
            name=self.experiment_name,
            objectives=self.objectives,
            limits=self.limits,
            settings={
                "benchmark": self.benchmark_name,
                "dataset": self.dataset,
                "strategy": self.strategy,
                "seed": self.seed,
                "trials": self.trials,
                **self.options,
            },
        )

    @property
    def imported(self) -> tuple[GivenArchitecture, ...]:
        """The trials of earlier work, with which the run begins."""
        return tuple(given for given in self.start_with if given.values)

    @property
    def searched(self) -> tuple[str, ...]:
        """Names of what is searched beside the cell."""
        return tuple(each["name"] for each in self.hyperparameters.get("parameters", ()))

    @property
    def quantities(self) -> tuple[str, ...]:
        """Names of what is searched and of what is reported."""
        return tuple(quantity.name for quantity in (*self.objectives, *self.reported))

    def with_trials(self, trials: int) -> Self:
        """The same run, planned longer."""
        return replace(self, trials=trials)

    def stop_reason(self, records: Sequence[Record]) -> str | None:
        """The reason why the run ends before its last trial; None if it does not.

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
            RunError: The file cannot be written.
        """
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read ``config.json``.

        Raises:
            RunError: The file is missing, damaged, or not the configuration of a run.
        """
        return read_json(path, cls)
