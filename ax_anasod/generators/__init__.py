"""Numbers in, numbers out: what proposes the next trials."""

from ax_anasod.generators.acquisition import EncodingAcquisition
from ax_anasod.generators.anasod_local_search import AnasodLocalSearchGenerator
from ax_anasod.generators.architecture import ArchitectureGenerator
from ax_anasod.generators.base import HistoryGenerator
from ax_anasod.generators.dirichlet import DirichletGenerator
from ax_anasod.generators.encoding import OPTIMIZERS, EncodingGenerator
from ax_anasod.generators.evolution import EvolutionGenerator
from ax_anasod.generators.local_search import LocalSearchGenerator
from ax_anasod.generators.random_architecture import RandomArchitectureGenerator
from ax_anasod.generators.reinforce import ReinforceGenerator
from ax_anasod.generators.smac import SMACGenerator
from ax_anasod.generators.tpe import TPEGenerator

__all__ = [
    "OPTIMIZERS",
    "AnasodLocalSearchGenerator",
    "ArchitectureGenerator",
    "DirichletGenerator",
    "EncodingAcquisition",
    "EncodingGenerator",
    "EvolutionGenerator",
    "HistoryGenerator",
    "LocalSearchGenerator",
    "RandomArchitectureGenerator",
    "ReinforceGenerator",
    "SMACGenerator",
    "TPEGenerator",
]
