"""Draws against scipy's Dirichlet distribution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ax_anasod.exceptions import EncodingError, OptionError
from ax_anasod.simplex import (
    bomze_round,
    concentration,
    enumerate_grid,
    rank,
    sample_biased,
    sample_dirichlet,
    sample_uniform,
)

DRAWS = 20_000
fraction_rows = (
    st.lists(st.integers(0, 10), min_size=2, max_size=8)
    .filter(any)
    .map(lambda counts: np.array(counts) / sum(counts))
)


@pytest.mark.parametrize(
    "alpha",
    [
        pytest.param([1.0, 1.0, 1.0], id="uniform"),
        pytest.param([0.3, 0.9, 2.0], id="sparse"),
        pytest.param([6.0, 1.0, 3.0, 1.0, 4.0], id="biased"),
        pytest.param([1.0 + 10 * i / 12 for i in range(12)], id="twelve operations"),
    ],
)
def test_draws_have_the_moments_and_margins_of_scipy(alpha: list[float]) -> None:
    draws = sample_dirichlet(alpha, DRAWS, np.random.default_rng(0))
    expected = stats.dirichlet(alpha)
    assert draws.shape == (DRAWS, len(alpha))
    assert draws.min() >= 0
    np.testing.assert_allclose(draws.sum(axis=1), 1, atol=1e-12)
    # Five standard errors of each mean; covariances within a tenth of the largest variance.
    error = 5 * np.sqrt(expected.var() / DRAWS)
    assert (np.abs(draws.mean(axis=0) - expected.mean()) < error).all()
    np.testing.assert_allclose(
        np.cov(draws.T), expected.cov(), rtol=0, atol=0.1 * expected.var().max()
    )
    for index, parameter in enumerate(alpha):
        margin = stats.beta(parameter, sum(alpha) - parameter)
        assert stats.kstest(draws[:, index], margin.cdf).pvalue > 1e-3


@given(fraction_rows, st.floats(0.01, 32))
def test_mode_is_the_encoding(fractions: np.ndarray, beta: float) -> None:
    alpha = concentration(fractions, beta)
    assert alpha.min() >= 1
    # The density of scipy at the encoding is above that of points all around it.
    density = stats.dirichlet(alpha).logpdf
    for toward in np.eye(len(fractions)):
        other = 0.95 * fractions + 0.05 * toward
        if not np.allclose(other, fractions):
            assert density(other / other.sum()) < density(fractions)


@given(fraction_rows, st.floats(0, 32))
def test_concentration_is_equation_3(fractions: np.ndarray, beta: float) -> None:
    alpha = concentration(fractions, beta)
    size = len(fractions)
    expected = [size * beta * fraction + 1 for fraction in fractions]
    np.testing.assert_allclose(alpha, expected, rtol=1e-12)
    # The mean that the docstring promises.
    mean = (beta * fractions + 1 / size) / (beta + 1)
    np.testing.assert_allclose(stats.dirichlet(alpha).mean(), mean, rtol=1e-9)


def test_concentration_takes_batches() -> None:
    fractions = np.array([[[0.5, 0.5]], [[1.0, 0.0]]])
    assert concentration(fractions, 1.5).tolist() == [[[2.5, 2.5]], [[4.0, 1.0]]]


def test_negative_noise_never_lowers_a_parameter_below_one() -> None:
    assert concentration([1.0 + 1e-9, -1e-9], 1e6).min() == 1


@pytest.mark.parametrize("counts", [[2, 3, 4], [6, 0, 3], [0, 9, 0]])
def test_most_frequent_rounded_draw_is_the_encoding(counts: list[int]) -> None:
    fractions = np.array(counts) / 9
    draws = sample_biased(fractions, 16.0, DRAWS, np.random.default_rng(1))
    frequency = np.bincount(rank(bomze_round(9 * draws, 9)))
    assert frequency.argmax() == rank(counts)[0]


def test_uniform_draws_reach_every_encoding() -> None:
    draws = sample_uniform(5, 10 * DRAWS, np.random.default_rng(2))
    reached = np.unique(rank(bomze_round(6 * draws, 6)))
    assert len(reached) == len(enumerate_grid(6, 5))


def test_bias_grows_with_beta() -> None:
    fractions = np.array([0.5, 0.3, 0.2, 0.0])
    distances = [
        np.abs(sample_biased(fractions, beta, 2000, np.random.default_rng(3)) - fractions).mean()
        for beta in (0.0, 0.25, 2.0, 16.0)
    ]
    assert distances == sorted(distances, reverse=True)


def test_bias_zero_gives_the_uniform_draws() -> None:
    biased = sample_biased([0.2, 0.8], 0.0, 50, np.random.default_rng(4))
    assert np.array_equal(biased, sample_uniform(2, 50, np.random.default_rng(4)))


def test_draws_depend_on_the_generator_alone() -> None:
    np.random.seed(0)  # noqa: NPY002 - the global state is what must not matter
    untouched = np.random.random()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    first = sample_biased([0.2, 0.8], 3.0, 5, np.random.default_rng(5))
    assert np.random.random() == untouched  # noqa: NPY002
    assert np.array_equal(first, sample_biased([0.2, 0.8], 3.0, 5, np.random.default_rng(5)))
    other = sample_biased([0.2, 0.8], 3.0, 5, np.random.default_rng(6))
    assert not np.array_equal(first, other)


def test_no_draws_and_one_operation_are_legal() -> None:
    rng = np.random.default_rng(7)
    assert sample_uniform(5, 0, rng).shape == (0, 5)
    assert sample_uniform(1, 3, rng).tolist() == [[1.0]] * 3


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ([0.5, 0.4], r"sum to 1, got \[0.5, 0.4\]"),
        ([3, 3], "divide counts by their total"),
        ([1.5, -0.5], "negative or NaN"),
        ([np.nan, 1.0], "negative or NaN"),
        ([np.inf, 0.0], "sum to 1"),
        (["a", "b"], "must be numbers"),
        (1.0, "last dimension of at least 1"),
        ([], "last dimension of at least 1"),
    ],
)
def test_fractions_off_the_simplex_are_refused(fractions: object, message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        concentration(fractions, 1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("beta", [-0.1, np.nan, np.inf, "2", None])
def test_beta_out_of_range_is_refused(beta: object) -> None:
    with pytest.raises(OptionError, match="beta must be a finite number of at least 0, got"):
        concentration([0.5, 0.5], beta)  # type: ignore[arg-type]


@pytest.mark.parametrize("alpha", [[1.0, 0.0], [1.0, -1.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_parameters_must_be_positive_and_finite(alpha: list[float]) -> None:
    with pytest.raises(OptionError, match="alpha must be positive and finite"):
        sample_dirichlet(alpha, 1, np.random.default_rng(0))


def test_other_arguments_are_checked() -> None:
    rng = np.random.default_rng(0)
    for alpha, got in (([[1.0, 1.0]], r"shape \(1, 2\)"), ("uniform", "'uniform'")):
        with pytest.raises(OptionError, match=f"row of k numbers, got {got}"):
            sample_dirichlet(alpha, 1, rng)  # type: ignore[arg-type]
    with pytest.raises(OptionError):
        sample_uniform(3, -1, rng)
    with pytest.raises(OptionError):
        sample_uniform(0, 1, rng)
