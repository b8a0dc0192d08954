"""What is read from what is stored with each proposal."""

from __future__ import annotations

from typing import Any

import pytest

from ax_anasod.metadata import FEATURES, feature_summary


def trial(**features: tuple[float, float]) -> dict[str, Any]:
    return {FEATURES: {n: {"share": s, "agreement": a} for n, (s, a) in features.items()}}


def test_shares_are_means_and_the_last_agreement_counts() -> None:
    first = trial(size=(0.2, 0.5), source=(0.6, 0.1))
    last = trial(size=(0.4, -0.4), source=(0.2, 0.3))
    trials = [{}, first, {}, last]
    summary = feature_summary(trials, observed=30)
    assert summary is not None
    assert summary["size"] == {"share": pytest.approx(0.3), "agreement": -0.4, "warning": None}
    assert summary["source"]["share"] == pytest.approx(0.4)
    assert feature_summary([{}, {"beta": 1.0}], observed=30) is None


@pytest.mark.parametrize(
    ("name", "share", "agreement", "observed", "word"),
    [
        ("source", 0.5, -0.6, 20, "the other way round"),
        ("source", 0.5, -0.4, 20, None),
        ("source_2", 0.3, 0.1, 20, "no better than chance"),
        ("size", 0.3, -0.4, 20, "no better than chance"),
        ("size", 0.3, -0.5, 20, None),
        ("size", 0.4, 0.0, 20, None),
        ("source", 0.1, -0.9, 19, None),
    ],
)
def test_when_it_warns(
    name: str, share: float, agreement: float, observed: int, word: str | None
) -> None:
    summary = feature_summary([trial(**{name: (share, agreement)})], observed)
    assert summary is not None
    warning = summary[name]["warning"]
    assert (warning is None) if word is None else (word in warning)
