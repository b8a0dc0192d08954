"""Regularised (ageing) evolution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ax_anasod.core.history import History
from ax_anasod.generators.architecture import ArchitectureGenerator
from ax_anasod.generators.base import NUM_INITIAL
from ax_anasod.settings import PositiveInt, checked
from ax_anasod.typing import Codes


@checked
class EvolutionGenerator(ArchitectureGenerator):
    """Regularised evolution: the population is the last P architectures, whatever their worth.

    The first proposals are random. Then each is a mutant of the best of S members drawn with
    replacement: one operation or one wiring choice is another, uniformly over the
    neighbours (:meth:`ax_anasod.cells.Cell.neighbours`). The oldest member dies as the new
    one ends.

    The population is read off the history: the last P trials that ended, in trial order.
    Pending trials are no parents; a failed one has the worst value seen.

    Sources: Real et al., "Regularized evolution for image classifier architecture search"
    (AAAI 2019), Algorithm 1. The defaults are those of White et al., "A study on encodings
    for neural architecture search" (NeurIPS 2020), for budgets of 150 trials: 10 random
    ones, P = 30, S = 10. The large searches of Real et al. (P = 100, S = 25) start to evolve
    after 100.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        num_initial: Random architectures before the first mutant.
        population_size: P.
        sample_size: S.

    Raises:
        OptionError: One of the numbers is below 1.
    """

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        num_initial: PositiveInt = NUM_INITIAL,
        population_size: PositiveInt = 30,
        sample_size: PositiveInt = 10,
    ) -> None:
        super().__init__(cell=cell, seed=seed)
        self.num_initial = num_initial
        self.population_size, self.sample_size = population_size, sample_size

    def next_code(self, history: History, fixed: Mapping[int, int]) -> Codes:
        """Propose a random architecture or a mutant, a code ``d``."""
        rng = self.rng(history)
        codes, values = history.imputed()
        if history.position < self.num_initial or not len(codes):
            return self.draw_one(rng, fixed)
        codes, values = codes[-self.population_size :], values[-self.population_size :]
        sample = rng.integers(len(codes), size=self.sample_size)
        parent = codes[sample[values[sample].argmin()]]
        mutants = self.admissible(self.cell.neighbours(parent), fixed)
        if not len(mutants):
            return self.draw_one(rng, fixed)
        return np.asarray(mutants[rng.integers(len(mutants))])
