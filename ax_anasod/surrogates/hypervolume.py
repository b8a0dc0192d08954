"""The expected growth of the hypervolume behind a Pareto front, exactly and in users' units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy.special import log_ndtr, ndtr

from ax_anasod.fronts import Front
from ax_anasod.typing import FloatArray, Positions

Link = Literal["identity", "log", "negative_log"]

# Products of boxes and points in memory at a time.
_CHUNK: Final = 2_000_000
# A deviation of 0 would be divided by.
_SMALLEST: Final = 1e-12


@dataclass(frozen=True)
class Scale:
    r"""The transform from values of a quantity to targets of a model.

    A value is :math:`y = unit \cdot link(location + width \cdot target)`, where a larger target
    is a larger value.

    Args:
        link: ``"identity"``; ``"log"``: targets are logarithms, :math:`link(z) = e^z`; or
            ``"negative_log"``: values are negative, :math:`link(z) = -e^{-z}`.
        unit: Positive factor.
        location: What was subtracted from the linked values.
        width: What they were divided by.
    """

    link: Link
    unit: float
    location: float
    width: float

    def targets(self, values: FloatArray) -> FloatArray:
        """Values as targets; infinite where the link has no such value."""
        scaled = values / self.unit
        with np.errstate(divide="ignore"):
            if self.link == "log":
                scaled = np.log(np.maximum(scaled, 0.0))
            elif self.link == "negative_log":
                scaled = -np.log(np.maximum(-scaled, 0.0))
        return (scaled - self.location) / self.width

    def values(self, targets: FloatArray) -> FloatArray:
        """Targets as values."""
        linked = self.location + self.width * targets
        if self.link == "log":
            linked = np.exp(linked)
        elif self.link == "negative_log":
            linked = -np.exp(-linked)
        return self.unit * linked

    def percent(self, target: float) -> float:
        """The difference of one target, in percent of the value of a target."""
        if self.link != "identity":
            return 100.0 * self.width
        return 100.0 * self.width * self.unit / (abs(self.values(np.array(target)).item()) or 1.0)


@dataclass(frozen=True)
class Belief:
    """The belief of a model about one quantity of ``m`` candidates, each by itself.

    Args:
        mean: Means of the targets ``m``.
        deviation: Standard deviations of the targets ``m``; 0 for what is known.
        scale: What the targets are in the user's units.
    """

    mean: FloatArray
    deviation: FloatArray
    scale: Scale

    def __getitem__(self, rows: Positions | slice) -> Belief:
        """The belief about some of the candidates."""
        return Belief(self.mean[rows], self.deviation[rows], self.scale)

    def lucky(self, deviations: float) -> FloatArray:
        """The values ``m`` that lie so many standard deviations below the means."""
        return self.scale.values(self.mean - deviations * self.deviation)

    def log_probability_below(self, bound: float) -> FloatArray:
        """Logarithms ``m`` of the probabilities that a value is at most a bound."""
        target = self.scale.targets(np.array([bound]))[0]
        certain = np.where(self.mean <= target, 0.0, -math.inf)
        uncertain = self.deviation > 0
        deviation = np.where(uncertain, self.deviation, 1.0)
        return np.where(uncertain, log_ndtr((target - self.mean) / deviation), certain)

    def expected_gap(self, bounds: FloatArray) -> FloatArray:
        r"""The expected distance of values below bounds: :math:`E[\max(b - y, 0)]`.

        In closed form, as for the price of an option (Black & Scholes 1973) where the targets
        are logarithms: the integral of :math:`P(y \le t)` up to the bound.

        Args:
            bounds: ``b`` bounds; minus infinity gives 0.

        Returns:
            Expected gaps ``m x b``.
        """
        scale = self.scale
        mean = (scale.location + scale.width * self.mean)[:, None]
        s = np.maximum(scale.width * self.deviation, _SMALLEST)[:, None]
        finite = np.isfinite(bounds)
        b = np.where(finite, bounds, 0.0) / scale.unit
        if scale.link == "identity":
            u = (b - mean) / s
            gaps = s * (u * ndtr(u) + np.exp(-0.5 * u**2) / math.sqrt(2.0 * math.pi))
        else:
            size = np.maximum(np.abs(b), np.finfo(np.float64).tiny)
            if scale.link == "log":
                d = (np.log(size) - mean) / s
                gaps = np.where(b > 0, b * ndtr(d) - np.exp(mean + 0.5 * s**2) * ndtr(d - s), 0.0)
            else:
                expected = np.exp(0.5 * s**2 - mean)
                d = (-mean - np.log(size)) / s
                gaps = np.where(b < 0, expected * ndtr(d + s) + b * ndtr(d), expected + b)
        return np.where(finite, scale.unit * np.maximum(gaps, 0.0), 0.0)


class ExpectedHypervolumeImprovement(Front):
    """The expected growth of the volume between a front and a reference point.

    The volume is that of the users' units, whatever scale the models have: over each box that
    no front point dominates the expected gaps to its two ends are subtracted, and multiplied
    over the objectives, whose models are independent. This is exact.

    Source: Emmerich, Yang, Deutz, Wang & Fonseca 2016, "A multicriteria generalization of
    Bayesian global optimization"; Yang, Emmerich, Deutz & Baeck 2019, "Efficient computation
    of expected hypervolume improvement using box decomposition algorithms".
    """

    def __call__(self, beliefs: Sequence[Belief]) -> FloatArray:
        """The expected growth.

        Args:
            beliefs: Those of each of ``m`` objectives, of the same ``k`` candidates.

        Returns:
            ``k`` volumes, in the product of the units.
        """
        k = len(beliefs[0].mean)
        total = np.zeros(k)
        step = max(1, _CHUNK // len(self._lower))
        for start in range(0, k, step):
            rows = slice(start, start + step)
            volumes: FloatArray | None = None
            for column, belief in enumerate(beliefs):
                corners = [self._lower[:, column], self._upper[:, column]]
                ends, at = np.unique(corners, return_inverse=True)
                at = at.reshape(2, len(self._lower))
                gaps = belief[rows].expected_gap(ends)
                sides = np.maximum(gaps[:, at[1]] - gaps[:, at[0]], 0.0)
                volumes = sides if volumes is None else np.multiply(volumes, sides, out=volumes)
            assert volumes is not None  # there is an objective
            total[rows] = volumes.sum(axis=1)
        return total
