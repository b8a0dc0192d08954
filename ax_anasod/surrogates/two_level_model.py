"""The two-level Gaussian process as a model of BoTorch, for all of its acquisition functions."""

from __future__ import annotations

from copy import copy
from typing import Any, Final, Self

import numpy as np
import torch
from botorch.acquisition.objective import PosteriorTransform
from botorch.exceptions import UnsupportedError
from botorch.models.model import FantasizeMixin, Model
from botorch.posteriors import GPyTorchPosterior
from gpytorch.distributions import MultivariateNormal
from gpytorch.likelihoods import GaussianLikelihood
from linear_operator import to_linear_operator
from torch import Tensor

from ax_anasod.cells import Cell
from ax_anasod.exceptions import ArchitectureError
from ax_anasod.surrogates.level_fit import believe_and_factor
from ax_anasod.surrogates.levels import LevelFeatures, LevelName, levels_of
from ax_anasod.surrogates.two_level import TwoLevelGP
from ax_anasod.threads import undisturbed
from ax_anasod.typing import Codes

# Joint covariances are cut out of blocks of so many architectures.
_BLOCK: Final = 512


class TwoLevelModel(Model, FantasizeMixin):
    """:class:`TwoLevelGP` behind BoTorch's ``posterior``: the surrogate of ``two-level-bo``.

    Architectures are rows of codes, of any number type. They are discrete: there is no gradient
    by them, and acquisition functions are optimised over lists of them
    (``optimize_acqf_discrete``). Hyperparameters are fitted when the model is made; there is
    nothing to give to ``fit_gpytorch_mll``. Unlike the surrogate of the strategy, the model
    takes no features and no pending trials: BoTorch has ``X_pending`` and fantasies for these.

    Args:
        cell: The cell.
        train_X: ``n x d`` codes.
        train_Y: ``n x 1`` values, standardised inside as by BoTorch's ``Standardize``.
        levels: Names of the levels of the covariance; by default all that the cell has.

    Raises:
        ArchitectureError: A row is no architecture of the cell.

    Example:
        >>> cell = Cell("mine", operations=["conv", "pool", "skip"], num_blocks=4)
        >>> X = torch.tensor([[0, 0, 1, 2], [1, 1, 0, 0], [2, 1, 0, 2], [0, 0, 0, 0]])
        >>> model = TwoLevelModel(cell, X, torch.tensor([[9.1], [7.3], [8.8], [6.0]]))
        >>> model.posterior(X.unsqueeze(1)).mean.shape
        torch.Size([4, 1, 1])
    """

    num_outputs = 1

    def __init__(
        self,
        cell: Cell,
        train_X: Tensor,
        train_Y: Tensor,
        levels: tuple[LevelName, ...] | None = None,
    ) -> None:
        super().__init__()
        available = levels_of(cell)
        chosen = [available[name] for name in levels or available]
        self.cell = cell
        self._names = [level.name for level in chosen]
        self._codes, self._values = self._read(train_X), train_Y.detach().double()
        deviation = float(self._values.std()) if len(self._codes) > 1 else 0.0
        self._centre, self._scale = float(self._values.mean()), deviation or 1.0
        observed = LevelFeatures(cell, self._codes)
        self.gp = TwoLevelGP(
            chosen,
            observed.distances(observed, self._names),
            ((self._values[:, 0] - self._centre) / self._scale).numpy(),
        )
        self._condition()
        # What BoTorch asks how noisy fantasies are.
        self.likelihood = GaussianLikelihood().double()
        self.likelihood.noise = self.gp.noise * self._scale**2

    @property
    def batch_shape(self) -> torch.Size:
        """The batch shape of the model: one dimension for fantasies, otherwise none."""
        return self._values.shape[:-2]

    @undisturbed()
    def posterior(  # type: ignore[override]  # BoTorch's two base classes differ themselves.
        self,
        X: Tensor,
        output_indices: list[int] | None = None,
        observation_noise: bool | Tensor = False,
        posterior_transform: PosteriorTransform | None = None,
    ) -> Any:
        """The joint posterior of each ``q`` architectures, in the units of ``train_Y``.

        Args:
            X: ``batch_shape x q x d`` codes.
            output_indices: The only output, or None.
            observation_noise: Add the fitted noise, or noise variances that broadcast to
                ``batch_shape x q x 1``.
            posterior_transform: Applied to the posterior.

        Returns:
            A ``GPyTorchPosterior``, ``broadcast(batch_shape, model batch_shape) x q x 1``.

        Raises:
            ArchitectureError: A row is no architecture of the cell.
        """
        if output_indices not in (None, [0]):
            raise UnsupportedError(f"the model has one output, not the outputs {output_indices}")
        batch, q = X.shape[:-2], X.shape[-2]
        features = LevelFeatures(self.cell, self._read(X.reshape(-1, X.shape[-1])))
        cross = self._covariance(features, self._observed)
        mean = cross.reshape(*batch, q, -1) @ self._weights
        solved = torch.linalg.solve_triangular(self._factor, cross.mT, upper=False)
        solved = solved.reshape(len(self._factor), -1, q).permute(1, 2, 0)
        covariance = (self._prior(features, q) - solved @ solved.mT).reshape(*batch, q, q)
        if isinstance(observation_noise, Tensor):
            noise = (observation_noise[..., 0] / self._scale**2).expand(*batch, q)
            covariance = covariance + torch.diag_embed(noise.double())
        elif observation_noise:
            covariance = covariance + self.gp.noise * torch.eye(q, dtype=torch.float64)
        mean = self._centre + self._scale * mean[..., 0]
        shape = mean.shape[:-1]
        # A linear operator is factored where it is sampled from, and not before.
        covariance = to_linear_operator(self._scale**2 * covariance.expand(*shape, q, q))
        posterior = GPyTorchPosterior(MultivariateNormal(mean, covariance))
        if posterior_transform is not None:
            return posterior_transform(X=X, posterior=posterior)
        return posterior

    @undisturbed()
    def condition_on_observations(self, X: Tensor, Y: Tensor, **kwargs: Any) -> Self:
        """The model after further observations, with the same hyperparameters.

        Args:
            X: ``n' x d`` codes.
            Y: ``batch_shape x n' x 1`` values; several batches are as many fantasies.
            kwargs: None; noise is the fitted one.

        Raises:
            ArchitectureError: A row is no architecture of the cell.
            UnsupportedError: The codes have a batch dimension, or noise is given.
        """
        if X.dim() != 2 or kwargs:
            given = f"codes of shape {tuple(X.shape)}" if X.dim() != 2 else ", ".join(kwargs)
            raise UnsupportedError(
                f"the model is conditioned on codes n' x d alone, not on {given}"
            )
        model = copy(self)
        model._codes = np.concatenate([self._codes, self._read(X)])
        before = self._values.expand(*Y.shape[:-2], *self._values.shape[-2:])
        model._values = torch.cat([before, Y.detach().double()], dim=-2)
        model._condition()
        return model

    def _condition(self) -> None:
        """Factor the covariance of what was observed."""
        self._observed = LevelFeatures(self.cell, self._codes)
        covariance = self._covariance(self._observed, self._observed).numpy()
        targets = (self._values[..., 0] - self._centre) / self._scale
        columns = targets.reshape(-1, len(covariance)).numpy().T
        _, factor, weights = believe_and_factor(covariance, columns, self.gp.noise)
        self._factor = torch.from_numpy(factor)
        self._weights = torch.from_numpy(weights.T).reshape(targets.shape).unsqueeze(-1)

    def _covariance(self, features: LevelFeatures, others: LevelFeatures) -> Tensor:
        return torch.from_numpy(self.gp.covariance(features.distances(others, self._names)))

    def _prior(self, features: LevelFeatures, q: int) -> Tensor:
        """The prior covariances of each ``q`` architectures, ``b x q x q``."""
        if q == 1:
            variance = sum(self.gp.variances.values())
            return torch.full((len(features), 1, 1), variance, dtype=torch.float64)
        blocks = []
        rows = max(_BLOCK // q, 1) * q
        for start in range(0, len(features), rows):
            some = features[slice(start, start + rows)]
            block = self._covariance(some, some).reshape(len(some) // q, q, -1, q)
            blocks.append(block.diagonal(dim1=0, dim2=2).permute(2, 0, 1))
        return torch.cat(blocks)

    def _read(self, X: Tensor) -> Codes:
        codes: Codes = X.detach().round().long().numpy()
        valid = self.cell.is_valid(codes)
        if not valid.all():
            wrong = codes[~valid][0].tolist()
            raise ArchitectureError(f"{wrong} is no architecture of cell {self.cell.name!r}")
        return codes
