"""The best trials of a search, trained for good."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from ax_anasod import cells
from ax_anasod.exceptions import OptionError, RunError, UnknownNameError
from ax_anasod.metrics.source import believed
from ax_anasod.retraining import BestTrial, best_trials, train_top
from ax_anasod.runs import Execution


@pytest.fixture(scope="module")
def ranked(run):
    return best_trials(run, 5)


def test_trials_are_ranked_by_their_error(ranked, run):
    assert [trial.trial for trial in ranked] == [1, 3, 0]
    assert [trial.valid_error for trial in ranked] == [20.0, 20.0, 30.0]
    assert [trial.trial for trial in best_trials(run, 2)] == [1, 3]
    assert ranked[0].codes.tolist() == BestTrial.in_run(run).codes.tolist()


def test_luck_among_networks_of_like_encodings_is_believed_less_than_it_shows():
    cell, rng = cells.get("nas-bench-201"), np.random.default_rng(1)
    codes = np.unique(cell.sample(60, rng), axis=0)
    truth = 10.0 + 2.0 * (codes == cell.operations.index("skip_connect")).sum(axis=1)
    errors = truth + rng.normal(scale=1.5, size=len(codes))
    beliefs = believed(cell, codes, errors, ["distribution"])
    assert spearmanr(truth, beliefs)[0] > 0.1 + spearmanr(truth, errors)[0]


def test_trials_are_ranked_by_belief_too(run):
    trials = best_trials(run, 5, by="belief")
    assert sorted(trial.trial for trial in trials) == [0, 1, 3]
    codes = np.stack([trial.codes[0] for trial in trials])
    errors = np.array([trial.valid_error for trial in trials])
    levels = ["distribution"] if len(trials[0].codes) > 1 else None
    beliefs = believed(trials[0].task.cell, codes, errors, levels)
    assert (np.diff(beliefs) >= 0).all()
    with pytest.raises(UnknownNameError):
        best_trials(run, 5, by="hope")


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


@pytest.mark.slow
def test_a_cluster_trains_the_same_networks(ranked, short, digits, tmp_path):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    here = train_top(ranked, short, digits, tmp_path / "here")
    # Of three networks one is trained already; the others are trained at the same time.
    train_top(ranked, short, digits, tmp_path / "there", hours=1e-9)
    begun = []
    there = train_top(
        ranked,
        short,
        digits,
        tmp_path / "there",
        execution=Execution("ray", cpus=1.0, gpus=0.0),
        after_epoch=lambda rank, epoch: begun.append((rank, epoch.epoch)),
    )
    assert sorted(begun) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    for ours, theirs in zip(here.trained, there.trained, strict=True):
        assert theirs.metrics["test_error"] == ours.metrics["test_error"]
        assert theirs.metrics["architectures"] == ours.metrics["architectures"]
        np.testing.assert_array_equal(theirs.probabilities, ours.probabilities)
    assert [n["trial"] for n in there.figures["networks"]] == [1, 3, 0]

    half = Execution("ray", cpus=1.0, gpus=0.0)
    none_more = train_top(ranked, short, digits, tmp_path / "half", hours=1e-9, execution=half)
    # One is always trained; what was begun beside it is trained to its end.
    assert 1 <= none_more.figures["trained"] <= 2
    assert none_more.figures["asked_for"] == 3

    # This machine would never have room, and Ray would wait for ever.
    with pytest.raises(RunError, match="fewer than the 4,?096 that a training needs"):
        train_top(ranked, short, digits, tmp_path / "no", execution=replace(half, cpus=4096.0))
    assert not (tmp_path / "no").exists()
    several = replace(short, hardware=replace(short.hardware, devices=2))
    with pytest.raises(OptionError, match="trains on one device"):
        train_top(ranked, several, digits, tmp_path / "no", execution=half)


def test_a_budget_of_nothing(ranked, short, digits, tmp_path):
    with pytest.raises(OptionError):
        train_top(ranked, short, digits, tmp_path, hours=0.0)
