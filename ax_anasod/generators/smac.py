"""SMAC: a random forest and the expected improvement, through SMAC3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.stats import norm

from ax_anasod.core.history import History
from ax_anasod.core.seeding import package_seed
from ax_anasod.generators.architecture_generator import ArchitectureGenerator
from ax_anasod.generators.base import NUM_INITIAL
from ax_anasod.generators.evaluations import Evaluations
from ax_anasod.generators.joint_rows import Columns, JointRows, Rows
from ax_anasod.hyperparameters import Choice, Range, draw_settings
from ax_anasod.settings import PositiveInt, Probability, checked
from ax_anasod.typing import AnyArray, Codes, FloatArray, Indices, Settings, Values

if TYPE_CHECKING:
    # SMAC takes seconds to import, and only this strategy needs it.
    from ConfigSpace import ConfigurationSpace

# Starts of the local search of each kind, as in SMAC.
_NUM_STARTS: Final = 10
_MAX_STEPS: Final = 100
# SMAC's encoder squares values; beyond this the squares overflow.
_LARGEST: Final = 1e100


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

    Hyperparameters are further columns of the forest: ranges and ordered choices
    as places between 0 and 1, others as categories. In the local search they have SMAC's
    neighbours (:func:`ax_anasod.hyperparameters.neighbouring_settings`).

    Sources: Hutter et al., "Sequential model-based optimization for general algorithm
    configuration" (LION 2011); Lindauer et al., "SMAC3" (JMLR 2022). The first 10 proposals
    are random, as for all strategies of the paper (App. A.1).

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        num_initial: Trials with a result before the first model.
        num_trees: Trees of the forest.
        random_probability: The probability that a proposal is random.
        num_candidates: Random architectures of which the best start a local search.
        hyperparameters: Hyperparameters searched beside the cell; None for none.

    Raises:
        OptionError: An option is out of range.
        OptionalImportError: SMAC3 is not installed.
    """

    needs = ("smac", "baselines")

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        num_initial: PositiveInt = NUM_INITIAL,
        num_trees: PositiveInt = 10,
        random_probability: Probability = 0.2,
        num_candidates: PositiveInt = 10_000,
        hyperparameters: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(cell=cell, seed=seed, hyperparameters=hyperparameters)
        self.num_initial, self.num_trees = num_initial, num_trees
        self.random_probability, self.num_candidates = random_probability, num_candidates

    def next_code(self, history: History, fixed: Mapping[int, int]) -> Codes:
        """Propose the best new architecture under the model, or a random one, a code ``d``."""
        rng = self.rng(history)
        codes, values = history.imputed()
        seen = Evaluations(self.cell, history)
        if len(codes) < self.num_initial:
            return self.draw_one(rng, fixed)
        if rng.random() < self.random_probability:
            return seen.first_unknown(self.draw(self.num_candidates, rng, fixed))
        codes, values = _averaged(self.cell.keys(codes), codes, values)
        seed = package_seed(self.seed, history.position)
        model = ForestModel(self.cell.code_sizes, codes, values, self.num_trees, seed)
        drawn = self.draw(self.num_candidates, rng, fixed)
        admissible = partial(self.admissible_of, fixed=fixed)
        looked_at, gains = self._maximise(model, codes, drawn, self.cell.edits, admissible, rng)
        # Trees are constant over whole regions, so that ties are common: they are broken at random.
        order = rng.permutation(len(gains))
        order = order[np.argsort(-gains[order], kind="stable")]
        return seen.first_unknown(looked_at[order])

    def next_pair(
        self, history: History, fixed: Mapping[int, int], given: Mapping[int, float]
    ) -> tuple[Codes, Settings]:
        """Propose the best new pair under the model, or a random one, ``d`` and ``h``."""
        rng = self.rng(history)
        codes, values = history.imputed()
        if len(codes) < self.num_initial:
            return self.draw_pair(history, fixed, given)
        joint = JointRows(self, fixed, given, rng)
        drawn = joint.join(
            self.draw(self.num_candidates, rng, fixed),
            draw_settings(self.hyperparameters, self.num_candidates, rng, given),
        )
        taken = joint.join(history.rows, history.settings)
        if rng.random() < self.random_probability:
            return joint.split(joint.first_new(drawn, taken))
        rows = taken[history.ended]
        rows, values = _averaged(joint.keys(rows), rows, values)
        seed = package_seed(self.seed, history.position)
        columns = (*self.cell.code_sizes, *self.hyperparameters.columns)
        model = ForestModel(columns, rows, values, self.num_trees, seed)
        looked_at, gains = self._maximise(model, rows, drawn, joint.edits, joint.admissible_of, rng)
        order = rng.permutation(len(gains))
        order = order[np.argsort(-gains[order], kind="stable")]
        return joint.split(joint.first_new(looked_at[order], taken))

    def _maximise(
        self,
        model: ForestModel,
        observed: Rows,
        drawn: Rows,
        edits: Callable[[Rows], Rows],
        admissible_of: Callable[[Rows], tuple[Rows, Indices]],
        rng: np.random.Generator,
    ) -> tuple[Rows, FloatArray]:
        """Maximise the expected improvement by local search.

        Args:
            model: The model.
            observed: Rows with a value, ``n x d``.
            drawn: Random rows, ``m x d``.
            edits: Gives the rows one step from a row.
            admissible_of: Gives the rows that may be proposed, and their former places.
            rng: Source of randomness, which decides among equal gains.

        Returns:
            All rows that were looked at ``l x d``, and their gains ``l``.
        """
        gains = model.expected_improvement(drawn)
        places = drawn[np.argsort(-gains, kind="stable")[:_NUM_STARTS]]
        predicted, _ = model.predict(observed)
        best = observed[np.argsort(predicted, kind="stable")[:_NUM_STARTS]]
        places = np.concatenate([places, admissible_of(best)[0]])
        heights = model.expected_improvement(places)
        looked_at, found = [drawn], [gains]
        for _ in range(_MAX_STEPS):
            if not len(places):
                break
            steps = [edits(place) for place in places]
            around, rows = admissible_of(np.concatenate(steps))
            if not len(around):
                break
            owner = np.repeat(np.arange(len(steps)), [len(step) for step in steps])[rows]
            order = rng.permutation(len(around))
            around, owner = around[order], owner[order]
            gains = model.expected_improvement(around)
            looked_at.append(around)
            found.append(gains)
            places, heights = _climbed(heights, around, gains, owner)
        return np.concatenate(looked_at), np.concatenate(found)


def _climbed(
    heights: FloatArray,
    around: Rows,
    gains: FloatArray,
    owner: Indices,
) -> tuple[Rows, FloatArray]:
    """The places of the searches after one step; searches at an optimum are left out.

    Args:
        heights: Gain of each search's place, ``s``.
        around: The neighbours of all places, ``m x d``.
        gains: Their gains, ``m``.
        owner: The search whose neighbour each is, ``m``.

    Returns:
        Places ``s' x d`` and their gains ``s'``.
    """
    order = np.argsort(-gains, kind="stable")
    _, first = np.unique(owner[order], return_index=True)
    best = order[first]
    best = best[gains[best] > heights[owner[best]]]
    return around[best], gains[best]


def _averaged(keys: AnyArray, codes: Rows, values: Values) -> tuple[Rows, Values]:
    """Each row once with its mean value: codes ``n' x d`` and values ``n'``."""
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    means = np.bincount(inverse, weights=values) / np.bincount(inverse)
    # In trial order, which decides how the trees are drawn.
    order = np.argsort(first)
    return codes[first[order]], means[order]


class ForestModel:
    """The model of SMAC3's ``HyperparameterOptimizationFacade``, fitted to given trials.

    Values are scaled between about their best and their worst and put on a log scale by
    SMAC's ``RunHistoryLogScaledEncoder``; each leaf of its ``RandomForest`` averages them on
    the original scale.

    Args:
        columns: Alternatives of each of the ``d`` columns of a code, then ranges and choices.
        codes: Different rows, ``n x d``.
        values: Their values ``n``, minimised.
        num_trees: Trees of the forest.
        seed: Seed of the forest.
    """

    def __init__(
        self,
        columns: Columns,
        codes: Rows,
        values: Values,
        num_trees: int,
        seed: int,
    ) -> None:
        from smac.model.random_forest import RandomForest

        space, self._columns = _space(columns), columns
        inputs, targets = _training_data(space, _vectors(columns, codes), values)
        self._forest = RandomForest(
            space,
            log_y=True,
            n_trees=num_trees,
            bootstrapping=True,
            ratio_features=1.0,
            min_samples_split=2,
            min_samples_leaf=1,
            # A tree has no more leaves than trials, but scikit-learn allots memory for as
            # many as are allowed: with SMAC's 2^20, a tenth of a second for each tree.
            max_leaf_nodes=max(2, len(codes)),
            # Threads cost more than such small trees do.
            n_jobs=1,
            seed=seed,
        )
        self._forest.train(inputs, targets)
        # SMAC compares with the best prediction, not with the best observation.
        self._best = float(self.predict(codes)[0].min())

    def predict(self, codes: Rows) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of the scaled logarithmic values of ``m x d`` codes, ``m`` each."""
        mean, variance = self._forest.predict_marginalized(_vectors(self._columns, codes))
        return mean[:, 0], variance[:, 0]

    def expected_improvement(self, codes: Rows) -> FloatArray:
        """Expected improvement of ``m x d`` codes on the original scale, ``m``.

        Source: Hutter et al., "An experimental investigation of model-based parameter
        optimisation: SPO and beyond" (GECCO 2009), for values with a log-normal prediction.
        """
        mean, variance = self.predict(codes)
        # SMAC's forest has a variance above 0 even where all trees agree.
        deviation = np.sqrt(variance)
        v = (self._best - mean) / deviation
        gain = np.exp(self._best) * norm.cdf(v)
        gain -= np.exp(variance / 2 + mean) * norm.cdf(v - deviation)
        # Below 0 by rounding only.
        return np.asarray(np.maximum(gain, 0.0))


def _training_data(
    space: ConfigurationSpace,
    vectors: FloatArray,
    values: Values,
) -> tuple[FloatArray, FloatArray]:
    """Rows as vectors ``n x d``, values scaled and logarithmic ``n x 1``."""
    from ConfigSpace import Configuration
    from smac import Scenario
    from smac.runhistory import RunHistory
    from smac.runhistory.encoder import RunHistoryLogScaledEncoder

    largest = np.abs(values).max()
    if largest > _LARGEST:
        values = values / largest
    history = RunHistory()
    for vector, value in zip(vectors, values.tolist(), strict=True):
        history.add(Configuration(space, vector=vector), cost=value)
    encoder = RunHistoryLogScaledEncoder(Scenario(space, deterministic=True))
    encoder.runhistory = history
    return encoder.transform()


def _vectors(columns: Columns, rows: Rows) -> FloatArray:
    """Rows as inputs of SMAC's forest, ``n x d``."""
    vectors = rows.astype(np.float64)
    for i, column in enumerate(columns):
        if not isinstance(column, int):
            vectors[:, i] = column.unit(vectors[:, i])
    return vectors


@lru_cache(maxsize=16)
def _space(columns: Columns) -> ConfigurationSpace:
    from ConfigSpace import (
        CategoricalHyperparameter,
        ConfigurationSpace,
        UniformFloatHyperparameter,
    )

    def hyperparameter(name: str, column: int | Range | Choice) -> Any:
        if isinstance(column, Range) or (isinstance(column, Choice) and column.ordered):
            return UniformFloatHyperparameter(name, 0.0, 1.0)
        size = column if isinstance(column, int) else column.size
        return CategoricalHyperparameter(name, range(size))

    space = ConfigurationSpace()
    # ConfigSpace orders vectors by name, so that "x10" would come before "x2".
    space.add([hyperparameter(f"x{i:04}", column) for i, column in enumerate(columns)])
    return space
