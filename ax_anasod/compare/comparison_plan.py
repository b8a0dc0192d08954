"""The plan of a comparison: which runs there are, and what they have in common."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeGuard

import numpy as np

from ax_anasod.compare.contender import Contender, check_different
from ax_anasod.compare.front import JudgedFront
from ax_anasod.environment import environment
from ax_anasod.exceptions import OptionError, RunError, UnknownNameError
from ax_anasod.files import read_json, write_json
from ax_anasod.journal import Completed, Failed
from ax_anasod.metadata import column_names
from ax_anasod.objectives import COST, Limit, Objective, keeps_all
from ax_anasod.settings import MOST_TRIALS, Count, check_value
from ax_anasod.tracking.tracker import TrackedRun
from ax_anasod.trust import SEAL

if TYPE_CHECKING:
    from ax_anasod.nasbench import Benchmark

COLUMNS: Final = ("strategy", "seed", "trial", "value", "incumbent", COST)
"""The columns of the results before those of the reported quantities."""

SECONDS: Final = "seconds"
"""The column after them: the wall time of a trial."""

# Entries that may differ between descriptions of the same data, whose digest is compared.
_PLACES: Final = frozenset({"path", "resolved_path", "cache", SEAL})


@dataclass(frozen=True)
class Plan:
    """The content of ``comparison.json``.

    Args:
        created: When that was, in ISO form with the time zone.
        benchmark: ``Benchmark.to_dict()``.
        benchmark_name: What the benchmark is called in results.
        dataset: Its data set, where there is one.
        objective: What is searched.
        reported: What is recorded for the incumbent.
        seeds: Each contender has one run for each of the seeds 0, 1, ..., ``seeds`` - 1.
        contenders: What is compared.
        regret: Also count the queries until the incumbent is this close to the optimum.
        reference: The contender that the others are tested against; None for the first.
        limits: What trials must keep.
        known: Quantities that need no model.
        constraints: What the counts of the operations must keep.
        front: What fronts are judged by, where there are several objectives; `objective` is then
            their share of the hypervolume.
        environment: Versions and the processor, see
            :func:`ax_anasod.environment.environment`, of what started the comparison.

    Raises:
        ValueError: There is no contender, or the number of seeds or trials is out of range.
    """

    created: str
    benchmark: dict[str, Any]
    benchmark_name: str
    dataset: str | None
    objective: Objective
    reported: tuple[Objective, ...]
    seeds: int
    contenders: tuple[Contender, ...]
    regret: float | None = None
    reference: str | None = None
    limits: tuple[Limit, ...] = ()
    known: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    front: JudgedFront | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.contenders:
            raise ValueError("there is no strategy to compare")
        if len({*self.labels}) < len(self.labels):
            raise ValueError(f"a strategy comes twice: {', '.join(self.labels)}")
        for number in (self.seeds, *(contender.trials for contender in self.contenders)):
            if not 1 <= number <= MOST_TRIALS:
                raise ValueError(f"seeds and trials are from 1 to {MOST_TRIALS:,}, got {number}")

    @classmethod
    def of(
        cls,
        benchmark: Benchmark,
        contenders: Sequence[Contender],
        seeds: int,
        regret: float | None = None,
        reference: str | None = None,
        *,
        limits: Sequence[str] = (),
        known: Sequence[str] = (),
        constraints: Sequence[str] = (),
    ) -> Self:
        """The plan of a new comparison; whatever cannot run is refused here.

        Raises:
            AnasodError: A strategy cannot run, a limit is none, or a number is out of range.
        """
        check_value("seeds", seeds, Count)
        check_different(contenders)
        # All of them are checked; what they are run on is the same for each.
        config, *_ = [each.check(benchmark, limits, known, constraints) for each in contenders]
        objective, reported, front = config.objectives[0], config.reported, None
        if len(config.objectives) > 1:
            # The front of all architectures is none where constraints leave some out.
            knows = None if constraints else benchmark
            front = JudgedFront.of(knows, config.objectives, reported, config.limits)
            objective, reported = front.judged, ()
        return cls(
            environment=environment(),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            benchmark=config.benchmark,
            benchmark_name=config.benchmark_name,
            dataset=config.dataset,
            objective=objective,
            reported=reported,
            seeds=seeds,
            contenders=tuple(contenders),
            regret=regret,
            reference=reference,
            limits=config.limits,
            known=config.known,
            constraints=config.constraints,
            front=front,
        )

    @property
    def labels(self) -> list[str]:
        """The contenders as results call them, in order."""
        return [contender.label for contender in self.contenders]

    @property
    def screens(self) -> bool:
        """True if some contender screens, so that runs of one length differ in their cost."""
        return any(contender.screen is not None for contender in self.contenders)

    @property
    def columns(self) -> dict[str, str]:
        """Reported quantity -> its column in the results; objectives, too, where several are."""
        return column_names((q.name for q in self.recorded), (*COLUMNS, SECONDS))

    @property
    def recorded(self) -> tuple[Objective, ...]:
        """The quantities of the results besides the judged one."""
        return self.reported if self.front is None else self.front.recorded

    def judging(self, ends: Iterable[Completed | Failed | None]) -> Plan:
        """The plan, with fronts judged by the trials where the true front is unknown.

        Args:
            ends: How the trials of all runs ended.
        """
        if self.front is None or self.front.is_true:
            return self
        points = [self.front.point(end.values) for end in ends if self.counts(end)]
        array = np.array(points).reshape(len(points), len(self.front.objectives))
        front = self.front.fitted(array, self.limits)
        return replace(self, front=front, objective=front.judged)

    def counts(self, end: Completed | Failed | None) -> TypeGuard[Completed]:
        """Return True if a trial has values and keeps all limits."""
        return isinstance(end, Completed) and keeps_all(end.values, self.limits)

    @property
    def subject(self) -> str:
        """The benchmark and its data set, for people."""
        name = self.benchmark_name
        return name if self.dataset is None else f"{name} {self.dataset}"

    def tracked(self, contender: Contender, seed: int) -> TrackedRun:
        """The description of a run for trackers."""
        return TrackedRun(
            name=f"{contender.label} on {self.subject}, seed {seed}",
            objectives=(self.objective,) if self.front is None else self.front.objectives,
            limits=self.limits,
            settings={
                "benchmark": self.benchmark_name,
                "dataset": self.dataset,
                "strategy": contender.strategy,
                "seed": seed,
                "trials": contender.trials,
                **contender.options,
            },
            folder=f"{contender.folder_name}/{seed}",
        )

    @property
    def noise_free(self) -> Objective | None:
        """The mean of the searched quantity, where single training runs are searched."""
        name = f"{self.objective.name}_mean"
        return next((quantity for quantity in self.reported if quantity.name == name), None)

    def extended(self, wanted: Plan) -> Plan:
        """This plan with the contenders, trials and seeds of another one, and its questions.

        Raises:
            RunError: The other one is of something else, or asks for less than there is.
        """
        self._check_same_benchmark(wanted)
        for name in ("limits", "known", "constraints"):
            ours, theirs = getattr(self, name), getattr(wanted, name)
            if ours != theirs:
                words = [", ".join(map(str, each)) or "none" for each in (ours, theirs)]
                raise RunError(
                    f"the folder holds a comparison with other {name}: {words[0]}, not {words[1]}",
                    "choose another folder",
                )
        if wanted.seeds < self.seeds:
            raise RunError(
                f"the comparison is planned for {self.seeds} seeds, more than {wanted.seeds}",
                "give at least as many, or choose another folder",
            )
        contenders = {contender.label: contender for contender in self.contenders}
        for contender in wanted.contenders:
            known = contenders.get(contender.label, contender)
            if contender.start != known.start:
                raise RunError(
                    f"the comparison has runs of {known.label} that start from another result",
                    "choose another folder",
                )
            if contender.trials < known.trials:
                raise RunError(
                    f"the comparison is planned for {known.trials} trials of {known.label}, more "
                    f"than {contender.trials}",
                    "give at least as many, or choose another folder",
                )
            contenders[contender.label] = contender
        return replace(
            self,
            seeds=wanted.seeds,
            contenders=tuple(contenders.values()),
            regret=wanted.regret,
            reference=wanted.reference,
        )

    def check_questions(self) -> None:
        """Check that the comparison can answer what is asked.

        Raises:
            UnknownNameError: There is no contender of the reference's name.
            OptionError: The regret is negative, or the optimum is not known.
        """
        if self.reference is not None and self.reference not in self.labels:
            raise UnknownNameError("strategy of the comparison", self.reference, self.labels)
        if self.regret is None:
            return
        if not 0 <= self.regret < math.inf:
            raise OptionError(f"the regret must be at least 0 and finite, got {self.regret}")
        if self.objective.optimum is None:
            raise OptionError(
                f"the optimum of {self.objective.name!r} on {self.subject} is not known, so "
                "there is no regret"
            )

    def _check_same_benchmark(self, wanted: Plan) -> None:
        ours, theirs = _flat(self.benchmark), _flat(wanted.benchmark)
        for name in {**ours, **theirs}:
            if ours.get(name) != theirs.get(name):
                raise RunError(
                    f"the folder holds a comparison on another benchmark: {name} "
                    f"{ours.get(name)!r}, not {theirs.get(name)!r}",
                    "choose another folder",
                )

    def write(self, path: Path) -> None:
        """Write ``comparison.json``.

        Raises:
            RunError: The file cannot be written.
        """
        content = asdict(self) | {"contenders": [c.to_dict() for c in self.contenders]}
        write_json(path, content)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read ``comparison.json``.

        Raises:
            RunError: The file is missing, damaged, or not the plan of a comparison.
        """
        return read_json(path, cls)


def _flat(description: Mapping[str, Any]) -> dict[str, Any]:
    # The values under the objectives are in the digest; it is named last, being unreadable.
    entries = {name: value for name, value in description.items() if name not in _PLACES}
    return dict(sorted(entries.items(), key=lambda entry: entry[0] == "fingerprint"))
