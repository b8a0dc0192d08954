from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, wilcoxon

from ax_anasod.compare.significance import LEVEL, holm, seeds_needed, signed_rank_p

differences = st.lists(st.integers(-6, 6).map(float), min_size=1, max_size=9)


def by_enumeration(values: list[float]) -> float:
    """The definition: every pattern of signs, one after another."""
    kept = np.array([value for value in values if value != 0])
    if not len(kept):
        return 1.0
    ranks = rankdata(np.abs(kept))
    middle = ranks.sum() / 2
    seen = abs(ranks[kept > 0].sum() - middle)
    patterns = itertools.product([0, 1], repeat=len(kept))
    sums = np.array([np.dot(ranks, pattern) for pattern in patterns])
    return float((np.abs(sums - middle) >= seen - 1e-9).mean())


@given(differences)
def test_it_is_the_share_of_all_sign_patterns(values: list[float]) -> None:
    assert signed_rank_p(values) == pytest.approx(by_enumeration(values))


@given(st.lists(st.floats(-1, 1), min_size=5, max_size=25, unique_by=abs))
def test_it_agrees_with_scipy_where_nothing_ties(values: list[float]) -> None:
    values = [value for value in values if value != 0]
    assert signed_rank_p(values) == pytest.approx(wilcoxon(values, method="exact").pvalue)


@given(differences)
def test_it_is_two_sided(values: list[float]) -> None:
    p = signed_rank_p(values)
    assert 0 < p <= 1
    assert signed_rank_p([-value for value in values]) == p


def test_no_difference_is_no_evidence() -> None:
    assert signed_rank_p([]) == 1.0
    assert signed_rank_p([0.0, 0.0]) == 1.0


def test_many_pairs() -> None:
    values = np.random.default_rng(0).normal(0.1, 1, 300)
    assert signed_rank_p(values) == pytest.approx(wilcoxon(values).pvalue, rel=0.05)


def test_holm_by_hand() -> None:
    # 0.005·4, 0.01·3, 0.03·2, then 0.04·1 raised to the one before it.
    adjusted = holm([0.04, 0.005, 0.03, 0.01])
    np.testing.assert_allclose(adjusted, [0.06, 0.02, 0.06, 0.03])
    assert holm([]).tolist() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_none_and_bonferroni(values: list[float]) -> None:
    p = np.array(values)
    adjusted = holm(p)
    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(1, len(p) * p)).all()
    # It keeps the order.
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


@pytest.mark.parametrize("tests", [1, 3, 10])
def test_with_too_few_seeds_no_difference_is_significant(tests: int) -> None:
    needed = seeds_needed(tests)
    for seeds, significant in ((needed - 1, False), (needed, True)):
        smallest = signed_rank_p(np.arange(1.0, seeds + 1))
        assert (holm([smallest, *[1.0] * (tests - 1)])[0] <= LEVEL) == significant
