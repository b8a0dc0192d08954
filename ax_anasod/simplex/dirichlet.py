"""Dirichlet draws on the simplex: uniform, and biased towards an encoding (Eq. 3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ax_anasod.exceptions import EncodingError, OptionError
from ax_anasod.simplex.counts import finite_number, whole_number
from ax_anasod.typing import FloatArray

_SUM_TOLERANCE = 1e-6


def concentration(fractions: ArrayLike, beta: float) -> FloatArray:
    """Dirichlet parameters alpha_i = k * beta * p_i + 1, whose mode is ``fractions``.

    At beta = 0 the distribution is uniform. In general its mean is
    (beta * p + 1/k) / (beta + 1): the share beta / (beta + 1) of the mass sits on the
    encoding, the rest is uniform.

    Source: paper, Eq. 3.

    Args:
        fractions: ``batch_shape x k`` fractions that sum to 1 (up to 1e-6).
        beta: Strength of the bias, at least 0.

    Returns:
        ``batch_shape x k`` parameters, each at least 1.

    Raises:
        EncodingError: If the fractions are negative, not finite, or do not sum to 1.
        OptionError: If ``beta`` is negative or not finite.

    Example:
        >>> concentration([0.5, 0.5, 0.0], beta=2)
        array([4., 4., 1.])
    """
    beta = finite_number("beta", beta, 0.0)
    try:
        values = np.asarray(fractions, dtype=np.float64)
    except (TypeError, ValueError):
        raise EncodingError(f"fractions must be numbers, got {fractions!r}") from None
    if values.ndim == 0 or values.shape[-1] == 0:
        raise EncodingError(
            f"fractions must have a last dimension of at least 1, got shape {values.shape}"
        )
    # Written so that NaN fails.
    if not np.all(values >= -_SUM_TOLERANCE):
        raise EncodingError(f"fractions must not be negative or NaN, got {values.tolist()}")
    if not np.all(np.abs(values.sum(axis=-1) - 1.0) <= _SUM_TOLERANCE):
        raise EncodingError(
            f"fractions must sum to 1, got {values.tolist()}", "divide counts by their total"
        )
    alpha: FloatArray = values.shape[-1] * beta * np.maximum(values, 0.0) + 1.0
    return alpha


def sample_dirichlet(alpha: ArrayLike, n: int, rng: np.random.Generator) -> FloatArray:
    """Draws from the Dirichlet distribution.

    Args:
        alpha: ``k`` parameters, each positive.
        n: Number of draws.
        rng: Source of the randomness.

    Returns:
        ``n x k`` fractions.

    Raises:
        OptionError: If ``alpha`` is no row of positive finite numbers, or ``n`` is negative.

    Example:
        >>> sample_dirichlet([4.0, 4.0, 1.0], 2, np.random.default_rng(0)).shape
        (2, 3)
    """
    try:
        parameters = np.asarray(alpha, dtype=np.float64)
    except (TypeError, ValueError):
        raise OptionError(f"alpha must be a row of k numbers, got {alpha!r}") from None
    if parameters.ndim != 1 or parameters.size == 0:
        raise OptionError(f"alpha must be a row of k numbers, got shape {parameters.shape}")
    if not np.all((parameters > 0) & np.isfinite(parameters)):
        raise OptionError(f"alpha must be positive and finite, got {parameters.tolist()}")
    return rng.dirichlet(parameters, size=whole_number("n", n, 0))


def sample_uniform(num_operations: int, n: int, rng: np.random.Generator) -> FloatArray:
    """Draws uniformly from the simplex, Dir(1, ..., 1).

    Source: paper, Section 3.2 (random search).

    Args:
        num_operations: Number of operations k, at least 1.
        n: Number of draws.
        rng: Source of the randomness.

    Returns:
        ``n x k`` fractions.

    Raises:
        OptionError: If ``num_operations`` is below 1, or ``n`` is negative.
    """
    return sample_dirichlet(np.ones(whole_number("num_operations", num_operations, 1)), n, rng)


def sample_biased(
    fractions: ArrayLike, beta: float, n: int, rng: np.random.Generator
) -> FloatArray:
    """Draws around an encoding: biased random search and the pool of the trust region.

    Source: paper, Eq. 3. With beta = 0 the draws are those of `sample_uniform`.

    Args:
        fractions: ``k`` fractions of the best encoding so far, the mode of the draws.
        beta: Strength of the bias, at least 0.
        n: Number of draws.
        rng: Source of the randomness.

    Returns:
        ``n x k`` fractions.

    Raises:
        EncodingError: If the fractions are negative, not finite, or do not sum to 1.
        OptionError: If ``beta`` or ``n`` is negative.
    """
    return sample_dirichlet(concentration(fractions, beta), n, rng)
