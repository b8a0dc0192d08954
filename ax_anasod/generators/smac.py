"""SMAC: a random forest and the expected improvement, through SMAC3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from ax_anasod.core.history import History
from ax_anasod.core.seeding import package_seed
from ax_anasod.generators.architecture import ArchitectureGenerator
from ax_anasod.generators.base import NUM_INITIAL
from ax_anasod.generators.evaluations import Evaluations
from ax_anasod.optional import require
from ax_anasod.settings import PositiveInt, Probability, checked

if TYPE_CHECKING:
    from ax_anasod.generators.smac_model import ForestModel

# Starts of the local search of each kind, as in SMAC.
_NUM_STARTS: Final = 10
_MAX_STEPS: Final = 100


@checked
class SMACGenerator(ArchitectureGenerator):
    """SMAC on one categorical parameter per block and wiring choice.

    The random forest and the scaling of the values are SMAC3's, with the defaults of its
    ``HyperparameterOptimizationFacade``; they are built anew for each proposal from the
    history, so that nothing is kept, or written to disk. As in SMAC, no architecture is
    proposed twice, and one proposal in five is random.

    The acquisition function is maximised as SMAC does it, by local search from the best of
    many random architectures and from those with the best predictions, but for all starts
    at once and on valid architectures only, and the best new one of all that were looked at
    is taken. SMAC itself takes one of the ends of the local searches; where all of these are
    evaluated already, it draws at random. It also orders the starts by hashes that differ
    from process to process, so that its runs cannot be repeated or resumed.

    A failed trial has the worst value seen; of several trials of one architecture the mean
    counts. A pending one is not in the model, and not proposed again. SMAC's own loop
    retrains its model after every eighth trial; here it is retrained for each.

    Sources: Hutter et al., "Sequential model-based optimization for general algorithm
    configuration" (LION 2011); Lindauer et al., "SMAC3" (JMLR 2022). The first 10 proposals
    are random, as for all strategies of the paper (App. A.1).

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        num_initial: Trials with a result before the first model.
        num_trees: Trees of the forest.
        random_probability: How often a proposal is random.
        num_candidates: Random architectures of which the best start a local search.

    Raises:
        OptionError: An option is out of range.
        OptionalImportError: SMAC3 is not installed.
    """

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        num_initial: PositiveInt = NUM_INITIAL,
        num_trees: PositiveInt = 10,
        random_probability: Probability = 0.2,
        num_candidates: PositiveInt = 10_000,
    ) -> None:
        require("smac", "baselines")
        super().__init__(cell=cell, seed=seed)
        self.num_initial, self.num_trees = num_initial, num_trees
        self.random_probability, self.num_candidates = random_probability, num_candidates

    def next_code(self, history: History, fixed: Mapping[int, int]) -> npt.NDArray[np.int64]:
        """Propose the best new architecture under the model, or a random one, a code ``d``."""
        rng = self.rng(history)
        codes, values = history.imputed()
        seen = Evaluations(self.cell, history)
        if len(codes) < self.num_initial:
            return self.draw_one(rng, fixed)
        if rng.random() < self.random_probability:
            return seen.first_unknown(self.draw(self.num_candidates, rng, fixed))
        # SMAC takes seconds to import, and only this strategy needs it.
        from ax_anasod.generators.smac_model import ForestModel

        codes, values = _averaged(self.cell.keys(codes), codes, values)
        seed = package_seed(self.seed, history.position)
        model = ForestModel(self.cell.code_sizes, codes, values, self.num_trees, seed)
        drawn = self.draw(self.num_candidates, rng, fixed)
        looked_at, gains = self._maximise(model, codes, drawn, fixed, rng)
        # Trees are constant over whole regions: of equal ones a random one is taken.
        order = rng.permutation(len(gains))
        order = order[np.argsort(-gains[order], kind="stable")]
        return seen.first_unknown(looked_at[order])

    def _maximise(
        self,
        model: ForestModel,
        observed: npt.NDArray[np.int64],
        drawn: npt.NDArray[np.int64],
        fixed: Mapping[int, int],
        rng: np.random.Generator,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Maximise the expected improvement by local search.

        Args:
            model: The model.
            observed: Architectures with a value, ``n x d``.
            drawn: Random architectures, ``m x d``.
            fixed: Column -> value that a proposal must have.
            rng: Decides among equal gains.

        Returns:
            All architectures that were looked at ``l x d``, and their gains ``l``.
        """
        gains = model.expected_improvement(drawn)
        places = drawn[np.argsort(-gains, kind="stable")[:_NUM_STARTS]]
        predicted, _ = model.predict(observed)
        best = observed[np.argsort(predicted, kind="stable")[:_NUM_STARTS]]
        places = np.concatenate([places, self.admissible(best, fixed)])
        heights = model.expected_improvement(places)
        looked_at, found = [drawn], [gains]
        for _ in range(_MAX_STEPS):
            if not len(places):
                break
            edits = [self.cell.edits(place) for place in places]
            around, rows = self.admissible_of(np.concatenate(edits), fixed)
            if not len(around):
                break
            owner = np.repeat(np.arange(len(edits)), [len(edit) for edit in edits])[rows]
            order = rng.permutation(len(around))
            around, owner = around[order], owner[order]
            gains = model.expected_improvement(around)
            looked_at.append(around)
            found.append(gains)
            places, heights = _climbed(heights, around, gains, owner)
        return np.concatenate(looked_at), np.concatenate(found)


def _climbed(
    heights: npt.NDArray[np.float64],
    around: npt.NDArray[np.int64],
    gains: npt.NDArray[np.float64],
    owner: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Where the searches stand after one step; those at an optimum are gone.

    Args:
        heights: Gain of each search's place, ``s``.
        around: The neighbours of all places, ``m x d``.
        gains: Their gains, ``m``.
        owner: Whose neighbour each is, ``m``.

    Returns:
        Places ``s' x d`` and their gains ``s'``.
    """
    order = np.argsort(-gains, kind="stable")
    _, first = np.unique(owner[order], return_index=True)
    best = order[first]
    best = best[gains[best] > heights[owner[best]]]
    return around[best], gains[best]


def _averaged(
    keys: npt.NDArray[Any], codes: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Each architecture once with its mean value: codes ``n' x d`` and values ``n'``."""
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    means = np.bincount(inverse, weights=values) / np.bincount(inverse)
    # In trial order, which decides how the trees are drawn.
    order = np.argsort(first)
    return codes[first[order]], means[order]
