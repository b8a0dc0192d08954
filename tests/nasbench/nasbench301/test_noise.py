"""Noise from seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ax_anasod.nasbench.nasbench301.noise import standard_normal

SEEDS, KEYS = (grid.ravel() for grid in np.meshgrid(np.arange(150), np.arange(200) * 10**15))


def test_is_standard_normal() -> None:
    values = standard_normal(SEEDS, KEYS)
    assert stats.kstest(values, "norm").pvalue > 0.01
    # Of successive seeds of one architecture, and of one seed of many architectures.
    table = values.reshape(200, 150)
    assert np.abs(table.mean(axis=1)).max() < 5 / np.sqrt(150)
    assert np.abs(table.mean(axis=0)).max() < 5 / np.sqrt(200)
    for ahead, behind in ((table[:, 1:], table[:, :-1]), (table[1:], table[:-1])):
        assert abs(np.corrcoef(ahead.ravel(), behind.ravel())[0, 1]) < 0.03


def test_depends_on_seed_and_key_and_nothing_else() -> None:
    values = standard_normal(SEEDS, KEYS)
    order = np.random.default_rng(0).permutation(len(values))[:50]
    assert standard_normal(SEEDS[order], KEYS[order]).tolist() == values[order].tolist()
    assert len(np.unique(values)) == len(values)


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, -1, 2**62])
def test_any_seed_gives_a_finite_number(seed: int) -> None:
    values = standard_normal(np.array([seed]), np.array([0]))
    assert np.isfinite(values).all()
    assert standard_normal(np.array([], dtype=int), np.array([], dtype=int)).shape == (0,)
