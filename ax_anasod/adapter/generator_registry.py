"""The generators of this package as a member of Ax's registries."""

from __future__ import annotations

from typing import Final

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
from ax_anasod.generators import (
    AnasodLocalSearchGenerator,
    ArchitectureEnsembleGenerator,
    ArchitectureGPGenerator,
    DirichletGenerator,
    EncodingEnsembleGenerator,
    EncodingGenerator,
    EvolutionGenerator,
    GCNGenerator,
    HistoryGenerator,
    LocalSearchGenerator,
    NASBowlGenerator,
    RandomArchitectureGenerator,
    RegisteredGenerator,
    ReinforceGenerator,
    SMACGenerator,
    TPEGenerator,
    TwoLevelGenerator,
)

# These are stored once, in the strategy, and not with every generated trial again.
_NOT_SAVED: Final = ("cell", "start", "hyperparameters")


def _from_history(generator: type[HistoryGenerator]) -> GeneratorSetup:
    return GeneratorSetup(
        adapter_class=HistoryAdapter,
        generator_class=generator,
        transforms=[],
        not_saved_generator_kwargs=_NOT_SAVED,
    )


SETUPS: Final[dict[str, GeneratorSetup]] = {
    "AnasodRandom": _from_history(DirichletGenerator),
    "RandomArchitecture": _from_history(RandomArchitectureGenerator),
    "AnasodLocalSearch": _from_history(AnasodLocalSearchGenerator),
    "LocalSearch": _from_history(LocalSearchGenerator),
    "Evolution": _from_history(EvolutionGenerator),
    "Reinforce": _from_history(ReinforceGenerator),
    "TPE": _from_history(TPEGenerator),
    "SMAC": _from_history(SMACGenerator),
    "ArchitectureGP": _from_history(ArchitectureGPGenerator),
    "ArchitectureEnsemble": _from_history(ArchitectureEnsembleGenerator),
    "EncodingEnsemble": _from_history(EncodingEnsembleGenerator),
    "NASBowl": _from_history(NASBowlGenerator),
    "GCN": _from_history(GCNGenerator),
    "TwoLevel": _from_history(TwoLevelGenerator),
    "Registered": _from_history(RegisteredGenerator),
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


class AnasodGenerators(GeneratorRegistryBase):
    """Ax's name for each pair of one of our generators and its adapter."""

    ANASOD_RANDOM = "AnasodRandom"
    RANDOM_ARCHITECTURE = "RandomArchitecture"
    ANASOD_BO = "AnasodBO"
    ANASOD_LOCAL_SEARCH = "AnasodLocalSearch"
    LOCAL_SEARCH = "LocalSearch"
    EVOLUTION = "Evolution"
    REINFORCE = "Reinforce"
    TPE = "TPE"
    SMAC = "SMAC"
    ARCHITECTURE_GP = "ArchitectureGP"
    ARCHITECTURE_ENSEMBLE = "ArchitectureEnsemble"
    ENCODING_ENSEMBLE = "EncodingEnsemble"
    NAS_BOWL = "NASBowl"
    GCN = "GCN"
    TWO_LEVEL = "TwoLevel"
    REGISTERED = "Registered"

    @property
    def GENERATOR_KEY_TO_GENERATOR_SETUP(self) -> dict[str, GeneratorSetup]:  # noqa: N802
        """The setups by key (the name is Ax's)."""
        return SETUPS
