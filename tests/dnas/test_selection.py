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
from ax_anasod.dnas import DistributionSearch, method, select
from ax_anasod.dnas.edges import CellEdges
from ax_anasod.dnas.judge import Judge
from ax_anasod.dnas.selection import deep_network, halve, likeliest, mutations, train_alone
from ax_anasod.exceptions import OptionError
from ax_anasod.training import ImageData
from tests.dnas.conftest import ROW, Search, random_rows

NB201 = cells.get("nas-bench-201")
EDGES = CellEdges(NB201)


class Trainings:
    """Stands for short trainings: the loss falls with the number of 3x3 convolutions."""

    def __init__(self, sign: float = 1.0) -> None:
        self.sign, self.asked = sign, list[tuple[int, int]]()

    def __call__(
        self, codes: npt.NDArray[np.int64], epochs: int, cells: int
    ) -> npt.NDArray[np.float64]:
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
    monkeypatch.setattr(
        Judge, "__call__", lambda self, codes: (says(codes, 0, 3), says(codes, 0, 3))
    )


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
    assert ranking.scores.tolist() == sorted(Trainings()(ranking.codes, 0, 3))
    assert 1 < len(ranking.codes) <= 40
    assert len(np.unique(ranking.codes, axis=0)) == len(ranking.codes)


def test_ranking_by_the_real_supernet_and_real_trainings(search: Search, digits: ImageData) -> None:
    one = finished(search, "rsps", candidates=4)
    ranking = select(one, digits)
    assert ranking.scores == pytest.approx(one.judge(ranking.codes)[0])
    assert ranking.agreement is not None
    assert -1 <= ranking.agreement <= 1
    assert list(ranking.scores) == sorted(ranking.scores)


def test_our_selection_compares_the_best_vertex_and_its_mutations_by_short_trainings(
    search: Search, digits: ImageData, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = finished(search, "anasod-dnas+", candidates=20)
    judging(monkeypatch)
    asked: list[tuple[int, int, int]] = []

    def trainings(codes: npt.NDArray[np.int64], epochs: int, cells: int) -> npt.NDArray[np.float64]:
        asked.append((len(codes), epochs, cells))
        # The vertex of 3x3 convolutions is best in a small network, one skip in a large one.
        better = 1 if cells > 3 else 3
        return (
            np.asarray(codes[:, 3] != better, dtype=np.float64)
            + codes @ np.arange(6) / 1000
            + (codes == 0).sum(axis=1)
        )

    ranking = select(one, digits, train=trainings)
    assert (10, 4, 3) in asked
    # Four vertices, of which the best two are trained for longer.
    first = asked.index((4, 4, 3))
    assert asked[first + 1] == (2, 16, 3)
    # The vertex and 18 mutations, in networks as deep as published.
    assert asked[-3:] == [(19, 2, 15), (6, 4, 15), (2, 8, 15)]
    assert ranking.codes[0].tolist() == [3, 3, 3, 1, 3, 3]
    near = (ranking.codes[:19] != 3).sum(axis=1)
    assert sorted(near) == [0] + [1] * 18
    assert len(ranking.codes) > 19
    assert len(np.unique(ranking.codes, axis=0)) == len(ranking.codes) == len(ranking.scores)
    assert ranking.ranked_by == "training"
    # Draws follow in the order of the supernet.
    assert ranking.scores[19:].tolist() == sorted(Trainings()(ranking.codes[19:], 0, 3))
    assert ranking.agreement is not None


def test_the_depth_of_short_trainings(search: Search) -> None:
    assert deep_network(search("anasod-dnas+")).cells == 15
    chosen = deep_network(search("anasod-dnas+", options={"depth": 6}))
    assert (chosen.cells, chosen.channels) == (6, 4)
    with pytest.raises(OptionError, match="the depth 7 will not do: cells must be a multiple of 3"):
        deep_network(search("anasod-dnas+", options={"depth": 7}))


def test_halving_trains_the_better_ones_longer() -> None:
    codes = NB201.sample(60, np.random.default_rng(0))
    kept = codes.copy()
    trainings = Trainings()
    ranked, losses = halve(
        codes, lambda codes, epochs: trainings(codes, epochs, 15), ((None, 2), (6, 4), (2, 8))
    )
    assert trainings.asked == [(60, 2), (6, 4), (2, 8)]
    assert sorted(map(tuple, ranked.tolist())) == sorted(map(tuple, codes.tolist()))
    assert losses.tolist() == sorted(trainings(codes, 0, 15)) == trainings(ranked, 0, 15).tolist()
    assert np.array_equal(codes, kept)


def test_few_cells_are_all_trained_longest() -> None:
    trainings = Trainings()
    codes = NB201.sample(2, np.random.default_rng(0))
    halve(codes, lambda some, epochs: trainings(some, epochs, 15), ((None, 2), (6, 4), (2, 8)))
    assert trainings.asked == [(2, 2), (2, 4), (2, 8)]


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


def test_a_cell_trained_alone_has_a_schedule_of_its_own(search: Search, digits: ImageData) -> None:
    one = search()
    code = np.array([3, 1, 3, 1, 3, 1])
    loss = train_alone(one, digits, code, 2, 6)
    task = replace(
        one.task,
        training=one.task.training.with_options(epochs=2),
        network=replace(one.task.network, cells=6),
    )
    training = task.start(code[None], digits, one.seed)
    assert loss == training.run()[-1].valid_loss
    assert train_alone(one, digits, code, 1, 6) != loss


def test_agreement_is_a_rank_correlation(search: Search, digits: ImageData) -> None:
    one = finished(search, "rsps", candidates=30)
    asked: list[npt.NDArray[np.int64]] = []

    def noisy(codes: npt.NDArray[np.int64], epochs: int, cells: int) -> npt.NDArray[np.float64]:
        asked.append(codes)
        return np.random.default_rng(0).normal(size=len(codes))

    ranking = select(one, digits, train=noisy)
    (checked,) = asked
    expected = spearmanr(one.judge(checked)[0], noisy(checked, 0, 3))[0]
    assert ranking.agreement == pytest.approx(expected)
    level = select(one, digits, train=lambda codes, epochs, cells: np.ones(len(codes)))
    assert level.agreement == 0.0


def test_every_selection_is_tested() -> None:
    from ax_anasod.dnas import METHODS

    assert {m.selection for m in METHODS.values()} == {
        *("draw", "argmax", "best-of-draws", "best-of-likeliest", "discrete")
    }
    assert method("setn").selection == "best-of-likeliest"
