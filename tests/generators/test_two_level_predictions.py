from __future__ import annotations

import numpy as np
import pytest

from ax_anasod.cells import Cell
from ax_anasod.generators.known_features import KnownFeatures
from ax_anasod.generators.two_level_predictions import TwoLevelPredictor
from ax_anasod.surrogates import levels_of

CELL = Cell("mine", operations=["conv", "pool", "skip"], num_blocks=4)
CODES = CELL.enumerate()


def predictor(codes, values, log_targets=True):
    levels = list(levels_of(CELL).values())
    return TwoLevelPredictor(CELL, levels, codes, values, log_targets, KnownFeatures(CELL, []))


def smooth(codes):
    return 5.0 + 3.0 * (codes == 2).sum(axis=1) + (codes[:, 0] == 1)


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e5])
def test_values_come_back_in_their_own_units(scale):
    seen = np.random.default_rng(0).permutation(len(CODES))[:40]
    values = scale * smooth(CODES[seen])
    mean, variance = predictor(CODES[seen], values)(CODES)
    hidden = np.setdiff1d(np.arange(len(CODES)), seen)
    truth = scale * smooth(CODES)
    error = np.abs(mean - truth)
    # Ordered, and far nearer than their mean is.
    assert np.corrcoef(mean[hidden], truth[hidden])[0, 1] > 0.9
    assert error[hidden].mean() < 0.4 * np.abs(truth - truth.mean()).mean()
    assert (variance >= 0).all()
    assert variance[hidden].mean() > variance[seen].mean()


@pytest.mark.parametrize("log_targets", [True, False])
def test_negative_and_mixed_values(log_targets):
    values = smooth(CODES[:30]) - 7.0
    mean, _ = predictor(CODES[:30], values, log_targets)(CODES[:30])
    assert np.corrcoef(mean, values)[0, 1] > 0.9
    assert mean.min() < 0 < mean.max()


def test_bad_values_are_predicted_as_bad_as_they_were_at_most():
    values = smooth(CODES)
    values[::9] = 90.0
    mean, variance = predictor(CODES, values)(CODES)
    assert mean.max() <= 90.0
    assert mean[::9].mean() > np.delete(mean, np.s_[::9]).mean()
    assert np.isfinite(variance).all()


def test_a_single_value_and_constants_are_predicted_everywhere():
    mean, _ = predictor(CODES[:1], np.array([4.0]))(CODES)
    assert mean == pytest.approx(4.0, rel=0.5)
    mean, variance = predictor(CODES[:9], np.full(9, 4.0))(CODES)
    assert mean == pytest.approx(4.0)
    assert variance == pytest.approx(0.0, abs=1e-9)
