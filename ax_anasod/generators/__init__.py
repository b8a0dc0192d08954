"""The generators, which propose the next trials: numbers in, numbers out."""

from ax_anasod.generators.acquisition import EncodingAcquisition
from ax_anasod.generators.anasod_local_search import AnasodLocalSearchGenerator
from ax_anasod.generators.architecture_generator import ArchitectureGenerator
from ax_anasod.generators.architecture_gp import ArchitectureGPGenerator
from ax_anasod.generators.base import HistoryGenerator
from ax_anasod.generators.candidate_pool import PoolGenerator
from ax_anasod.generators.encoding_generator import EncodingGenerator
from ax_anasod.generators.ensemble_generator import (
    ArchitectureEnsembleGenerator,
    EncodingEnsembleGenerator,
)
from ax_anasod.generators.evolution import EvolutionGenerator
from ax_anasod.generators.gcn_generator import GCNGenerator
from ax_anasod.generators.local_search import LocalSearchGenerator
from ax_anasod.generators.nas_bowl import NASBowlGenerator
from ax_anasod.generators.random_architecture import RandomArchitectureGenerator
from ax_anasod.generators.random_encoding import BiasedDirichletGenerator, DirichletGenerator
from ax_anasod.generators.registered import RegisteredGenerator
from ax_anasod.generators.reinforce import ReinforceGenerator
from ax_anasod.generators.smac import SMACGenerator
from ax_anasod.generators.tpe import TPEGenerator
from ax_anasod.generators.two_level_generator import SURROGATES, TwoLevelGenerator
from ax_anasod.metadata import EXPECTED_IMPROVEMENT

__all__ = [
    "EXPECTED_IMPROVEMENT",
    "SURROGATES",
    "AnasodLocalSearchGenerator",
    "ArchitectureEnsembleGenerator",
    "ArchitectureGPGenerator",
    "ArchitectureGenerator",
    "BiasedDirichletGenerator",
    "DirichletGenerator",
    "EncodingAcquisition",
    "EncodingEnsembleGenerator",
    "EncodingGenerator",
    "EvolutionGenerator",
    "GCNGenerator",
    "HistoryGenerator",
    "LocalSearchGenerator",
    "NASBowlGenerator",
    "PoolGenerator",
    "RandomArchitectureGenerator",
    "RegisteredGenerator",
    "ReinforceGenerator",
    "SMACGenerator",
    "TPEGenerator",
    "TwoLevelGenerator",
]
