"""Numbers in, numbers out: what proposes the next trials."""

from ax_anasod.generators.acquisition import EncodingAcquisition
from ax_anasod.generators.base import HistoryGenerator
from ax_anasod.generators.dirichlet import DirichletGenerator
from ax_anasod.generators.encoding import OPTIMIZERS, EncodingGenerator
from ax_anasod.generators.random_architecture import RandomArchitectureGenerator

__all__ = [
    "OPTIMIZERS",
    "DirichletGenerator",
    "EncodingAcquisition",
    "EncodingGenerator",
    "HistoryGenerator",
    "RandomArchitectureGenerator",
]
