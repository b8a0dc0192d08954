"""Expected gaps and expected hypervolume improvement, against sampling."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from ax_anasod.surrogates.hypervolume import Belief, ExpectedHypervolumeImprovement, Link, Scale

SCALES = [
    Scale("log", unit=2.0, location=-1.0, width=0.5),
    Scale("negative_log", unit=1.5, location=0.2, width=0.3),
    Scale("identity", unit=3.0, location=0.1, width=0.4),
    Scale("log", unit=1.0, location=0.3, width=0.7),
]


@pytest.mark.parametrize("m", [2, 3, 4])
def test_what_is_expected_is_the_mean_over_samples(m: int) -> None:
    rng = np.random.default_rng(m)
    scales = SCALES[:m]
    draw = [scale.values(rng.normal(size=8)) for scale in scales]
    points = np.stack(draw, axis=1)
    reference = points.max(axis=0) + 0.5
    improvement = ExpectedHypervolumeImprovement(points, reference)
    beliefs = [
        Belief(rng.normal(-0.5, 0.5, size=3), rng.uniform(0.2, 0.8, size=3), scale)
        for scale in scales
    ]
    exact = improvement(beliefs)
    for i in range(3):
        noise = rng.normal(size=(m, 600))
        samples = np.stack(
            [
                b.scale.values(b.mean[i] + b.deviation[i] * z)
                for b, z in zip(beliefs, noise, strict=True)
            ],
            axis=1,
        )
        grown = [
            ExpectedHypervolumeImprovement(np.vstack([points, s]), reference).volume
            for s in samples
        ]
        growth = np.array(grown) - improvement.volume
        error = growth.std() / np.sqrt(len(growth))
        assert abs(exact[i] - growth.mean()) < 4.5 * error + 1e-12


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: scale.link)
class TestBeliefs:
    def test_targets_and_values_are_inverse(self, scale: Scale) -> None:
        targets = np.linspace(-2, 2, 9)
        values = scale.values(targets)
        np.testing.assert_allclose(scale.targets(values), targets, atol=1e-12)
        assert all(a < b for a, b in pairwise(values))

    def test_expected_gaps_are_integrals(self, scale: Scale) -> None:
        belief = Belief(np.array([0.3, -1.0]), np.array([0.5, 1.2]), scale)
        bounds = scale.values(np.array([-1.0, 0.0, 2.0]))
        z = np.linspace(-9, 9, 200_001)
        density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
        for i in range(2):
            y = scale.values(belief.mean[i] + belief.deviation[i] * z)
            for j, bound in enumerate(bounds):
                expected = float((np.maximum(bound - y, 0.0) * density).sum())
                assert belief.expected_gap(bounds)[i, j] == pytest.approx(expected, rel=1e-4)

    def test_what_is_certain_has_the_gap_itself(self, scale: Scale) -> None:
        belief = Belief(np.array([-1.0, 1.0]), np.zeros(2), scale)
        (bound,) = scale.values(np.zeros(1))
        gaps = belief.expected_gap(np.array([-np.inf, bound]))
        assert gaps[:, 0].tolist() == [0.0, 0.0]
        assert gaps[0, 1] == pytest.approx(bound - scale.values(np.array(-1.0)).item())
        assert gaps[1, 1] == 0.0
        assert belief.log_probability_below(bound).tolist() == [0.0, -np.inf]

    def test_probabilities_are_those_of_the_normal_distribution(self, scale: Scale) -> None:
        belief = Belief(np.array([0.5]), np.array([0.5]), scale)
        (bound,) = scale.values(np.array([1.0]))
        assert np.exp(belief.log_probability_below(bound)) == pytest.approx(0.8413447)


@pytest.mark.parametrize(("link", "bound"), [("log", -1.0), ("negative_log", 0.5)])
def test_bounds_that_a_scale_never_reaches(link: Link, bound: float) -> None:
    belief = Belief(np.array([0.0]), np.array([1.0]), Scale(link, 1.0, 0.0, 1.0))
    never = link == "log"
    assert np.exp(belief.log_probability_below(bound)) == (0.0 if never else 1.0)
    # The mean of the lognormal distribution is the square root of e.
    expected = 0.0 if never else bound + np.exp(0.5)
    assert belief.expected_gap(np.array([bound]))[0, 0] == pytest.approx(expected)


def test_an_empty_front_has_one_box() -> None:
    improvement = ExpectedHypervolumeImprovement(np.empty((0, 2)), np.array([1.0, 2.0]))
    certain = [Belief(np.array([v]), np.zeros(1), Scale("identity", 1, 0, 1)) for v in (0.5, 0.0)]
    assert improvement.volume == 0.0
    assert improvement(certain)[0] == pytest.approx(1.0)
