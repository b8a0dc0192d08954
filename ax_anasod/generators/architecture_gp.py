"""Bayesian optimisation on architectures with the surrogate of ANASOD-BO."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor

from ax_anasod.core.history import History
from ax_anasod.generators.acquisition import choose_by_ei
from ax_anasod.generators.base import NUM_INITIAL
from ax_anasod.generators.candidate_pool import PoolGenerator, PoolOptions
from ax_anasod.generators.model_inputs import MAX_FEATURES, Inputs, check_features, features
from ax_anasod.generators.targets import standardized_targets
from ax_anasod.settings import PositiveInt, checked
from ax_anasod.surrogates import EncodingGP, fit_encoding_gp
from ax_anasod.typing import Codes, Values


@checked
class ArchitectureGPGenerator(PoolGenerator):
    """``adjacency-bo`` and ``path-bo``: ANASOD-BO with another encoding (paper, Figure 3).

    Everything but the encoding is as in ``anasod-bo``: the surrogate with its bounds, refitted
    from the same start at every step, log-transformed and standardised targets, the expected
    improvement, and the size of the pool. Since these encodings have no Dirichlet
    distribution, candidates are uniform draws.

    Pending trials are conditioned on at their posterior mean (Kriging believer, Ginsbourger
    et al. 2010); a failed one counts as the worst value seen.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        num_initial: Random trials before the first of this generator.
        inputs: ``"adjacency"`` (one-hot) or ``"path"``.
        max_features: The most path features; longer paths are left out.
        candidates: Fields of :class:`PoolOptions` that differ from their defaults.
        ard: One lengthscale for each feature.
        log_targets: Model the logarithm of the objective.

    Raises:
        UnknownNameError: ``inputs`` or the pool has an unknown name.
        OptionError: A number is out of range.
        CellError: Even the shortest path needs more than ``max_features`` features.
    """

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        num_initial: PositiveInt = NUM_INITIAL,
        inputs: Inputs = "adjacency",
        max_features: PositiveInt = MAX_FEATURES,
        candidates: Annotated[Mapping[str, Any] | None, PoolOptions] = None,
        ard: bool = False,
        log_targets: bool = True,
    ) -> None:
        super().__init__(cell, seed, num_initial, candidates)
        check_features(self.cell, inputs, max_features)
        self.inputs, self.max_features = inputs, max_features
        self.ard, self.log_targets = ard, log_targets

    def choose(self, history: History, candidates: Codes, rng: np.random.Generator) -> int:
        """The candidate with the largest expected improvement."""
        codes, targets = standardized_targets(history, self.log_targets)
        model, best = self.fit(codes, targets), float(targets.min())
        pending = self._tensor(history.rows[history.pending])
        return choose_by_ei(model, pending, self._tensor(candidates), best, rng)

    def fit(self, codes: Codes, targets: Values) -> EncodingGP:
        """Fit the surrogate to codes ``n x d`` and targets ``n``."""
        model = EncodingGP(self._tensor(codes), torch.as_tensor(targets)[:, None], ard=self.ard)
        fit_encoding_gp(model)
        return model

    def _tensor(self, codes: Codes) -> Tensor:
        return torch.as_tensor(features(self.cell, codes, self.inputs, self.max_features))
