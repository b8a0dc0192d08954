"""The generators of this package as a member of Ax's registries."""

from __future__ import annotations

from typing import Final

from ax.adapter.registry import GeneratorRegistryBase, GeneratorSetup
from ax.adapter.transforms.standardize_y import StandardizeY

from ax_anasod.adapter.encoding import EncodingAdapter
from ax_anasod.adapter.history import HistoryAdapter
from ax_anasod.adapter.transforms import BomzeRounding, LogObjectives, PrepareObservations
from ax_anasod.generators import (
    DirichletGenerator,
    EncodingGenerator,
    RandomArchitectureGenerator,
)

# The cell is stored once, in the strategy, and not with every generated trial again.
_NOT_SAVED: Final = ("cell",)

SETUPS: Final[dict[str, GeneratorSetup]] = {
    "AnasodRandom": GeneratorSetup(
        adapter_class=HistoryAdapter,
        generator_class=DirichletGenerator,
        transforms=[],
        not_saved_generator_kwargs=_NOT_SAVED,
    ),
    "RandomArchitecture": GeneratorSetup(
        adapter_class=HistoryAdapter,
        generator_class=RandomArchitectureGenerator,
        transforms=[],
        not_saved_generator_kwargs=_NOT_SAVED,
    ),
    "AnasodBO": GeneratorSetup(
        adapter_class=EncodingAdapter,
        generator_class=EncodingGenerator,
        transforms=[PrepareObservations, BomzeRounding, LogObjectives, StandardizeY],
        not_saved_generator_kwargs=_NOT_SAVED,
    ),
}


class AnasodGenerators(GeneratorRegistryBase):
    """Ax's name for each pair of one of our generators and its adapter."""

    ANASOD_RANDOM = "AnasodRandom"
    RANDOM_ARCHITECTURE = "RandomArchitecture"
    ANASOD_BO = "AnasodBO"

    @property
    def GENERATOR_KEY_TO_GENERATOR_SETUP(self) -> dict[str, GeneratorSetup]:  # noqa: N802
        """The setups by key (the name is Ax's)."""
        return SETUPS
