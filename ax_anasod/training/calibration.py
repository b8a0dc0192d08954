"""The quality of probabilities: accuracy, likelihood, calibration, and averages of ensembles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ax_anasod.exceptions import OptionError
from ax_anasod.typing import FloatArray, Indices

NUM_BINS = 15
"""Bins of the calibration error, as in Guo et al. (2017)."""


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy, in bins of equal width of the confidence.

    The confidence of a prediction is the probability of its most probable class.

    Source: Guo et al., "On calibration of modern neural networks" (ICML 2017).

    Args:
        edges: ``bins + 1`` edges from 0 to 1; a bin holds its upper edge.
        counts: ``bins`` numbers of images.
        confidence: ``bins`` mean confidences; NaN where a bin is empty.
        accuracy: ``bins`` shares of right predictions; NaN where a bin is empty.
    """

    edges: FloatArray
    counts: Indices
    confidence: FloatArray
    accuracy: FloatArray

    @property
    def expected_calibration_error(self) -> float:
        """Mean distance of confidence and accuracy, in percentage points, weighted by images."""
        filled = self.counts > 0
        gaps = np.abs(self.confidence - self.accuracy)[filled]
        return 100 * float(gaps @ self.counts[filled]) / int(self.counts.sum())


def reliability(
    probabilities: ArrayLike, labels: ArrayLike, num_bins: int = NUM_BINS
) -> Reliability:
    """Sort predictions by their confidence.

    Args:
        probabilities: ``n x c``; rows sum to 1.
        labels: ``n`` class numbers.
        num_bins: Number of bins.

    Raises:
        OptionError: If these are no probabilities of such classes, or there is no bin.
    """
    p, classes = _checked(probabilities, labels)
    if num_bins < 1:
        raise OptionError(f"num_bins must be at least 1, got {num_bins}")
    confidence, right = p.max(axis=1), p.argmax(axis=1) == classes
    edges = np.linspace(0, 1, num_bins + 1)
    bins = np.clip(np.searchsorted(edges, confidence) - 1, 0, num_bins - 1)
    counts = np.bincount(bins, minlength=num_bins)
    with np.errstate(invalid="ignore"):
        means = [
            np.bincount(bins, weights=values, minlength=num_bins) / counts
            for values in (confidence, right)
        ]
    return Reliability(edges, counts.astype(np.int64), *means)


def quality(probabilities: ArrayLike, labels: ArrayLike) -> Mapping[str, float]:
    """The figures of merit of probabilities.

    Args:
        probabilities: ``n x c``; rows sum to 1.
        labels: ``n`` class numbers.

    Returns:
        ``accuracy`` (percent), ``negative_log_likelihood`` (nats an image) and
        ``expected_calibration_error`` (percentage points, 15 bins).

    Raises:
        OptionError: If these are no probabilities of such classes.

    Example:
        >>> quality([[0.5, 0.5], [0.25, 0.75]], [0, 1])["accuracy"]
        100.0
    """
    p, classes = _checked(probabilities, labels)
    of_label = p[np.arange(len(p)), classes]
    # A probability that is 0 in single precision is not an infinite surprise.
    surprise = -np.log(np.maximum(of_label, np.finfo(np.float32).tiny))
    return {
        "accuracy": 100 * float((p.argmax(axis=1) == classes).mean()),
        "negative_log_likelihood": float(surprise.mean()),
        "expected_calibration_error": reliability(p, classes).expected_calibration_error,
    }


def ensemble_probabilities(members: ArrayLike) -> FloatArray:
    """The prediction of an ensemble: the mean of the probabilities of its members.

    Source: Lakshminarayanan et al., "Simple and scalable predictive uncertainty estimation
    using deep ensembles" (NeurIPS 2017), Section 2.4.

    Args:
        members: ``m x n x c``.

    Returns:
        ``n x c``.

    Raises:
        OptionError: If there is no member.
    """
    array = np.asarray(members, dtype=np.float64)
    if array.ndim != 3 or not len(array):
        raise OptionError(f"an ensemble needs probabilities m x n x c, got shape {array.shape}")
    mean: FloatArray = array.mean(axis=0)
    return mean


def _checked(probabilities: ArrayLike, labels: ArrayLike) -> tuple[FloatArray, Indices]:
    p, classes = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    if p.ndim != 2 or classes.shape != (len(p),) or not len(p):
        raise OptionError(
            f"probabilities must be n x c and labels n, got shapes {p.shape} and {classes.shape}"
        )
    # Sums of rows in single precision are 1 up to the number of classes times its rounding.
    if not (p >= 0).all() or not np.allclose(p.sum(axis=1), 1, atol=1e-3):
        raise OptionError("probabilities must be at least 0 and sum to 1 in each row")
    if classes.dtype.kind not in "iu" or classes.min() < 0 or classes.max() >= p.shape[1]:
        raise OptionError(f"labels must be class numbers from 0 to {p.shape[1] - 1}")
    return p, classes.astype(np.int64)
