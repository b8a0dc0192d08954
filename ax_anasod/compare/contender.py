"""What is compared: a strategy with its options and its budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from ax_anasod.exceptions import CellError, OptionError
from ax_anasod.generation_strategy import Start
from ax_anasod.nasbench import Benchmark
from ax_anasod.runs import RunConfig, Search, plan_run
from ax_anasod.runs.planning import planned_options

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
    """

    strategy: str
    options: Mapping[str, Any] = field(default_factory=dict)
    trials: int = 150
    start: Start | None = None

    @property
    def label(self) -> str:
        """What results call it, as the command line takes it.

        Example:
            >>> Contender("anasod-bo", {"optimizer": "exhaustive", "ard": True}).label
            'anasod-bo:optimizer=exhaustive:ard=true'
        """
        return label_of(self.strategy, self._shown(self.options))

    def config(self, benchmark: Benchmark, seed: int) -> RunConfig:
        """The run with this seed.

        Raises:
            AnasodError: There is no such strategy or option, or one is out of range.
        """
        return plan_run(
            benchmark,
            self.strategy,
            self.options,
            trials=self.trials,
            seed=seed,
            start=self.start,
        )

    @property
    def folder_name(self) -> str:
        """The folder of its journals, below that of the comparison.

        Where the strategy has a schedule over the planned number of trials, its name tells
        that number: with another one these are other runs, from the first trial on.
        """
        planned = planned_options(self.strategy, self.options, self.trials)
        return folder_of(self.strategy, self._shown(planned))

    def _shown(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return {**options, **({} if self.start is None else self.start.words)}

    def check(self, benchmark: Benchmark) -> RunConfig:
        """Refuse what could not run, before anything does; returns the run with seed 0.

        Raises:
            AnasodError: There is no such strategy or option, an option is out of range, an
                extra that the strategy needs is not installed, or it cannot search the
                benchmark's cell.
        """
        config = self.config(benchmark, seed=0)
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
        }


def check_different(contenders: Iterable[Contender]) -> None:
    """Refuse none, and one that comes twice.

    Raises:
        OptionError: So it is.
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
    """What results call something with options, as the command line takes it."""
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
