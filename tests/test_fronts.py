"""Fronts, boxes and volumes, against BoTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from botorch.utils.multi_objective.hypervolume import Hypervolume, infer_reference_point
from botorch.utils.multi_objective.pareto import is_non_dominated

from ax_anasod.fronts import (
    Front,
    hypervolumes,
    nondominated_boxes,
    pareto_front,
    reference_point,
    wide_reference,
)
from ax_anasod.typing import FloatArray


def hypervolume(points: FloatArray, reference: FloatArray) -> float:
    """BoTorch's, which maximises."""
    return float(Hypervolume(-torch.tensor(reference)).compute(-torch.tensor(points)))


@pytest.mark.parametrize("m", [2, 3, 4])
class TestBoxes:
    def points(self, m: int) -> FloatArray:
        # Coarse values, so that some coincide.
        return np.random.default_rng(m).integers(0, 12, size=(60, m)).astype(float)

    def test_the_front_is_that_of_botorch(self, m: int) -> None:
        points = np.unique(self.points(m), axis=0)
        expected = points[is_non_dominated(-torch.tensor(points)).numpy()]
        np.testing.assert_array_equal(pareto_front(self.points(m)), expected)

    def test_boxes_are_disjoint_and_fill_what_is_not_dominated(self, m: int) -> None:
        reference = np.full(m, 13.0)
        front = pareto_front(self.points(m))
        lower, upper = nondominated_boxes(front, reference)
        cells = np.stack(np.meshgrid(*[np.arange(-1, 14) + 0.5] * m), axis=-1).reshape(-1, m)
        inside = (lower[None] < cells[:, None]) & (cells[:, None] < upper[None])
        dominated = (front[None] <= cells[:, None]).all(axis=2).any(axis=1)
        outside = (cells > reference).any(axis=1)
        np.testing.assert_array_equal(
            inside.all(axis=2).sum(axis=1), (~dominated & ~outside).astype(int)
        )

    def test_the_volume_is_that_of_botorch(self, m: int) -> None:
        reference = np.full(m, 9.0)  # some of the front is behind it
        volume = Front(self.points(m), reference).volume
        assert volume == pytest.approx(hypervolume(pareto_front(self.points(m)), reference))


def test_hopeless_points_add_nothing() -> None:
    front = Front(np.array([[1.0, 3.0], [2.0, 2.0]]), np.array([5.0, 5.0]))
    points = np.array([[2.0, 2.0], [1.5, 2.5], [0.5, 6.0], [3.0, 3.0]])
    assert front.hopeless(points).tolist() == [True, False, True, True]


@pytest.mark.parametrize("m", [2, 3, 4])
def test_the_course_of_the_volume_is_that_of_botorch(m: int) -> None:
    points = np.random.default_rng(m).integers(0, 12, size=(30, m)).astype(float)
    points[3] = np.inf
    reference = np.full(m, 9.0)
    found = [points[: n + 1][np.isfinite(points[: n + 1, 0])] for n in range(len(points))]
    expected = [hypervolume(pareto_front(some), reference) for some in found]
    np.testing.assert_allclose(hypervolumes(points, reference), expected)


def test_the_reference_point_is_a_threshold_a_fence_or_a_tenth_behind_the_front() -> None:
    points = np.array([[0.0, 90.0, 4.0], [10.0, 5.0, 2.0], [11.0, 91.0, 9.0]])
    reference = reference_point(points, [np.inf, np.inf, 7.0], [100.0, 30.0, 1.0])
    np.testing.assert_allclose(reference, [11.0, 30.0, 7.0])


@pytest.mark.parametrize("n", [1, 2, 30])
def test_the_reference_point_is_that_of_botorch(n: int) -> None:
    points = np.random.default_rng(n).normal(size=(n, 3))
    points[0, 0] = 0.0
    expected = -infer_reference_point(-torch.tensor(pareto_front(points))).numpy()
    nothing = [np.inf] * 3
    np.testing.assert_allclose(reference_point(points, nothing, nothing), expected, rtol=1e-12)


def test_a_wide_reference_is_the_worst_that_was_seen_where_the_front_is_a_single_point() -> None:
    points = np.array([[1.0, 10.0], [3.0, 20.0], [9.0, 40.0]])
    nothing = [np.inf, np.inf]
    np.testing.assert_allclose(wide_reference(points, nothing, nothing), [9.0, 40.0])
    np.testing.assert_allclose(wide_reference(points, nothing, [5.0, np.inf]), [5.0, 40.0])
    np.testing.assert_allclose(wide_reference(points, [2.0, np.inf], [5.0, np.inf]), [2.0, 40.0])
    # A front that reaches as far as all that was seen has its tenth behind it.
    front = np.array([[1.0, 20.0], [2.0, 10.0]])
    expected = reference_point(front, nothing, nothing)
    np.testing.assert_allclose(wide_reference(front, nothing, nothing), expected)
