"""Random search on encodings, uniform and biased towards the best (Eq. 3)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.core import History
from ax_anasod.exceptions import OptionError
from ax_anasod.generators import BiasedDirichletGenerator, DirichletGenerator
from ax_anasod.simplex import bomze_round, sample_biased

NB201 = cells.get("nas-bench-201")


def biased(cell: Cell, seed: int = 0, **schedule: float) -> BiasedDirichletGenerator:
    return BiasedDirichletGenerator(cell.to_dict(), seed, schedule)


def best_after(history: Callable[..., History], trials: int) -> History:
    """``trials`` trials, of which the second is the best."""
    rows = [[0, 0, 0, 0, 6], [3, 2, 1, 0, 0]] + [[6, 0, 0, 0, 0]] * (trials - 2)
    return history(rows, [5.0, 1.0] + [9.0] * (trials - 2))


def frequencies(counts: np.ndarray) -> dict[tuple[int, ...], float]:
    rows, numbers = np.unique(counts, axis=0, return_counts=True)
    return {
        tuple(row): n / len(counts) for row, n in zip(rows.tolist(), numbers.tolist(), strict=True)
    }


def test_uniform_draws_are_rounded_draws_of_a_flat_dirichlet(
    history: Callable[..., History],
) -> None:
    generator = DirichletGenerator(NB201.to_dict(), seed=3)
    drawn = frequencies(generator.propose(40_000, best_after(history, 10), {}))

    flat = np.random.default_rng(0).dirichlet(np.ones(5), size=40_000)
    expected = frequencies(bomze_round(6 * flat, 6))

    assert len(drawn) == 210
    largest = max(abs(drawn.get(row, 0) - share) for row, share in expected.items())
    assert largest < 0.005


def test_biased_draws_are_those_of_equation_3(history: Callable[..., History]) -> None:
    generator = biased(NB201, seed=3, beta_max=2.0, num_trials=100)
    drawn = frequencies(generator.propose(40_000, best_after(history, 50), {}))

    # Half of the way: beta = 1.
    drawn_around = sample_biased([3 / 6, 2 / 6, 1 / 6, 0, 0], 1.0, 40_000, np.random.default_rng(0))
    expected = frequencies(bomze_round(6 * drawn_around, 6))

    largest = max(abs(drawn.get(row, 0) - share) for row, share in expected.items())
    assert largest < 0.005


def test_the_bias_grows_with_the_trials_and_then_stays(history: Callable[..., History]) -> None:
    generator = biased(NB201, seed=3, beta_max=4.0, num_trials=100)

    def share_of_best(trials: int) -> float:
        counts = generator.propose(20_000, best_after(history, trials), {})
        return float((counts == [3, 2, 1, 0, 0]).all(axis=1).mean())

    shares = [share_of_best(trials) for trials in (2, 25, 50, 100, 300)]

    assert shares[0] < shares[1] < shares[2] < shares[3]
    assert shares[4] == pytest.approx(shares[3], abs=0.02)


def test_nothing_observed_means_uniform(history: Callable[..., History]) -> None:
    pending = history([[6, 0, 0, 0, 0]] * 50, [np.nan] * 50)
    towards_best = biased(NB201, seed=3, beta_max=2.0, num_trials=50)
    uniform = DirichletGenerator(NB201.to_dict(), seed=3)

    np.testing.assert_array_equal(
        towards_best.propose(100, pending, {}), uniform.propose(100, pending, {})
    )


def test_proposals_follow_from_seed_and_position(history: Callable[..., History]) -> None:
    def proposal(seed: int, trials: int) -> tuple[int, ...]:
        generator = DirichletGenerator(NB201.to_dict(), seed=seed)
        return tuple(generator.propose(1, best_after(history, trials), {})[0].tolist())

    assert proposal(1, 7) == proposal(1, 7)
    assert len({proposal(1, trials) for trials in range(2, 30)}) > 15
    assert len({proposal(seed, 7) for seed in range(28)}) > 15


@pytest.mark.parametrize(
    "cell",
    [
        cells.get("nas-bench-graph"),
        cells.get("darts"),
        Cell("one", operations=["a", "b"], num_blocks=1),
        Cell("large", operations=[f"op {i}" for i in range(12)], num_blocks=40),
    ],
    ids=lambda c: c.name,
)
@pytest.mark.parametrize("beta_max", [0.0, 2.0])
def test_all_draws_are_encodings_with_an_architecture(
    history: Callable[..., History], cell: Cell, beta_max: float
) -> None:
    generator = biased(cell, beta_max=beta_max, num_trials=10)
    past = history(cell.snap(np.eye(cell.num_operations))[:2].tolist(), [1.0, 2.0])

    counts = generator.propose(500, past, {})

    assert (counts.sum(axis=1) == cell.total).all()
    assert cell.is_feasible(counts).all()


def test_fixed_counts_hold(history: Callable[..., History]) -> None:
    generator = biased(NB201, beta_max=2.0, num_trials=10)

    counts = generator.propose(100, best_after(history, 5), {1: 3, 4: 0})

    assert (counts[:, 1] == 3).all()
    assert (counts[:, 4] == 0).all()
    assert len(np.unique(counts, axis=0)) > 5


@pytest.mark.parametrize("options", [{"beta_max": -1.0}, {"num_trials": 0}])
def test_options_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        biased(NB201, **options)
