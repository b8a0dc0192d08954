"""The generators of the strategies, found by the names of these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from ax.generators.random.base import RandomGenerator

from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.generators.base import HistoryGenerator

GENERATORS: Final[dict[str, type[HistoryGenerator]]] = {}
"""The class that proposes the trials of each strategy, by the strategy's name."""

Class = TypeVar("Class", bound=type[HistoryGenerator])


def register_generator(name: str, kind: Class) -> Class:
    """Register a class for :class:`RegisteredGenerator`.

    Args:
        name: The name.
        kind: The class.

    Raises:
        OptionError: Another class has the name.
    """
    known = GENERATORS.setdefault(name, kind)
    # A module that is imported again (a notebook cell run twice) defines its classes again.
    if _origin(known) != _origin(kind):
        raise OptionError(
            f"the name {name!r} is taken by {known.__module__}.{known.__qualname__}",
            "choose another one",
        )
    GENERATORS[name] = kind
    return kind


class RegisteredGenerator(RandomGenerator):
    """The maker of the generator of a strategy; no object is of this class.

    Ax stores generators as members of a fixed registry: this is the member for those of all
    strategies, and is stored with the name of one.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        registered_as: The name of its class, see :func:`register_generator`.
        options: Its further arguments.
        hyperparameters: Hyperparameters searched beside the cell, if its class takes this argument.
        start: The start of :class:`ax_anasod.generators.starting_draws.StartingDraws`, if its
            class takes this argument.

    Raises:
        UnknownNameError: No generator is registered under the name.
    """

    def __new__(  # type: ignore[misc]  # Ax calls the class and asks for no more.
        cls,
        cell: Mapping[str, Any],
        seed: int = 0,
        registered_as: str = "",
        options: Mapping[str, Any] | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        start: Mapping[str, Any] | None = None,
    ) -> HistoryGenerator:
        """Make the generator."""
        if registered_as not in GENERATORS:
            raise UnknownNameError("registered generator", registered_as, GENERATORS)
        beside = {"hyperparameters": hyperparameters, "start": start}
        given = {name: value for name, value in beside.items() if value is not None}
        return GENERATORS[registered_as](cell=cell, seed=seed, **given, **(options or {}))


def _origin(kind: type) -> tuple[str, str]:
    return kind.__module__.replace("__mp_main__", "__main__"), kind.__qualname__
