"""The Gaussian process of ANASOD-BO."""

from __future__ import annotations

import math
from typing import Any

import torch
from botorch.models import SingleTaskGP
from botorch.utils.datasets import SupervisedDataset
from gpytorch.constraints import GreaterThan, Interval
from gpytorch.kernels import MaternKernel, ScaleKernel
from gpytorch.likelihoods import GaussianLikelihood
from gpytorch.likelihoods.noise_models import HomoskedasticNoise
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch import Tensor

from ax_anasod.threads import undisturbed


class PartlyKnownNoise(HomoskedasticNoise):  # type: ignore[misc]  # gpytorch has no types.
    """Noise variances of which some are known; the others, and new points, share an inferred one.

    Args:
        known: ``n`` variances of the training points; NaN where unknown.
        noise_constraint: Bounds of the inferred variance.
    """

    def __init__(self, known: Tensor, noise_constraint: Interval) -> None:
        super().__init__(noise_constraint=noise_constraint)
        # No buffer: a model of other points may be given the state of this one.
        self.known = known

    def forward(self, *params: Any, shape: torch.Size | None = None, **kwargs: Any) -> Any:
        """The diagonal matrix of the variances of ``shape[-1]`` points."""
        inferred = super().forward(*params, shape=shape, **kwargs)
        # As in gpytorch's fixed noise: so many points are the training points.
        if "noise" in kwargs or inferred.shape[-1] != len(self.known):
            return inferred
        variances = inferred.diagonal(dim1=-1, dim2=-2)
        variances = torch.where(self.known.isnan(), variances, self.known)
        return super().forward(noise=variances)


class EncodingGP(SingleTaskGP):
    """A GP with a Matern-5/2 kernel and the paper's bounds on its hyperparameters.

    Inputs are expected in [0, 1]^k and targets with mean 0 and variance 1 (paper, App. A.1:
    normalised encodings; errors log-transformed, then standardised). Hyperparameters are
    left to ``fit_gpytorch_mll``.

    Source: paper, App. A.1, "ANASOD-BO".

    Args:
        train_X: ``n x k`` inputs.
        train_Y: ``n x 1`` targets.
        train_Yvar: ``n x 1`` observed noise variances, raised to the smallest of
            ``noise_bounds`` where they are below it; the noise is inferred where None or NaN.
        lengthscale_bounds: Smallest and largest lengthscale.
        outputscale_bounds: Smallest and largest signal variance.
        noise_bounds: Smallest noise variance, and the largest where it is inferred.
        ard: Fit one lengthscale for each input instead of one for all.
    """

    @undisturbed()
    def __init__(
        self,
        train_X: Tensor,
        train_Y: Tensor,
        train_Yvar: Tensor | None = None,
        *,
        lengthscale_bounds: tuple[float, float] = (0.01, 0.5),
        outputscale_bounds: tuple[float, float] = (0.5, 5.0),
        noise_bounds: tuple[float, float] = (1e-6, 0.1),
        ard: bool = False,
    ) -> None:
        covariance = ScaleKernel(
            MaternKernel(
                nu=2.5,
                ard_num_dims=train_X.shape[-1] if ard else None,
                lengthscale_constraint=bounds(*lengthscale_bounds),
            ),
            outputscale_constraint=bounds(*outputscale_bounds),
        )
        inferred = bounds(*noise_bounds)
        likelihood = GaussianLikelihood(noise_constraint=inferred) if train_Yvar is None else None
        if train_Yvar is not None:
            # A variance of 0 is legal (a deterministic benchmark), but no matrix of full rank.
            train_Yvar = train_Yvar.clamp_min(noise_bounds[0])
            if train_Yvar.isnan().any():
                likelihood = GaussianLikelihood(noise_constraint=inferred)
                likelihood.noise_covar = PartlyKnownNoise(train_Yvar.squeeze(-1), inferred)
                train_Yvar = None
        super().__init__(
            train_X=train_X,
            train_Y=train_Y,
            train_Yvar=train_Yvar,
            likelihood=likelihood,
            covar_module=covariance,
            outcome_transform=None,
        )
        free_at_once(self)
        if train_Yvar is not None:
            self.register_load_state_dict_pre_hook(_leave_noise_out)  # type: ignore[no-untyped-call]

    @classmethod
    def construct_inputs(cls, training_data: SupervisedDataset, **options: Any) -> dict[str, Any]:
        """Keyword arguments of the constructor from a BoTorch data set and options."""
        return {**super().construct_inputs(training_data=training_data), **options}


class EncodingLikelihood(ExactMarginalLogLikelihood):  # type: ignore[misc]
    """GPyTorch's marginal likelihood, which does not outlive the fit of its model.

    Args:
        likelihood: As for ``ExactMarginalLogLikelihood``, like the model.
        model: The model.
    """

    def __init__(self, likelihood: GaussianLikelihood, model: SingleTaskGP) -> None:
        super().__init__(likelihood, model)
        free_at_once(self)


def free_at_once(module: torch.nn.Module) -> None:
    """Make Python free a GPyTorch module, and all within it, with the last reference to it.

    Each of them refers to itself, through a hook for the shapes of loaded parameters, which
    nothing here uses. Models with their n x n matrices would then stay until Python's collector
    of cycles comes by, which after a thousand trials is hundreds of models later.

    Args:
        module: The module.
    """
    for part in module.modules():
        part._load_state_dict_pre_hooks.clear()


def bounds(low: float, high: float = math.inf) -> Interval:
    """Bounds of a hyperparameter in single precision.

    GPyTorch rounds them to torch's default dtype, which a program may have changed.

    Args:
        low: The lower bound.
        high: The upper bound; infinite for none.
    """
    constraint = GreaterThan(low) if math.isinf(high) else Interval(low, high)
    constraint.lower_bound = torch.tensor(low, dtype=torch.float32)
    constraint.upper_bound = torch.tensor(high, dtype=torch.float32)
    return constraint


def _leave_noise_out(model: EncodingGP, state: dict[str, Any], prefix: str, *details: Any) -> None:
    """The part of a state with inferred noise that a model with known noise can load."""
    for name in [name for name in state if name.startswith(f"{prefix}likelihood.")]:
        del state[name]
