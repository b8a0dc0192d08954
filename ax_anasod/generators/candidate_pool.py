"""The candidate architectures that strategies with a surrogate choose from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import numpy as np
from annotated_types import Ge

from ax_anasod.cells import Cell, mutate
from ax_anasod.core.history import History
from ax_anasod.exceptions import OptionError
from ax_anasod.generators.architecture_generator import ArchitectureGenerator
from ax_anasod.generators.base import NUM_INITIAL
from ax_anasod.generators.candidates import pool_fractions
from ax_anasod.generators.fixed import list_with_fixed
from ax_anasod.settings import PositiveFloat, PositiveInt, checked
from ax_anasod.simplex import TrustRegionSchedule
from ax_anasod.typing import Codes

PoolKind = Literal["random", "mutation", "mixed", "evolution", "dirichlet", "exhaustive"]

# Features of more architectures than this take gigabytes.
_LISTABLE: Final = 100_000
# The parent is the best of a tournament, drawn from the population of the last trials.
_POPULATION: Final = 30
_TOURNAMENT: Final = 10
# Many mutants have a trial already, so that more are drawn than are wanted.
_SPARE: Final = 4


@checked
@dataclass(frozen=True)
class PoolOptions:
    """The candidate architectures that a strategy with a surrogate chooses from.

    Candidates are different architectures without a trial:

    - ``"random"``: uniform draws.
    - ``"mutation"``: mutants of the best architecture so far; of the next best ones only
      where there are not enough (White et al. 2021, BANANAS).
    - ``"mixed"``: half of them mutants, of each of the best architectures in turn, half of
      them uniform draws (Ru et al. 2021, NAS-BOWL).
    - ``"evolution"``: all neighbours of the best of ten trials, drawn from the last thirty
      (Shi et al. 2020, BONAS).
    - ``"dirichlet"``: architectures of encodings drawn from the trust region of
      ``anasod-bo`` (paper, Algorithm 2).
    - ``"exhaustive"``: all architectures of the cell.

    Uniform draws fill a pool with too few mutants or encodings, and replace neighbours that
    all have a trial.

    Args:
        pool: The kind of candidates.
        pool_size: The number of candidates; None means 100 * k, the number of ``anasod-bo``.
        num_parents: The number of best architectures that have mutants.
        mutation_rate: Expected number of changes in a mutant (at most all columns change).

    Raises:
        UnknownNameError: There is no such pool.
        OptionError: A number is out of range.
    """

    pool: PoolKind = "random"
    pool_size: Annotated[int, Ge(2)] | None = None
    num_parents: PositiveInt = 5
    mutation_rate: PositiveFloat = 1.0


class PoolGenerator(ArchitectureGenerator):
    """Proposes the best of a pool of candidates, as judged by the surrogate of a subclass.

    The proposal is random before anything was observed, and a repeat once every architecture
    has a trial. Subclasses implement :meth:`choose`.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        num_initial: Random trials before the first of this generator.
        candidates: Fields of :class:`PoolOptions` that differ from their defaults.

    Raises:
        UnknownNameError: There is no such pool.
        OptionError: A number is out of range, or the cell has too many architectures to
            list.
    """

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        num_initial: PositiveInt = NUM_INITIAL,
        candidates: Annotated[Mapping[str, Any] | None, PoolOptions] = None,
    ) -> None:
        super().__init__(cell=cell, seed=seed)
        options = PoolOptions(**(candidates or {}))
        if options.pool == "exhaustive" and not is_listable(self.cell):
            raise OptionError(
                f"cell {self.cell.name!r} has more than the {_LISTABLE} architectures that "
                "pool='exhaustive' evaluates",
                "use pool='random'",
            )
        self.num_initial = num_initial
        self.pool = options.pool
        self.pool_size = options.pool_size or 100 * self.cell.num_operations
        self.num_parents = options.num_parents
        self.mutation_rate = min(options.mutation_rate, len(self.cell.code_sizes))

    def next_code(self, history: History, fixed: Mapping[int, int]) -> Codes:
        """Propose the best candidate, a code ``d``."""
        rng = self.rng(history)
        if not history.observed.any():
            return np.asarray(self.draw(1, rng, fixed)[0])
        candidates = self.candidates(history, fixed, rng)
        best = self.choose(history, candidates, rng) if len(candidates) > 1 else 0
        return np.asarray(candidates[best])

    @abstractmethod
    def choose(self, history: History, candidates: Codes, rng: np.random.Generator) -> int:
        """Choose the candidate to evaluate.

        Args:
            history: The run so far, with at least one value.
            candidates: Codes ``m x d``, m > 1.
            rng: The random numbers of this proposal.

        Returns:
            The row of the best candidate.
        """

    def candidates(
        self, history: History, fixed: Mapping[int, int], rng: np.random.Generator
    ) -> Codes:
        """Draw the pool: codes ``m x d``, at least one.

        Args:
            history: The run so far, with at least one value.
            fixed: Column -> value that every candidate must have.
            rng: The random numbers of this proposal.

        Raises:
            ArchitectureError: There is no valid architecture with the fixed values.
        """
        found = self._new(self._preferred(history, fixed, rng), history)
        if self.pool != "exhaustive" and not (self.pool == "evolution" and len(found)):
            found = found[: self.pool_size // 2 if self.pool == "mixed" else self.pool_size]
            others = self.draw(self.pool_size - len(found), rng, fixed)
            found = self._new(np.concatenate([found, others]), history)
        if not len(found) and is_listable(self.cell):
            # The last few architectures of a small cell are rarely drawn.
            found = self._new(self._all(fixed), history)
        return found if len(found) else self.draw(1, rng, fixed)

    def _preferred(
        self, history: History, fixed: Mapping[int, int], rng: np.random.Generator
    ) -> Codes:
        """Codes ``m x d`` that go into the pool first, in this order."""
        if self.pool == "exhaustive":
            return self._all(fixed)
        if self.pool == "random":
            return self.draw(self.pool_size, rng, fixed)
        if self.pool == "dirichlet":
            return self.admissible(self._decoded(history, rng), fixed)
        if self.pool == "evolution":
            return self.neighbours(_winner(history, rng), fixed)
        parents = self.best_architectures(history)
        if self.pool == "mutation":
            parents = np.repeat(parents, self.pool_size, axis=0)
        else:
            rounds = self.pool_size // (2 * len(parents)) + 1
            parents = np.tile(parents, (_SPARE * rounds, 1))
        mutants = mutate(self.cell, parents, rng, self.mutation_rate)
        return self.admissible(mutants, fixed) if fixed else mutants

    def best_architectures(self, history: History) -> Codes:
        """The ``num_parents`` best different architectures so far, the best first."""
        codes, values = history.imputed()
        ordered = codes[np.argsort(values, kind="stable")]
        _, first = np.unique(self.cell.keys(ordered), return_index=True)
        return ordered[np.sort(first)[: self.num_parents]]

    def _decoded(self, history: History, rng: np.random.Generator) -> Codes:
        """One architecture of each encoding drawn from the trust region."""
        beta = TrustRegionSchedule().replay(history.since(self.num_initial).tolist())
        best = self.cell.encode(self.best_architectures(history)[:1])[0]
        fractions = pool_fractions(self.cell, self.pool_size, beta, best, rng)
        return self.cell.decode(self.cell.snap(fractions), rng)

    def _all(self, fixed: Mapping[int, int]) -> Codes:
        return list_with_fixed(self.cell, fixed) if fixed else self.cell.enumerate()

    def _new(self, codes: Codes, history: History) -> Codes:
        """The ``n x d`` codes without a trial, each architecture once, in their order."""
        keys = self.cell.keys(self.cell.canonical(codes))
        _, first = np.unique(keys, return_index=True)
        first.sort()
        return codes[first[~np.isin(keys[first], self.cell.keys(history.rows))]]


def _winner(history: History, rng: np.random.Generator) -> Codes:
    """The best of some trials that are drawn from the last ones, a code ``d``."""
    codes, values = history.imputed()
    codes, values = codes[-_POPULATION:], values[-_POPULATION:]
    drawn = rng.permutation(len(codes))[:_TOURNAMENT]
    return np.asarray(codes[drawn[values[drawn].argmin()]])


def is_listable(cell: Cell) -> bool:
    """Return True if a cell has few enough architectures for all of them to be candidates."""
    return cell.num_listed <= _LISTABLE
