"""The search of the acquisition function where architectures are too many to evaluate all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np

from ax_anasod.cells import Cell, mutate
from ax_anasod.cells.mutation import one_column_edits
from ax_anasod.core.history import History
from ax_anasod.generators.architecture_generator import ArchitectureGenerator
from ax_anasod.generators.expected_improvement import Acquisition
from ax_anasod.generators.fixed import list_with_fixed
from ax_anasod.generators.known_limits import none_allowed
from ax_anasod.generators.ties import best_row
from ax_anasod.simplex import sample_biased
from ax_anasod.surrogates import LevelFeatures
from ax_anasod.typing import Codes

# Parents at the start: the best architectures of the run.
_PARENTS: Final = 10
# Mutants, architectures of distributions around the best ones, and uniform draws to start.
_MUTANTS, _DIRICHLET, _UNIFORM = 400, 400, 200
_BETA: Final = 2.0
# In each round the best so far have mutants, and the very best all their neighbours.
_SURVIVORS, _CHILDREN, _CLIMBERS = 50, 8, 5
_ROUNDS: Final = 12
_PATIENCE: Final = 2


def optimize_acquisition(
    generator: ArchitectureGenerator,
    acquisition: Acquisition,
    history: History,
    fixed: Mapping[int, int],
    rng: np.random.Generator,
) -> tuple[Codes, float]:
    """The best architecture without a trial that is found, and its acquisition value.

    Evolution and local search at once: the population starts with mutants of the best
    architectures of the run, with architectures whose distributions are Dirichlet draws
    around the best distributions (paper, Eq. 3), and with uniform draws; in each round the
    best so far have mutants and the very best all of their neighbours, until two rounds in a
    row find nothing better. All candidates of a round are made and evaluated at once.

    Args:
        generator: The generator, with its cell.
        acquisition: The acquisition function.
        history: The run so far, its rows representatives.
        fixed: Column -> value that the proposal must have.
        rng: The random numbers of this proposal.
    """
    cell = generator.cell
    population = _Population(cell, acquisition, history, rng)
    population.add(generator.admissible(_first(generator, acquisition, history, rng), fixed))
    population.add(generator.draw(_UNIFORM, rng, fixed))
    best, idle = population.best, 0
    for _ in range(_ROUNDS):
        survivors = population.top(_SURVIVORS)
        if idle == _PATIENCE or not len(survivors):
            break
        children = [mutate(cell, np.repeat(survivors, _CHILDREN, axis=0), rng)]
        children += [one_column_edits(code, cell.code_sizes) for code in survivors[:_CLIMBERS]]
        population.add(generator.admissible(np.concatenate(children), fixed))
        idle = 0 if population.best > best else idle + 1
        best = population.best
    found = population.top(_SURVIVORS)
    if len(found):
        return np.asarray(found[best_row(population.values, rng)]), population.best
    # All that was found has a trial: a repeat is a further observation.
    return generator.draw_allowed(1, history, rng, fixed)[0], population.best


def best_of_all(
    generator: ArchitectureGenerator,
    acquisition: Acquisition,
    history: History,
    fixed: Mapping[int, int],
    rng: np.random.Generator,
) -> tuple[Codes, float]:
    """The best of all architectures without a trial (of all, if each has one), and its value.

    Raises:
        OptionError: No architecture keeps the limits on known quantities.
    """
    cell = generator.cell
    codes, features = _everything(cell) if not fixed else _fixed(cell, fixed)
    if not len(codes):
        return generator.draw_one(rng, fixed), -math.inf
    values = acquisition(features)
    seen = np.isin(cell.keys(cell.canonical(codes)), cell.keys(history.rows))
    if (values[~seen] > -math.inf).any():
        values[seen] = -math.inf
    best = best_row(values, rng)
    if values[best] == -math.inf:
        raise none_allowed(cell, history, codes)
    return np.asarray(codes[best]), float(values[best])


@lru_cache(maxsize=2)
def _everything(cell: Cell) -> tuple[Codes, LevelFeatures]:
    """All architectures of a cell, ``m x d``, and their features: the same at every step."""
    codes = cell.enumerate()
    return codes, LevelFeatures(cell, codes)


def _fixed(cell: Cell, fixed: Mapping[int, int]) -> tuple[Codes, LevelFeatures]:
    """The architectures that have a code with fixed values, ``m x d``, and their features."""
    codes = list_with_fixed(cell, fixed)
    return codes, LevelFeatures(cell, codes)


def _first(
    generator: ArchitectureGenerator,
    acquisition: Acquisition,
    history: History,
    rng: np.random.Generator,
) -> Codes:
    """Codes near the best of the run, ``m x d``."""
    cell = generator.cell
    order = np.argsort(acquisition.believed, kind="stable")
    parents = acquisition.codes[order[:_PARENTS]]
    mutants = mutate(cell, np.resize(parents, (_MUTANTS, parents.shape[1])), rng)
    distributions = cell.encode(parents) / cell.num_blocks
    each = math.ceil(_DIRICHLET / len(parents))
    fractions = [sample_biased(p, _BETA, each, rng) for p in distributions]
    decoded = cell.decode(cell.snap(np.concatenate(fractions)), rng)
    return np.concatenate([parents, mutants, decoded])


class _Population:
    """The best candidates so far, each once, the best first, and their acquisition ``values``."""

    def __init__(
        self, cell: Cell, acquisition: Acquisition, history: History, rng: np.random.Generator
    ) -> None:
        self._cell, self._acquisition = cell, acquisition
        # A stream of its own: the number of candidates then changes no other draw.
        (self._rng,) = rng.spawn(1)
        self._known = np.unique(cell.keys(history.rows))
        self._codes = np.empty((0, len(cell.code_sizes)), dtype=np.int64)
        self.values = np.empty(0)

    @property
    def best(self) -> float:
        """The largest acquisition value so far; minus infinity before there is one."""
        return float(self.values[0]) if len(self.values) else -math.inf

    def top(self, n: int) -> Codes:
        """The best ``n`` candidates so far, codes ``n x d``."""
        return self._codes[:n]

    def add(self, codes: Codes) -> None:
        """Evaluate the ``m x d`` codes that are new and have no trial."""
        keys, first = np.unique(self._cell.keys(self._cell.canonical(codes)), return_index=True)
        new = ~np.isin(keys, self._known)
        # Keys have the order of the operations, which must not decide among equal values.
        codes = codes[self._rng.permutation(first[new])]
        self._known = np.union1d(self._known, keys[new])
        values = self._acquisition(LevelFeatures(self._cell, codes))
        allowed = values > -math.inf
        values = np.concatenate([self.values, values[allowed]])
        order = np.argsort(-values, kind="stable")[:_SURVIVORS]
        self._codes = np.concatenate([self._codes, codes[allowed]])[order]
        self.values = values[order]
