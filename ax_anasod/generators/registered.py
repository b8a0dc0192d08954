"""Generators of a user's own, found by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from ax_anasod.core.ax_objectives import ObjectiveScope
from ax_anasod.core.history import History
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.generators.base import HistoryGenerator
from ax_anasod.typing import Codes, Settings

_GENERATORS: Final[dict[str, type[HistoryGenerator]]] = {}

Class = TypeVar("Class", bound=type[HistoryGenerator])


def register_generator(name: str, kind: Class) -> Class:
    """Register a class for :class:`RegisteredGenerator`.

    Args:
        name: The name.
        kind: The class.

    Raises:
        OptionError: Another class has the name.
    """
    known = _GENERATORS.setdefault(name, kind)
    # A module that is imported again (a notebook cell run twice) defines its classes again.
    if _origin(known) != _origin(kind):
        raise OptionError(
            f"the name {name!r} is taken by {known.__module__}.{known.__qualname__}",
            "choose another one",
        )
    _GENERATORS[name] = kind
    return kind


class RegisteredGenerator(HistoryGenerator):
    """A generator that hands all calls to a generator of the user's own.

    Ax stores generators as members of a fixed registry: this is the member for all those that
    are registered later, and is stored with their name.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        registered_as: The name of its class, see :func:`register_generator`.
        options: Its further arguments.
        hyperparameters: Hyperparameters searched beside the cell, if its class takes this argument.

    Raises:
        UnknownNameError: No generator is registered under the name.
    """

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        registered_as: str = "",
        options: Mapping[str, Any] | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
    ) -> None:
        if registered_as not in _GENERATORS:
            raise UnknownNameError("registered generator", registered_as, _GENERATORS)
        given = {} if hyperparameters is None else {"hyperparameters": hyperparameters}
        self.own = _GENERATORS[registered_as](cell=cell, seed=seed, **given, **(options or {}))
        self.space = self.own.space
        self.repeat_architectures = self.own.repeat_architectures
        self.above = self.own.above
        super().__init__(cell=cell, seed=seed, hyperparameters=hyperparameters)

    @property
    def scope(self) -> ObjectiveScope:
        """The scope of the user's generator."""
        return self.own.scope

    @property
    def reads_values(self) -> bool:
        """True if the user's generator reads the values of the history."""
        return self.own.reads_values

    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> Codes:
        """The proposals of the user's generator, ``n x d``."""
        return self.own.propose(n, history, fixed)

    def propose_jointly(
        self, n: int, history: History, fixed: Mapping[int, int], given: Mapping[int, float]
    ) -> tuple[Codes, Settings]:
        """The proposals of the user's generator, ``n x d`` and ``n x h``."""
        return self.own.propose_jointly(n, history, fixed, given)

    def metadata(self) -> dict[str, Any]:
        """The metadata of the proposals of the user's generator."""
        return self.own.metadata()


def _origin(kind: type) -> tuple[str, str]:
    return kind.__module__.replace("__mp_main__", "__main__"), kind.__qualname__
