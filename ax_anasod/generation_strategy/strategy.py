"""What the package knows of a strategy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ax.generation_strategy.generation_strategy import GenerationStrategy

from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.core.coding import Space
from ax_anasod.exceptions import OptionError

Builder = Callable[[str, AnasodSearchSpace | CellSearchSpace, int, Any], GenerationStrategy]
"""Takes the name, the search space, the seed and the options."""


@dataclass(frozen=True)
class Strategy:
    """What the package knows of a strategy.

    Args:
        name: Its name.
        summary: One line for people.
        space: The kind of search space it needs.
        options: The class of its options.
        build: The builder.
        multi_objective: Whether it can search for a Pareto front.
        expects_improvement: Whether its trials carry their expected improvement, by which a
            search can be stopped (:mod:`ax_anasod.global_stopping`).
        origin: The module that registers it, where that is a user's own: other processes
            have to import it.
    """

    name: str
    summary: str
    space: Space
    options: type[Any]
    build: Builder
    multi_objective: bool = False
    expects_improvement: bool = False
    origin: str | None = None

    def check_objectives(self, names: Sequence[str]) -> None:
        """Refuse several objectives where the strategy searches one.

        Raises:
            OptionError: There are more objectives than the strategy can search.
        """
        if len(names) > 1 and not self.multi_objective:
            able = ", ".join(name for name, known in STRATEGIES.items() if known.multi_objective)
            raise OptionError(
                f"strategy {self.name!r} searches one objective, got {len(names)}: {list(names)}",
                f"strategies that search for a Pareto front: {able}",
            )


STRATEGIES: Final[dict[str, Strategy]] = {}
"""Every strategy by its name; :mod:`ax_anasod.generation_strategy.builders` fills it."""
