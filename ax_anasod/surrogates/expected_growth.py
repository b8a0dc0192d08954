"""The expected growth of a front's hypervolume as a BoTorch acquisition function."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.models.model import Model
from botorch.utils.transforms import t_batch_mode_transform
from torch import Tensor

from ax_anasod.fronts import Front, nondominated_boxes
from ax_anasod.surrogates.hypervolume import Scale

# What promises nothing has no logarithm.
_SMALLEST: Final = 1e-100
_LEAST_DEVIATION: Final = 1e-12


class LogExpectedGrowth(AcquisitionFunction):
    """The log expected growth of a hypervolume, times the probability that limits are kept.

    Analytic and differentiable, and in the users' units whatever scale the models have: as
    :class:`ax_anasod.surrogates.hypervolume.ExpectedHypervolumeImprovement`, from the
    independent posteriors of a model of several outcomes.

    Args:
        model: The model, with one outcome for each objective and limit.
        objectives: Of each objective the column of its outcome, and what scale its values have,
            so that less is better: targets are ``sign * outcome``.
        signs: The signs ``m``.
        front: The front so far and its reference point, in the users' units.
        constraints: Column -> (lower, upper) bounds of an outcome, as in
            :class:`botorch.acquisition.analytic.LogConstrainedExpectedImprovement`.
    """

    _log: bool = True
    _lower: Tensor
    _upper: Tensor

    def __init__(
        self,
        model: Model,
        objectives: Sequence[tuple[int, Scale]],
        signs: Sequence[float],
        front: Front,
        constraints: Mapping[int, tuple[float | None, float | None]],
    ) -> None:
        super().__init__(model=model)
        self._objectives, self._signs = list(objectives), list(signs)
        self._constraints = dict(constraints)
        lower, upper = nondominated_boxes(front.points, front.reference)
        self.register_buffer("_lower", torch.from_numpy(lower))
        self.register_buffer("_upper", torch.from_numpy(upper))

    @t_batch_mode_transform(expected_q=1)  # type: ignore[arg-type]  # of a method of the base
    def forward(self, X: Tensor) -> Tensor:
        """Log values ``b`` of ``b x 1 x d`` points."""
        posterior: Any = self.model.posterior(X)
        mean = posterior.mean.squeeze(-2)
        deviation = posterior.variance.clamp_min(_LEAST_DEVIATION**2).sqrt().squeeze(-2)
        volumes = torch.ones(len(X), len(self._lower), dtype=X.dtype, device=X.device)
        for m, (column, scale) in enumerate(self._objectives):
            target = self._signs[m] * mean[:, column, None]
            # Of one box after the other the ends coincide.
            ends, at = torch.unique(
                torch.stack([self._lower[:, m], self._upper[:, m]]), return_inverse=True
            )
            gaps = expected_gaps(scale, target, deviation[:, column, None], ends)
            volumes = volumes * (gaps[:, at[1]] - gaps[:, at[0]]).clamp_min(0.0)
        values = volumes.sum(dim=1).clamp_min(_SMALLEST).log()
        for column, (least, most) in self._constraints.items():
            for bound, sign in ((least, -1.0), (most, 1.0)):
                if bound is not None:
                    z = sign * (bound - mean[:, column]) / deviation[:, column]
                    values = values + torch.special.log_ndtr(z)
        return values


def expected_gaps(scale: Scale, mean: Tensor, deviation: Tensor, bounds: Tensor) -> Tensor:
    r"""A differentiable :meth:`ax_anasod.surrogates.hypervolume.Belief.expected_gap`.

    Args:
        scale: What the targets are in the users' units.
        mean: Means ``n x 1`` of the targets.
        deviation: Their standard deviations.
        bounds: ``b`` bounds; minus infinity gives 0.

    Returns:
        :math:`E[\max(b - y, 0)]`, ``n x b``.
    """
    ndtr = torch.special.ndtr
    location, s = scale.location + scale.width * mean, scale.width * deviation
    finite = bounds.isfinite()
    b = torch.where(finite, bounds, 0.0) / scale.unit
    if scale.link == "identity":
        u = (b - location) / s
        gaps = s * (u * ndtr(u) + torch.exp(-0.5 * u**2) / math.sqrt(2.0 * math.pi))
    else:
        size = b.abs().clamp_min(torch.finfo(b.dtype).tiny)
        if scale.link == "log":
            d = (size.log() - location) / s
            gaps = b * ndtr(d) - torch.exp(location + 0.5 * s**2) * ndtr(d - s)
            gaps = torch.where(b > 0, gaps, 0.0)
        else:
            expected = torch.exp(0.5 * s**2 - location)
            d = (-location - size.log()) / s
            gaps = torch.where(b < 0, expected * ndtr(d + s) + b * ndtr(d), expected + b)
    return torch.where(finite, scale.unit * gaps.clamp_min(0.0), 0.0)
