"""A contender of a comparison: a strategy with its options and its budget.

Ax is imported only where a contender is run, so that looking at a comparison is fast.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote, unquote

from ax_anasod.exceptions import CellError, OptionError
from ax_anasod.runs.run_config import Screening
from ax_anasod.schema import conform

if TYPE_CHECKING:
    from ax_anasod.generation_strategy import Start
    from ax_anasod.metrics import EarlierSearch
    from ax_anasod.nasbench import Benchmark
    from ax_anasod.runs import RunConfig

# What a label must not hold, to be a name of a folder on every system.
_KEPT: Final = "=,"


@dataclass(frozen=True)
class Contender:
    """A strategy in a comparison.

    Args:
        strategy: Name of the strategy.
        options: Its options, where they differ from the defaults.
        trials: How many trials each of its runs has.
        start: What its runs start from.
        screen: The search of a cheap column that comes before each of its runs.
    """

    strategy: str
    options: Mapping[str, Any] = field(default_factory=dict)
    trials: int = 150
    start: Start | None = None
    screen: Screening | None = None

    @property
    def label(self) -> str:
        """The name of the contender in results, in the form of the command line.

        Example:
            >>> Contender("anasod-bo", {"optimizer": "exhaustive", "ard": True}).label
            'anasod-bo:optimizer=exhaustive:ard=true'
        """
        return label_of(self.strategy, self._shown(self.options))

    def config(
        self,
        benchmark: Benchmark,
        seed: int,
        limits: Sequence[str] = (),
        known: Sequence[str] = (),
        constraints: Sequence[str] = (),
        sources: Sequence[object] = (),
    ) -> RunConfig:
        """The run with this seed.

        Args:
            benchmark: What is searched.
            seed: The seed.
            limits: What trials must keep.
            known: Quantities that need no model.
            constraints: What the counts of the operations must keep.
            sources: From `sources`.

        Raises:
            AnasodError: There is no such strategy or option, one is out of range, or the strategy
                cannot search several objectives, or obey limits.
        """
        from ax_anasod.runs import plan_run
        from ax_anasod.runs.screening import options_after

        screen = self.screen
        return plan_run(
            benchmark,
            self.strategy,
            self.options if screen is None else options_after(self.options),
            trials=self.trials,
            seed=seed,
            start=self.start,
            limits=limits,
            known=known,
            constraints=constraints,
            sources=sources,
            screen=screen,
        )

    def sources(
        self, benchmark: Benchmark, seed: int, constraints: Sequence[str] = ()
    ) -> list[EarlierSearch]:
        """The start of the run with a seed: the search of a cheap column, which is made now.

        Args:
            benchmark: What is searched.
            seed: The seed.
            constraints: What the counts of the operations must keep.

        Raises:
            AnasodError: The cheap column cannot be searched.
        """
        from ax_anasod.runs.screening import screened

        if self.screen is None:
            return []
        return [
            screened(
                self.screen,
                benchmark,
                self.strategy,
                self.options,
                seed=seed,
                constraints=constraints,
            )
        ]

    @property
    def spent_before(self) -> float:
        """The cost of a run before its first trial, in evaluations."""
        return 0.0 if self.screen is None else self.screen.spent

    @cached_property
    def folder_name(self) -> str:
        """The folder of its journals, below that of the comparison.

        Where the strategy has a schedule over the planned number of trials, its name tells
        that number: with another one these are other runs, from the first trial on.
        """
        from ax_anasod.runs.planning import planned_options

        planned = planned_options(self.strategy, self.options, self.trials)
        return folder_of(self.strategy, self._shown(planned))

    def _shown(self, options: Mapping[str, Any]) -> dict[str, Any]:
        start = {} if self.start is None else self.start.words
        return {**options, **start, **({} if self.screen is None else self.screen.words)}

    def check(
        self,
        benchmark: Benchmark,
        limits: Sequence[str] = (),
        known: Sequence[str] = (),
        constraints: Sequence[str] = (),
    ) -> RunConfig:
        """Check that the contender can run, before anything does; returns the run with seed 0.

        Args:
            benchmark: What is searched.
            limits: What trials must keep.
            known: Quantities that need no model.
            constraints: What the counts of the operations must keep.

        Raises:
            AnasodError: There is no such strategy or option, an option is out of range, an
                extra that the strategy needs is not installed, or it cannot search the
                benchmark's cell.
        """
        from ax_anasod.runs import Search
        from ax_anasod.runs.screening import check_screening

        if self.screen is not None:
            check_screening(self.screen, benchmark, self.strategy)
        config = self.config(benchmark, 0, limits, known, constraints)
        try:
            Search(config, benchmark)
        except CellError as error:
            raise CellError(f"{self.label}: {error.message}", error.hint) from error
        return config

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form."""
        start = None if self.start is None else self.start.to_dict()
        return {
            "strategy": self.strategy,
            "options": dict(self.options),
            "trials": self.trials,
            "start": start,
            "screen": None if self.screen is None else asdict(self.screen),
            "folder": self.folder_name,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The contender that `to_dict` described.

        Raises:
            ValueError: ``stored`` is of another form.
            AnasodError: What it starts from is damaged.
        """
        content = conform(_Stored, stored)
        start = None
        if content.start is not None:
            from ax_anasod.generation_strategy import Start

            start = Start.from_dict(content.start)
        contender = cls(content.strategy, content.options, content.trials, start, content.screen)
        # Use the stored name: computing it would import the strategy, and with it Ax.
        contender.__dict__["folder_name"] = content.folder
        return contender


@dataclass(frozen=True)
class _Stored:
    """A contender in a plan."""

    strategy: str
    options: dict[str, Any]
    trials: int
    start: dict[str, Any] | None
    folder: str
    screen: Screening | None = None

    def __post_init__(self) -> None:
        # The name must not lead out of the folder of the comparison.
        if not self.folder.strip(".") or quote(unquote(self.folder), safe=_KEPT) != self.folder:
            raise ValueError(f"{self.folder!r} is not the folder of a contender")


def check_different(contenders: Iterable[Contender]) -> None:
    """Check that there are contenders, each of them once.

    Raises:
        OptionError: There is no contender, or one comes twice.
    """
    seen: set[str] = set()
    for contender in contenders:
        if contender.label in seen:
            raise OptionError(f"the comparison names {contender.label!r} twice")
        seen.add(contender.label)
    if not seen:
        raise OptionError("a comparison needs at least one strategy")


def folder_of(name: str, options: Mapping[str, Any]) -> str:
    """The name of a folder for something with options, on every system."""
    return quote(label_of(name, options, ","), safe=_KEPT)


def label_of(name: str, options: Mapping[str, Any], separator: str = ":") -> str:
    """The label of something with options in results, as the command line takes it."""
    words = {True: "true", False: "false", None: "none"}
    return separator.join(
        (
            name,
            *(
                f"{option}={words[value] if value is None or isinstance(value, bool) else value}"
                for option, value in options.items()
            ),
        )
    )
