"""The best trials of a search, trained for good one after another."""

from __future__ import annotations

import json

import pytest

from ax_anasod.exceptions import OptionError
from ax_anasod.retraining import BestTrial, train_top


@pytest.fixture(scope="module")
def ranked(run):
    return BestTrial.ranked(run, 5)


def test_trials_are_ranked_by_their_error(ranked, run):
    assert [trial.trial for trial in ranked] == [1, 3, 0]
    assert [trial.valid_error for trial in ranked] == [20.0, 20.0, 30.0]
    assert [trial.trial for trial in BestTrial.ranked(run, 2)] == [1, 3]
    assert ranked[0].codes.tolist() == BestTrial.in_run(run).codes.tolist()


def test_the_budget_ends_after_a_network_and_a_larger_one_goes_on(
    ranked, short, digits, tmp_path, monkeypatch
):
    begun = []
    first = train_top(
        ranked, short, digits, tmp_path / "top", hours=1e-9, after_epoch=lambda *a: begun.append(a)
    )
    assert (first.figures["trained"], first.figures["asked_for"]) == (1, 3)
    assert [rank for rank, _ in begun] == [0, 0]
    begun.clear()
    more = train_top(
        ranked[:2], short, digits, tmp_path / "top", after_epoch=lambda *a: begun.append(a)
    )
    # What is there is not trained again.
    assert [rank for rank, _ in begun] == [1, 1]
    networks = more.figures["networks"]
    assert [network["trial"] for network in networks] == [1, 3]
    assert networks[0] == first.figures["networks"][0]
    errors = [network["test_error"] for network in networks]
    assert more.figures["best"] == errors.index(min(errors))
    assert json.loads((tmp_path / "top" / "top.json").read_text()) == more.figures


def test_a_budget_of_nothing(ranked, short, digits, tmp_path):
    with pytest.raises(OptionError, match="more than 0 hours, got 0"):
        train_top(ranked, short, digits, tmp_path, hours=0.0)
