"""Random settings: uniform, around one, and a step away."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ax_anasod.exceptions import OptionError
from ax_anasod.hyperparameters import (
    Bound,
    Choice,
    Hyperparameters,
    Range,
    draw_around,
    draw_settings,
    mutate_settings,
    neighbouring_settings,
)

ALL = Hyperparameters(
    (
        Range("rate", 1e-4, 1.0, log=True),
        Range("width", 1.0, 5.0, integer=True),
        Choice("optimizer", ("sgd", "adam", "lion")),
        Choice("batch", (8, 16, 32, 64), ordered=True),
    )
)


def test_draws_are_uniform_on_their_scale() -> None:
    drawn = draw_settings(ALL, 10_000, np.random.default_rng(0))
    assert stats.kstest(ALL.unit(drawn)[:, 0], "uniform").pvalue > 1e-3
    for column, size in ((1, 5), (2, 3), (3, 4)):
        _, found = np.unique(drawn[:, column], return_counts=True)
        assert len(found) == size
        assert stats.chisquare(found).pvalue > 1e-3


def test_draws_around_a_setting_concentrate_there() -> None:
    rng = np.random.default_rng(1)
    setting = ALL.nearest(np.array([[0.8, 0.0, 1.0, 1.0]]))[0]
    uniform = draw_around(ALL, 4000, setting, 0.0, rng)
    near = draw_around(ALL, 4000, setting, 8.0, rng)
    # The mean of Eq. 3: the share beta / (beta + 1) lies on the mode.
    np.testing.assert_allclose(ALL.unit(near)[:, 0].mean(), (8 * 0.8 + 0.5) / 9, atol=0.01)
    np.testing.assert_allclose((near[:, 2] == 1).mean(), (8 + 1 / 3) / 9, atol=0.02)
    assert (near[:, 1] == 1).mean() > 0.5 > (uniform[:, 1] == 1).mean()


def test_draws_keep_bounds_and_what_is_given() -> None:
    bounded = Hyperparameters(
        (Range("a", 0.0, 1.0), Range("b", 0.0, 1.0), Range("c", 0.0, 1.0)),
        (Bound({"a": 1.0, "b": 1.0}, 0.5),),
    )
    drawn = draw_settings(bounded, 500, np.random.default_rng(0), {2: 0.25})
    assert (drawn[:, 0] + drawn[:, 1] <= 0.5).all()
    assert (drawn[:, 2] == 0.25).all()
    impossible = Hyperparameters((Range("a", 0.0, 1.0),), (Bound({"a": -1.0}, -2.0),))
    with pytest.raises(OptionError, match="no setting was found"):
        draw_settings(impossible, 1, np.random.default_rng(0))


@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_mutants_differ_and_stay_inside(place: float) -> None:
    rng = np.random.default_rng(2)
    parents = np.repeat(ALL.nearest(np.full((1, 4), place)), 500, axis=0)
    mutants = mutate_settings(ALL, parents, rng, {0: parents[0, 0]}, rate=0)
    different = mutants != parents
    assert (different.sum(axis=1) == 1).all()
    assert not different[:, 0].any()
    assert different[:, 1:].any(axis=0).all()
    assert ALL.settings(ALL.parameterizations(mutants)).shape == mutants.shape


def test_neighbours_differ_in_one_column() -> None:
    setting = ALL.nearest(np.array([[0.5, 1.0, 2.0, 0.0]]))[0]
    others = neighbouring_settings(ALL, setting, np.random.default_rng(0), {3: 0.0})
    different = others != setting
    assert (different.sum(axis=1) == 1).all()
    assert different.sum(axis=0).tolist() == [4, 4, 2, 0]
