"""The Gaussian process of NAS-BOWL: a Weisfeiler-Lehman kernel on subtree counts."""

from __future__ import annotations

import math
from typing import Any

import torch
from botorch.models import SingleTaskGP
from botorch.settings import validate_input_scaling
from gpytorch.constraints import Interval, Positive
from gpytorch.kernels import Kernel
from gpytorch.likelihoods import GaussianLikelihood
from gpytorch.means import ZeroMean
from gpytorch.priors import Prior
from torch import Tensor

from ax_anasod.surrogates.gp import bounds, free_at_once
from ax_anasod.threads import undisturbed

_NOISE_LEVELS = 61  # noise variances that are compared, a factor of 1.12 apart by default


class WeisfeilerLehmanKernel(Kernel):  # type: ignore[misc]
    r"""The normalised Weisfeiler-Lehman subtree kernel on precomputed counts.

    .. math::
        k(x, x') = \sigma^2 \frac{x^\top x'}{\lVert x \rVert \lVert x' \rVert}

    Inputs are the pattern counts of :func:`ax_anasod.surrogates.subtree_features`; a kernel
    of fewer iterations takes the first columns only (``active_dims``). An input without any
    pattern has the variance 0.

    Sources: Shervashidze et al., "Weisfeiler-Lehman graph kernels" (JMLR 2011); Ru et al.,
    "Interpretable neural architecture search via Bayesian optimisation with
    Weisfeiler-Lehman kernels" (ICLR 2021).

    Args:
        variance_prior: A prior on the signal variance.
        variance_constraint: The bounds of the signal variance.
        kwargs: As for any GPyTorch kernel.
    """

    has_lengthscale = False

    def __init__(
        self,
        variance_prior: Prior | None = None,
        variance_constraint: Interval | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        raw_variance = torch.nn.Parameter(torch.zeros(*self.batch_shape, 1, 1, dtype=torch.float32))
        self.register_parameter("raw_variance", raw_variance)
        constraint = variance_constraint or Positive()
        self.register_constraint("raw_variance", constraint)
        self.variance = 1.0
        if variance_prior is not None:
            self.register_prior(
                "variance_prior",
                variance_prior,
                lambda kernel: kernel.variance,
                lambda kernel, value: kernel._set_variance(value),
            )

    @property
    def variance(self) -> Tensor:
        r"""The signal variance :math:`\sigma^2`, ``batch_shape x 1 x 1``."""
        value: Tensor = self.raw_variance_constraint.transform(self.raw_variance)
        return value

    @variance.setter
    def variance(self, value: float | Tensor) -> None:
        self._set_variance(value)

    def _set_variance(self, value: float | Tensor) -> None:
        value = torch.as_tensor(value).to(self.raw_variance).expand_as(self.raw_variance)
        self.initialize(raw_variance=self.raw_variance_constraint.inverse_transform(value))

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **params: Any) -> Tensor:
        """The kernel matrix.

        Args:
            x1: ``batch_shape x n x F`` counts.
            x2: ``batch_shape x m x F`` counts.
            diag: Whether to return the diagonal only (``n = m``).
            params: Not used.

        Returns:
            ``batch_shape x n x m``, or ``batch_shape x n`` where ``diag``.
        """
        unit1, unit2 = (torch.nn.functional.normalize(x, dim=-1) for x in (x1, x2))
        if diag:
            diagonal: Tensor = self.variance[..., 0] * (unit1 * unit2).sum(dim=-1)
            return diagonal
        matrix: Tensor = self.variance * (unit1 @ unit2.mT)
        return matrix


class WeisfeilerLehmanGP(SingleTaskGP):
    """A GP whose number of Weisfeiler-Lehman iterations is chosen by marginal likelihood.

    Iterations and noise variance are those with the largest marginal likelihood of all
    combinations: one eigenvalue decomposition gives the likelihood of every noise level. The
    mean is zero and the signal variance one, since targets are standardised.

    Source: Ru et al., "Interpretable neural architecture search via Bayesian optimisation
    with Weisfeiler-Lehman kernels" (ICLR 2021), whose implementation also bounds the noise
    so.

    Args:
        train_X: ``n x F`` counts of subtree patterns.
        train_Y: ``n x 1`` targets with mean 0 and variance 1.
        ends: For each number of iterations to compare, how many of the columns it has.
        noise_bounds: Smallest and largest noise variance.
    """

    @undisturbed()
    def __init__(
        self,
        train_X: Tensor,
        train_Y: Tensor,
        ends: tuple[int, ...],
        noise_bounds: tuple[float, float] = (1e-5, 1e-2),
    ) -> None:
        low, high = (math.log10(bound) for bound in noise_bounds)
        noise = torch.logspace(low, high, _NOISE_LEVELS, dtype=train_X.dtype)
        kernels = [WeisfeilerLehmanKernel(active_dims=range(end)).to(train_X) for end in ends]
        with torch.no_grad():
            likelihoods = torch.stack(
                [
                    log_marginal_likelihood(kernel(train_X).to_dense(), train_Y[:, 0], noise)
                    for kernel in kernels
                ]
            )
        best = int(likelihoods.argmax())
        likelihood = GaussianLikelihood(noise_constraint=bounds(noise_bounds[0] / 2)).float()
        likelihood.noise = noise[best % _NOISE_LEVELS]
        # Counts are no points of the unit cube, and few targets are not quite standardised.
        with validate_input_scaling(False):
            super().__init__(
                train_X=train_X,
                train_Y=train_Y,
                likelihood=likelihood.to(train_X),
                covar_module=kernels[best // _NOISE_LEVELS],
                mean_module=ZeroMean(),
                outcome_transform=None,
            )
        free_at_once(self)
        self.depth = best // _NOISE_LEVELS
        self.eval()


def log_marginal_likelihood(covariance: Tensor, targets: Tensor, noise: Tensor) -> Tensor:
    """The log marginal likelihood of a zero-mean GP for many noise variances at once.

    Source: Rasmussen and Williams, "Gaussian processes for machine learning" (2006),
    Eq. 2.30.

    Args:
        covariance: ``n x n``, the prior covariance without noise.
        targets: ``n``.
        noise: ``m`` noise variances.

    Returns:
        ``m`` log densities.
    """
    eigenvalues, vectors = torch.linalg.eigh(covariance)
    # Rounding errors make some of the zero eigenvalues negative.
    spectrum = eigenvalues.clamp_min(0.0)[:, None] + noise  # n x m
    fit = ((vectors.mT @ targets)[:, None] ** 2 / spectrum).sum(dim=0)
    constant = len(targets) * torch.log(torch.tensor(2.0 * torch.pi, dtype=targets.dtype))
    likelihoods: Tensor = -0.5 * (fit + spectrum.log().sum(dim=0) + constant)
    return likelihoods
