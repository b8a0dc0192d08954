"""Pure maths on counts and fractions: the grid, rounding onto it, draws around it."""

from ax_anasod.simplex.constrained_grid import ConstrainedGrid
from ax_anasod.simplex.counts import validate_counts
from ax_anasod.simplex.dirichlet import (
    concentration,
    sample_biased,
    sample_dirichlet,
    sample_uniform,
)
from ax_anasod.simplex.grid import (
    enumerate_grid,
    iterate_grid,
    neighbours,
    num_encodings,
    rank,
    unrank,
)
from ax_anasod.simplex.grid_graph import CountConstraint
from ax_anasod.simplex.rounding import bomze_round
from ax_anasod.simplex.schedules import LinearSchedule, TrustRegionSchedule

__all__ = [
    "ConstrainedGrid",
    "CountConstraint",
    "LinearSchedule",
    "TrustRegionSchedule",
    "bomze_round",
    "concentration",
    "enumerate_grid",
    "iterate_grid",
    "neighbours",
    "num_encodings",
    "rank",
    "sample_biased",
    "sample_dirichlet",
    "sample_uniform",
    "unrank",
    "validate_counts",
]
