"""Regularised (ageing) evolution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ax_anasod.core.history import History
from ax_anasod.generators.architecture_generator import ArchitectureGenerator
from ax_anasod.generators.base import NUM_INITIAL
from ax_anasod.hyperparameters import mutate_settings
from ax_anasod.settings import PositiveInt, checked
from ax_anasod.typing import Codes, Settings, Values


@checked
class EvolutionGenerator(ArchitectureGenerator):
    """Regularised evolution: the population is the last P architectures, whatever their worth.

    The first proposals are random. Then each is a mutant of the best of S members drawn with
    replacement: one operation or one wiring choice changes, uniformly over the
    neighbours (:meth:`ax_anasod.cells.Cell.neighbours`). The oldest member dies as the new
    one ends.

    The population is read off the history: the last P trials that ended, in trial order.
    Pending trials are no parents; a failed one has the worst value seen.

    Hyperparameters are further columns that a mutant may differ in; each has
    the same chance as an operation block (:func:`ax_anasod.hyperparameters.mutate_settings`).

    Sources: Real et al., "Regularized evolution for image classifier architecture search"
    (AAAI 2019), Algorithm 1. The defaults are those of White et al., "A study on encodings
    for neural architecture search" (NeurIPS 2020), for budgets of 150 trials: 10 random
    ones, P = 30, S = 10. The large searches of Real et al. (P = 100, S = 25) start to evolve
    after 100.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        num_initial: Random architectures before the first mutant.
        population_size: The size P of the population.
        sample_size: The size S of the sample.
        hyperparameters: Hyperparameters searched beside the cell; None for none.

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
        hyperparameters: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(cell=cell, seed=seed, hyperparameters=hyperparameters)
        self.num_initial = num_initial
        self.population_size, self.sample_size = population_size, sample_size

    def next_code(self, history: History, fixed: Mapping[int, int]) -> Codes:
        """Propose a random architecture or a mutant, a code ``d``."""
        rng = self.rng(history)
        codes, values = history.imputed()
        if history.position < self.num_initial or not len(codes):
            return self.draw_one(rng, fixed)
        mutant = self._mutant(codes[self._parent(values, rng)], rng, fixed)
        return self.draw_one(rng, fixed) if mutant is None else mutant

    def next_pair(
        self, history: History, fixed: Mapping[int, int], given: Mapping[int, float]
    ) -> tuple[Codes, Settings]:
        """Propose a random architecture and setting or a mutant, a code ``d`` and ``h``."""
        rng = self.rng(history)
        codes, values = history.imputed()
        settings = history.settings[history.ended]
        if history.position < self.num_initial or not len(codes):
            return self.draw_pair(history, fixed, given)
        parent = self._parent(values, rng)
        code, setting = codes[parent], settings[parent]
        blocks, others = codes.shape[1] - len(fixed), settings.shape[1] - len(given)
        # A mutant has the given numbers, even if its parent has others.
        setting = np.array([given.get(i, number) for i, number in enumerate(setting)])
        if rng.random() * (blocks + others) < others:
            changed = mutate_settings(self.hyperparameters, setting[None], rng, given, rate=0)
            own = self.admissible(code[None], fixed)
            if len(own) and self.hyperparameters.allowed(changed)[0]:
                return own[0], changed[0]
        mutant = self._mutant(code, rng, fixed)
        if mutant is None or not self.hyperparameters.allowed(setting[None])[0]:
            return self.draw_pair(history, fixed, given)
        return mutant, setting

    def _parent(self, values: Values, rng: np.random.Generator) -> int:
        """The best of a sample of the population, as the place of its trial."""
        first = max(0, len(values) - self.population_size)
        sample = first + rng.integers(len(values) - first, size=self.sample_size)
        return int(sample[values[sample].argmin()])

    def _mutant(
        self, parent: Codes, rng: np.random.Generator, fixed: Mapping[int, int]
    ) -> Codes | None:
        mutants = self.neighbours(parent, fixed)
        return np.asarray(mutants[rng.integers(len(mutants))]) if len(mutants) else None
