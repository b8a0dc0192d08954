"""From a distribution to cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import spearmanr

from ax_anasod import cells
from ax_anasod.dnas import DistributionSearch, Ranking, method, select
from ax_anasod.dnas.edges import CellEdges
from ax_anasod.dnas.judge import Judge
from ax_anasod.dnas.selection import (
    halve,
    likeliest,
    mutations,
    neighbourhood,
    train_alone,
)
from ax_anasod.training import ImageData
from tests.dnas.conftest import ROW, Search, random_rows

NB201 = cells.get("nas-bench-201")
EDGES = CellEdges(NB201)


class Trainings:
    """Stands for short trainings: the loss falls with the number of 3x3 convolutions."""

    def __init__(self, sign: float = 1.0) -> None:
        self.sign, self.asked = sign, list[tuple[int, int]]()

    def __call__(self, codes: npt.NDArray[np.int64], epochs: int) -> npt.NDArray[np.float64]:
        self.asked.append((len(codes), epochs))
        key = (codes == 3).sum(axis=1) + (codes @ np.arange(6)) / 1000
        return np.asarray(-self.sign * key, dtype=np.float64)


def finished(search: Search, name: str, **options: Any) -> DistributionSearch:
    one = search(name, training={"epochs": 1}, options=options)
    one.run()
    return one


def judging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let supernets say what `Trainings` says."""
    says = Trainings()
    monkeypatch.setattr(Judge, "__call__", lambda self, codes: (says(codes, 0), says(codes, 0)))


def texts(codes: npt.NDArray[np.int64]) -> Sequence[str]:
    return NB201.to_strings(codes)


def test_argmax_takes_the_likeliest_operation_of_each_block(
    search: Search, digits: ImageData
) -> None:
    one = finished(search, "darts")
    ranking = select(one, digits, train=Trainings())
    assert ranking.codes.tolist() == [one.probabilities.argmax(axis=1).tolist()]
    assert (ranking.ranked_by, ranking.agreement, len(ranking.scores)) == ("nothing", None, 0)
    assert texts(ranking.codes) == [one.history[-1].likeliest]


def test_a_draw_is_not_ranked(search: Search, digits: ImageData) -> None:
    one = finished(search, "anasod-dnas", candidates=30)
    trainings = Trainings()
    ranking = select(one, digits, train=trainings)
    assert ranking.codes.shape == (30, 6)
    assert EDGES.passes(ranking.codes).all()
    assert (ranking.ranked_by, ranking.agreement, trainings.asked) == ("nothing", None, [])
    again = select(one, digits, train=trainings)
    assert np.array_equal(again.codes, ranking.codes)


@pytest.mark.parametrize("name", ["rsps", "setn"])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_best_of_many_is_ranked_by_the_supernet_and_compared_with_short_trainings(
    search: Search,
    digits: ImageData,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    sign: float,
) -> None:
    one = finished(search, name, candidates=40)
    judging(monkeypatch)
    ranking = select(one, digits, train=Trainings(sign))
    assert ranking.ranked_by == "supernet"
    assert ranking.agreement == pytest.approx(sign)
    assert ranking.scores.tolist() == sorted(Trainings()(ranking.codes, 0))
    assert 1 < len(ranking.codes) <= 40
    assert len(np.unique(ranking.codes, axis=0)) == len(ranking.codes)


def test_ranking_by_the_real_supernet_and_real_trainings(search: Search, digits: ImageData) -> None:
    one = finished(search, "rsps", candidates=4)
    ranking = select(one, digits)
    assert ranking.scores == pytest.approx(one.judge(ranking.codes)[0])
    assert ranking.agreement is not None
    assert -1 <= ranking.agreement <= 1
    assert list(ranking.scores) == sorted(ranking.scores)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_our_selection_ranks_draws_and_mutations_in_the_supernet_of_a_neighbourhood(
    search: Search, digits: ImageData, monkeypatch: pytest.MonkeyPatch, sign: float
) -> None:
    one = finished(search, "anasod-dnas+", candidates=20)
    starts: list[npt.NDArray[np.float64]] = []

    def near(start: npt.NDArray[np.float64]) -> DistributionSearch:
        starts.append(start)
        local = neighbourhood(one, digits, start)
        judging(monkeypatch)
        return local

    trainings = Trainings(sign)
    ranking = select(one, digits, train=trainings, search_near=near)
    (start,) = starts
    assert start.shape == (1, 5)
    assert start.sum() == pytest.approx(1.0)
    assert start[0, 0] == 0
    # Mostly one operation, and some of every other one that is allowed.
    assert start.max() == pytest.approx(0.6 + 0.4 / 4)
    assert sorted(start[0])[1:4] == pytest.approx([0.1] * 3)
    assert len(np.unique(ranking.codes, axis=0)) == len(ranking.codes)
    # Short trainings say which operation, whatever p says.
    vertices = np.repeat(np.arange(1, 5)[:, None], 6, axis=1)
    pure = vertices[Trainings(sign)(vertices, 0).argmin()]
    assert start[0].argmax() == pure[0]
    assert trainings.asked[0] == (4, 4)
    distance = (ranking.codes != pure).sum(axis=1)
    assert {0, 1} <= set(distance.tolist())
    assert ranking.agreement == pytest.approx(sign)
    if sign > 0:
        assert ranking.ranked_by == "supernet"
        # None is clearly better than the purest cell, which is the simplest.
        assert (ranking.codes[0] == pure).all()
        assert ranking.scores.tolist()[1:] == sorted(Trainings()(ranking.codes[1:], 0))
    else:
        # The supernet is wrong, and trainings decide.
        assert ranking.ranked_by == "training"
        best = trainings(ranking.codes, 0)
        assert best[0] == best.min()
        assert {(16, 4), (4, 12)} <= set(trainings.asked)


def test_halving_trains_the_better_ones_longer() -> None:
    codes = NB201.sample(60, np.random.default_rng(0))
    kept = codes.copy()
    trainings = Trainings()
    ranking = halve(Ranking(codes, np.zeros(60), "supernet", -0.5), trainings)
    assert trainings.asked == [(48, 1), (16, 4), (4, 12)]
    assert (ranking.ranked_by, ranking.agreement) == ("training", -0.5)
    assert sorted(map(tuple, ranking.codes.tolist())) == sorted(map(tuple, codes.tolist()))
    assert ranking.scores[:48].tolist() == sorted(trainings(codes[:48], 0))
    assert np.array_equal(ranking.codes[48:], codes[48:])
    assert np.array_equal(codes, kept)


def test_few_cells_are_all_trained_longest() -> None:
    trainings = Trainings()
    halve(Ranking(NB201.sample(3, np.random.default_rng(0)), np.zeros(3)), trainings)
    assert trainings.asked == [(3, 1), (3, 4), (3, 12)]


def test_the_likeliest_architectures_are_found() -> None:
    rows = random_rows(EDGES, 2)
    found = likeliest(EDGES, rows, 25, np.random.default_rng(0))
    codes = NB201.enumerate()
    codes = codes[EDGES.passes(codes)]
    best = np.sort(EDGES.log_probability(rows, codes))[::-1]
    own = EDGES.log_probability(rows, found)
    assert own.tolist() == sorted(own, reverse=True)
    # Those of highest probability are all among 10,000 draws.
    assert own[:10] == pytest.approx(best[:10])
    assert len(likeliest(CellEdges(ROW), np.full((2, 3), 1 / 3), 25, np.random.default_rng(0))) == 4


def test_mutations_are_one_step_away_and_allowed(search: Search) -> None:
    one = search("anasod-dnas+")
    code = np.array([3, 3, 3, 3, 3, 3])
    found = mutations(one, code, np.random.default_rng(0))
    assert ((found != code).sum(axis=1) == 1).all()
    assert len(found) == 6 * 3  # without `none`
    assert (found != 0).all()
    with_zero = search("anasod-dnas+", options={"without_zero": False})
    assert len(mutations(with_zero, code, np.random.default_rng(0))) == 6 * 4
    few = search("anasod-dnas+", options={"candidates": 5})
    assert len(mutations(few, code, np.random.default_rng(0))) == 5


def test_mutations_that_pass_nothing_on_are_left_out(search: Search) -> None:
    one = search("anasod-dnas+", cell=ROW, options={"without_zero": False})
    found = mutations(one, np.array([1, 1]), np.random.default_rng(0))
    assert sorted(found.tolist()) == [[1, 2], [2, 1]]


def test_a_neighbourhood_learns_on_paths_of_a_distribution_that_stays(
    search: Search, digits: ImageData
) -> None:
    one = finished(search, "anasod-dnas+")
    start = np.array([[0.0, 0.1, 0.1, 0.7, 0.1]])
    local = neighbourhood(one, digits, start)
    local.run()
    assert local.probabilities == pytest.approx(np.tile(start, (6, 1)))
    assert local.history[0].distribution_loss == 0
    again = neighbourhood(one, digits, start)
    again.run()
    codes = NB201.sample(3, np.random.default_rng(0))
    assert np.array_equal(again.judge(codes), local.judge(codes))


def test_a_cell_trained_alone_has_a_schedule_of_its_own(search: Search, digits: ImageData) -> None:
    one = search()
    code = np.array([3, 1, 3, 1, 3, 1])
    loss = train_alone(one, digits, code, 2)
    task = replace(one.task, training=one.task.training.with_options(epochs=2))
    training = task.start(code[None], digits, one.seed)
    assert loss == training.run()[-1].valid_loss
    assert train_alone(one, digits, code, 1) != loss


def test_agreement_is_a_rank_correlation(search: Search, digits: ImageData) -> None:
    one = finished(search, "rsps", candidates=30)
    asked: list[npt.NDArray[np.int64]] = []

    def noisy(codes: npt.NDArray[np.int64], epochs: int) -> npt.NDArray[np.float64]:
        asked.append(codes)
        return np.random.default_rng(0).normal(size=len(codes))

    ranking = select(one, digits, train=noisy)
    (checked,) = asked
    expected = spearmanr(one.judge(checked)[0], noisy(checked, 0))[0]
    assert ranking.agreement == pytest.approx(expected)
    level = select(one, digits, train=lambda codes, epochs: np.ones(len(codes)))
    assert level.agreement == 0.0


def test_every_selection_is_tested() -> None:
    from ax_anasod.dnas import METHODS

    assert {m.selection for m in METHODS.values()} == {
        *("draw", "argmax", "best-of-draws", "best-of-likeliest", "discrete")
    }
    assert method("setn").selection == "best-of-likeliest"
