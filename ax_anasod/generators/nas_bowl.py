"""NAS-BOWL: Bayesian optimisation with a Weisfeiler-Lehman kernel on the graphs of cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import torch

from ax_anasod.core.history import History
from ax_anasod.exceptions import OptionError
from ax_anasod.generators.acquisition import choose_by_ei
from ax_anasod.generators.base import NUM_INITIAL
from ax_anasod.generators.candidate_pool import PoolGenerator, PoolOptions
from ax_anasod.generators.targets import standardized_targets
from ax_anasod.settings import NonNegativeInt, PositiveFloat, PositiveInt, checked
from ax_anasod.surrogates import WeisfeilerLehmanGP, operation_graphs, simplified, subtree_features
from ax_anasod.typing import Codes


@checked
class NASBowlGenerator(PoolGenerator):
    """``nas-bowl``: a Gaussian process on subtree patterns, and a pool of mutants.

    Architectures are compared by the patterns of their graphs, from which the operations
    that compute nothing were taken out. The number of Weisfeiler-Lehman iterations is chosen
    by marginal likelihood at each proposal, targets are standardised logarithms, and the
    candidate with the largest expected improvement is proposed.

    Pending trials are conditioned on at their posterior mean (Kriging believer); a failed
    one counts as the worst value seen.

    Sources: Ru et al., "Interpretable neural architecture search via Bayesian optimisation
    with Weisfeiler-Lehman kernels" (ICLR 2021); the authors' code (nasbowl): a pool of 100,
    half of them mutants of the ten best, in which each of the six operations of NAS-Bench-201
    changes with probability 1/5, up to two iterations, noise variance in [1e-5, 0.01].

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        num_initial: Random trials before the first of this generator.
        max_depth: The most Weisfeiler-Lehman iterations.
        min_noise: Smallest noise variance, of targets with variance 1.
        max_noise: Largest noise variance.
        candidates: Fields of :class:`PoolOptions` that differ from their defaults.
        log_targets: Model the logarithm of the objective.

    Raises:
        UnknownNameError: There is no such pool.
        OptionError: A number is out of range, or ``min_noise`` above ``max_noise``.
    """

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        num_initial: PositiveInt = NUM_INITIAL,
        max_depth: NonNegativeInt = 2,
        min_noise: PositiveFloat = 1e-5,
        max_noise: PositiveFloat = 1e-2,
        candidates: Annotated[Mapping[str, Any] | None, PoolOptions] = None,
        log_targets: bool = True,
    ) -> None:
        super().__init__(cell, seed, num_initial, candidates)
        if min_noise > max_noise:
            raise OptionError(
                f"min_noise must not be above max_noise, got {min_noise} > {max_noise}"
            )
        self.max_depth = max_depth
        self.noise_bounds = (min_noise, max_noise)
        self.log_targets = log_targets

    def choose(self, history: History, candidates: Codes, rng: np.random.Generator) -> int:
        """The candidate with the largest expected improvement."""
        codes, targets = standardized_targets(history, self.log_targets)
        pending = history.rows[history.pending]
        # The columns are the patterns of all graphs that are compared.
        graphs = operation_graphs(self.cell, np.concatenate([codes, pending, candidates]))
        patterns = subtree_features(simplified(self.cell, graphs), self.max_depth)
        X = torch.as_tensor(patterns.counts)
        n, m = len(codes), len(codes) + len(pending)
        model = WeisfeilerLehmanGP(
            X[:n], torch.as_tensor(targets)[:, None], patterns.ends, self.noise_bounds
        )
        return choose_by_ei(model, X[n:m], X[m:], float(targets.min()), rng)
