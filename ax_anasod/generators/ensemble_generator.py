"""Search with the neural ensemble predictor: BANANAS, and its relatives on other encodings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
import torch

from ax_anasod.core.history import History
from ax_anasod.generators.base import NUM_INITIAL, HistoryGenerator
from ax_anasod.generators.candidate_pool import PoolGenerator, PoolOptions
from ax_anasod.generators.candidates import draw_candidates
from ax_anasod.generators.fixed import apply_fixed_counts
from ax_anasod.generators.model_inputs import MAX_FEATURES, Inputs, check_features, features
from ax_anasod.generators.rounds import ByContent, Round, current_round
from ax_anasod.settings import PositiveInt, checked
from ax_anasod.simplex import TrustRegionSchedule, sample_uniform
from ax_anasod.surrogates import EnsembleOptions, NeuralEnsemble, fit_neural_ensemble
from ax_anasod.typing import Codes, Counts, FloatArray, Values


@checked
class ArchitectureEnsembleGenerator(PoolGenerator):
    """``bananas``, ``adjacency-nep-bo`` and ``path-nep-bo`` (paper, Figure 3).

    An ensemble of neural networks predicts the value of each candidate; independent Thompson
    sampling draws a value from the mean and standard deviation of the members, candidate by
    candidate, and those with the smallest draws are proposed.

    As published, the trials of a round (``trials_per_fit``) are those with the smallest draws
    of one drawing from one pool, chosen with one trained ensemble. A new drawing for every
    trial would take the minimum over ten times as many draws, which favours candidates with a
    large predictive variance, whatever their mean. Pending trials are no candidates; nothing is
    assumed of their values. A failed trial counts as the worst value seen.

    Sources: White et al., "BANANAS: Bayesian optimization with neural architectures for
    neural architecture search" (AAAI 2021); the authors' code (naszilla): 10 trials a fit,
    100 mutants of the best architecture (of the next four where these are not enough), in
    which each of the six operations of NAS-Bench-201 changes with probability 1/4.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        num_initial: Random trials before the first of this generator.
        inputs: ``"path"`` or ``"adjacency"`` (one-hot).
        max_features: The most path features; longer paths are left out.
        trials_per_fit: Trials of a round.
        candidates: Fields of :class:`PoolOptions` that differ from their defaults.
        ensemble: Fields of :class:`ax_anasod.surrogates.EnsembleOptions` that differ from the
            defaults.

    Raises:
        UnknownNameError: ``inputs``, the pool or the loss has an unknown name.
        OptionError: A number is out of range.
        CellError: Even the shortest path needs more than ``max_features`` features.
    """

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        num_initial: PositiveInt = NUM_INITIAL,
        inputs: Inputs = "path",
        max_features: PositiveInt = MAX_FEATURES,
        trials_per_fit: PositiveInt = 10,
        candidates: Annotated[Mapping[str, Any] | None, PoolOptions] = None,
        ensemble: Annotated[Mapping[str, Any] | None, EnsembleOptions] = None,
    ) -> None:
        super().__init__(cell, seed, num_initial, candidates)
        check_features(self.cell, inputs, max_features)
        self.inputs, self.max_features = inputs, max_features
        self.trials_per_fit = trials_per_fit
        self.options = EnsembleOptions(**(ensemble or {}))
        self.above = self.options.bound

    def next_code(self, history: History, fixed: Mapping[int, int]) -> Codes:
        """Propose the best candidate of the round without a trial, a code ``d``."""
        this_round = current_round(history, self.seed, self.num_initial, self.trials_per_fit)
        start = this_round.history
        if start.observed.any():
            # The same random numbers in every trial of the round: the same pool and draws.
            rng = self.rng(start)
            candidates = self.candidates(start, fixed, rng)
            order = self._draws(this_round, candidates, rng).argsort(kind="stable")
            left = self._new(candidates[order], history)
            if len(left):
                return np.asarray(left[0])
        # A round may be longer than its pool.
        return super().next_code(history, fixed)

    def choose(self, history: History, candidates: Codes, rng: np.random.Generator) -> int:
        """The candidate with the smallest draw."""
        this_round = current_round(history, self.seed, self.num_initial, self.trials_per_fit)
        return int(self._draws(this_round, candidates, rng).argmin())

    def _draws(self, this_round: Round, candidates: Codes, rng: np.random.Generator) -> FloatArray:
        """A draw for each of ``m x d`` candidates from the ensemble of a round, ``m``."""
        codes, values = this_round.history.imputed()
        ensemble = fitted_ensemble(self._features(codes), values, this_round.seed, self.options)
        return thompson_draws(ensemble, self._features(candidates), rng)

    def _features(self, codes: Codes) -> FloatArray:
        return features(self.cell, codes, self.inputs, self.max_features)


@checked
class EncodingEnsembleGenerator(HistoryGenerator):
    """``anasod-nep-bo``: the neural ensemble predictor on encodings (paper, Figure 3).

    It works as :class:`ArchitectureEnsembleGenerator` on the fractions of the operations, with the
    candidates of ``anasod-bo``: encodings drawn from the Dirichlet trust region (Algorithm
    2). An encoding may be proposed again, as another of its architectures, but not more often
    than it has architectures: BANANAS proposes no architecture twice.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        num_initial: Random trials before the first of this generator; the trust region
            starts after them.
        trials_per_fit: Trials chosen with one trained ensemble.
        pool_size: Candidates drawn for a proposal; None means 100 * k.
        trust_region: Fields of :class:`ax_anasod.simplex.TrustRegionSchedule` that differ from
            their defaults.
        ensemble: Fields of :class:`ax_anasod.surrogates.EnsembleOptions` that differ from the
            defaults.
        repeat_architectures: Whether an architecture may have a second trial, as in the paper:
            otherwise a trial is an architecture without one, and no encoding has more trials
            than architectures.

    Raises:
        UnknownNameError: There is no such loss.
        OptionError: A number is out of range.
    """

    space = "encoding"

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        num_initial: PositiveInt = NUM_INITIAL,
        trials_per_fit: PositiveInt = 10,
        pool_size: PositiveInt | None = None,
        trust_region: Annotated[Mapping[str, Any] | None, TrustRegionSchedule] = None,
        ensemble: Annotated[Mapping[str, Any] | None, EnsembleOptions] = None,
        repeat_architectures: bool = False,
    ) -> None:
        super().__init__(cell=cell, seed=seed)
        self.repeat_architectures = repeat_architectures
        self.num_initial, self.trials_per_fit = num_initial, trials_per_fit
        self.pool_size = pool_size or 100 * self.cell.num_operations
        self.trust_region = TrustRegionSchedule(**(trust_region or {}))
        self.options = EnsembleOptions(**(ensemble or {}))
        self.above = self.options.bound

    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> Counts:
        """Propose ``n`` encodings, counts ``n x k``.

        Raises:
            EncodingError: The fixed counts cannot be part of an encoding.
        """
        rng = self.rng(history)
        if not history.observed.any():
            fractions = sample_uniform(self.cell.num_operations, n, rng)
            return apply_fixed_counts(fractions, self.cell, fixed)
        this_round = current_round(history, self.seed, self.num_initial, self.trials_per_fit)
        rows, values = this_round.history.imputed()
        ensemble = fitted_ensemble(rows / self.cell.total, values, this_round.seed, self.options)
        beta = self.trust_region.replay(history.since(self.num_initial).tolist())
        incumbent, trials = history.incumbent(), history.rows
        for _ in range(n):
            known = None if self.repeat_architectures else trials
            candidates = draw_candidates(
                self.cell, self.pool_size, beta, incumbent, fixed, known, rng
            )
            best = thompson_draws(ensemble, candidates / self.cell.total, rng).argmin()
            trials = np.concatenate([trials, candidates[best : best + 1]])
        return np.asarray(trials[-n:])


def thompson_draws(
    ensemble: NeuralEnsemble, inputs: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Independent Thompson sampling: a plausible value of each candidate.

    Source: White et al., "BANANAS" (AAAI 2021), Section 4.

    Args:
        ensemble: A trained ensemble.
        inputs: ``m x d`` candidates.
        rng: Source of randomness.

    Returns:
        ``m`` draws from normal distributions with the members' mean and standard deviation.
    """
    with torch.no_grad():
        predictions = ensemble(torch.as_tensor(inputs))[..., 0].numpy()  # s x m
    draws: FloatArray = rng.normal(predictions.mean(axis=0), predictions.std(axis=0))
    return draws


def fitted_ensemble(
    inputs: FloatArray, values: Values, seed: int, options: EnsembleOptions
) -> NeuralEnsemble:
    """The ensemble of a round, trained when it is asked for first.

    Args:
        inputs: ``n x d`` features.
        values: ``n`` values.
        seed: Seed of the training.
        options: Size and training.
    """
    return _fitted_ensemble(ByContent(inputs, values), seed, options)


# The result follows from the arguments; keeping the last few only saves training again.
@lru_cache(maxsize=4)
def _fitted_ensemble(data: ByContent, seed: int, options: EnsembleOptions) -> NeuralEnsemble:
    X, Y = map(torch.tensor, data.arrays)
    return fit_neural_ensemble(X, Y[:, None], seed, options)
