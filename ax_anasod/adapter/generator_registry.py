"""The generators of this package as members of Ax's registry."""

from __future__ import annotations

from enum import EnumType
from typing import Any, Final

from ax.adapter.registry import GeneratorRegistryBase, GeneratorSetup
from ax.adapter.transforms.standardize_y import StandardizeY

from ax_anasod.adapter.encoding_adapter import EncodingAdapter
from ax_anasod.adapter.history_adapter import HistoryAdapter
from ax_anasod.adapter.transforms import (
    BomzeRounding,
    LogObjectives,
    PrepareObservations,
    UnitHyperparameters,
)
from ax_anasod.exceptions import RunError
from ax_anasod.generators import EncodingGenerator, RegisteredGenerator

# These are stored once, in the strategy, and not with every generated trial again.
_NOT_SAVED: Final = ("cell", "start", "hyperparameters")

_SETUPS: Final[dict[str, GeneratorSetup]] = {
    "History": GeneratorSetup(
        adapter_class=HistoryAdapter,
        generator_class=RegisteredGenerator,
        transforms=[],
        not_saved_generator_kwargs=_NOT_SAVED,
    ),
    "AnasodBO": GeneratorSetup(
        adapter_class=EncodingAdapter,
        generator_class=EncodingGenerator,
        transforms=[
            PrepareObservations,
            BomzeRounding,
            UnitHyperparameters,
            LogObjectives,
            StandardizeY,
        ],
        not_saved_generator_kwargs=_NOT_SAVED,
    ),
}


class _Members(EnumType):
    def __getitem__(cls, name: str) -> Any:
        """The member of a name in a stored run.

        Raises:
            RunError: There is none: before the first release each generator was a member.
        """
        try:
            return super().__getitem__(name)
        except KeyError:
            raise RunError(
                f"the run was stored by an older version: there is no generator {name!r}",
                "continue it with the version that stored it",
            ) from None


class AnasodGenerators(GeneratorRegistryBase, metaclass=_Members):
    """Ax's name for each pair of an adapter and what makes its generators.

    All that propose from the history of the run are one member, and are told apart by the name
    of the strategy that is stored with it.
    """

    HISTORY = "History"
    ANASOD_BO = "AnasodBO"

    @property
    def GENERATOR_KEY_TO_GENERATOR_SETUP(self) -> dict[str, GeneratorSetup]:  # noqa: N802
        """The setups by key (the name is Ax's)."""
        return _SETUPS
