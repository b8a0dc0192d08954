import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ax_anasod.exceptions import OptionError
from ax_anasod.training.calibration import ensemble_probabilities, quality, reliability


@st.composite
def predictions(draw):
    """Probabilities ``n x c`` and labels ``n``."""
    n, c = draw(st.integers(1, 40)), draw(st.integers(2, 5))
    scores = draw(hnp.arrays(float, (n, c), elements=st.floats(0.01, 1)))
    labels = draw(hnp.arrays(int, n, elements=st.integers(0, c - 1)))
    return scores / scores.sum(axis=1, keepdims=True), labels


def test_by_hand():
    probabilities = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]]
    figures = quality(probabilities, [0, 1, 1, 1])
    assert figures["accuracy"] == 75
    expected = -np.log([0.9, 0.2, 0.6, 0.7]).mean()
    assert figures["negative_log_likelihood"] == pytest.approx(expected)
    # Each prediction is alone in its bin: the gaps are 0.1, 0.8, 0.4 and 0.3.
    assert figures["expected_calibration_error"] == pytest.approx(100 * 1.6 / 4)


def test_what_is_sure_and_right_is_calibrated():
    figures = quality(np.eye(3), [0, 1, 2])
    assert figures == {
        "accuracy": 100,
        "negative_log_likelihood": 0,
        "expected_calibration_error": 0,
    }


def test_a_mistake_that_was_certain_is_not_infinitely_bad():
    assert np.isfinite(quality([[1.0, 0.0]], [1])["negative_log_likelihood"])


def test_predictions_that_say_what_they_know_have_no_calibration_error():
    rng = np.random.default_rng(0)
    n = 200_000
    first = rng.uniform(size=n)
    probabilities = np.stack([first, 1 - first], axis=1)
    labels = (rng.uniform(size=n) > first).astype(int)
    # The error of a bin of n/8 images is about 0.3 percent.
    assert quality(probabilities, labels)["expected_calibration_error"] < 0.5


def test_a_bin_holds_its_upper_edge():
    result = reliability([[0.6, 0.4], [0.8, 0.2], [1.0, 0.0]], [0, 0, 1], num_bins=5)
    assert result.counts.tolist() == [0, 0, 1, 1, 1]
    assert result.confidence[2:].tolist() == pytest.approx([0.6, 0.8, 1.0])
    assert result.accuracy[2:].tolist() == [1, 1, 0]
    assert np.isnan(result.accuracy[:2]).all()


@given(predictions(), st.integers(1, 20))
def test_every_image_is_in_one_bin_near_its_confidence(case, num_bins):
    probabilities, labels = case
    result = reliability(probabilities, labels, num_bins)
    assert result.counts.sum() == len(labels)
    filled = result.counts > 0
    slack = 1e-12
    assert (result.confidence[filled] > result.edges[:-1][filled] - slack).all()
    assert (result.confidence[filled] <= result.edges[1:][filled] + slack).all()
    assert 0 <= result.expected_calibration_error <= 100
    right = (probabilities.argmax(axis=1) == labels).mean()
    assert result.accuracy[filled] @ result.counts[filled] == pytest.approx(right * len(labels))


@given(predictions())
def test_one_bin_compares_the_means(case):
    probabilities, labels = case
    gap = probabilities.max(axis=1).mean() - (probabilities.argmax(axis=1) == labels).mean()
    result = reliability(probabilities, labels, num_bins=1)
    assert result.expected_calibration_error == pytest.approx(100 * abs(gap))


@given(predictions(), st.integers(1, 5), st.integers(0, 2**32))
def test_an_ensemble_is_no_worse_than_its_members_on_average(case, members, seed):
    probabilities, labels = case
    rng = np.random.default_rng(seed)
    several = np.stack([rng.permutation(probabilities, axis=1) for _ in range(members)])
    together = ensemble_probabilities(several)
    surprise = [quality(p, labels)["negative_log_likelihood"] for p in several]
    # Jensen's inequality: the logarithm of a mean is at least the mean of the logarithms.
    assert quality(together, labels)["negative_log_likelihood"] <= np.mean(surprise) + 1e-12


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        ([[0.5, 0.5]], [0, 1], r"got shapes \(1, 2\) and \(2,\)"),
        ([0.5, 0.5], [0, 1], r"got shapes \(2,\)"),
        (np.empty((0, 2)), np.empty(0, dtype=int), r"got shapes \(0, 2\)"),
        ([[0.5, 0.4]], [0], "sum to 1 in each row"),
        ([[1.5, -0.5]], [0], "at least 0"),
        ([[np.nan, 1.0]], [0], "at least 0"),
        ([[0.5, 0.5]], [2], "class numbers from 0 to 1"),
        ([[0.5, 0.5]], [0.0], "class numbers from 0 to 1"),
    ],
)
def test_what_is_no_prediction_is_refused(probabilities, labels, message):
    with pytest.raises(OptionError, match=message):
        quality(probabilities, labels)


def test_impossible_numbers_are_refused():
    with pytest.raises(OptionError):
        reliability([[0.5, 0.5]], [0], num_bins=0)
    with pytest.raises(OptionError, match=r"m x n x c, got shape \(0,\)"):
        ensemble_probabilities([])
