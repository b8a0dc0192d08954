"""REINFORCE with a categorical policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.core import History
from ax_anasod.exceptions import OptionError
from ax_anasod.generators import ReinforceGenerator
from ax_anasod.testing import SyntheticObjective

NB201 = cells.get("nas-bench-201")
GRAPH = cells.get("nas-bench-graph")
SMALL = Cell("small", operations=["a", "b"], num_blocks=2, wiring=[3])


def test_starts_uniform(history: Callable[..., History]) -> None:
    policy = ReinforceGenerator(SMALL.to_dict()).policy(history(width=3))

    np.testing.assert_allclose(policy, [[0.5, 0.5, 0], [0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3]])


def test_policy_is_that_of_automatic_differentiation(history: Callable[..., History]) -> None:
    codes, errors = SMALL.sample(12, np.random.default_rng(0)), np.linspace(5, 50, 12) % 17
    generator = ReinforceGenerator(SMALL.to_dict(), learning_rate=0.7, momentum=0.8)

    logits = [torch.zeros(size, dtype=torch.float64, requires_grad=True) for size in (2, 2, 3)]
    total, weight = 0.0, 0.0
    for code, error in zip(codes, errors, strict=True):
        reward = -error / 100
        total, weight = 0.8 * total + 0.2 * reward, 0.8 * weight + 0.2
        likelihood = sum(
            torch.log_softmax(column, 0)[int(choice)]
            for column, choice in zip(logits, code, strict=True)
        )
        gradients = torch.autograd.grad((reward - total / weight) * likelihood, logits)
        for column, gradient in zip(logits, gradients, strict=True):
            column.data += 0.7 * gradient

    policy = generator.policy(history(codes.tolist(), errors.tolist()))
    for column, expected in zip(policy, logits, strict=True):
        np.testing.assert_allclose(
            column[: len(expected)], torch.softmax(expected, 0).detach().numpy()
        )


def test_what_is_better_than_average_becomes_likelier(history: Callable[..., History]) -> None:
    past = history([[0, 0, 0], [1, 1, 1]], [50.0, 10.0])

    policy = ReinforceGenerator(SMALL.to_dict()).policy(past)

    assert policy[0, 1] > policy[0, 0]
    assert policy[2, 1] > policy[2, 0] == pytest.approx(policy[2, 2])


def test_learns(search: Callable[..., History]) -> None:
    objective = SyntheticObjective(NB201)

    past = search(ReinforceGenerator(NB201.to_dict(), reward_scale=10.0), objective, 300)

    assert past.values[-50:].mean() < past.values[:50].mean() - past.values[:50].std()


def test_draws_follow_the_policy(history: Callable[..., History]) -> None:
    past = history([[0, 0, 0], [1, 1, 1]], [90.0, 10.0])
    generator = ReinforceGenerator(SMALL.to_dict(), learning_rate=5.0)
    policy = generator.policy(past)

    codes = np.concatenate(
        [
            ReinforceGenerator(SMALL.to_dict(), seed, learning_rate=5.0).propose(1, past, {})
            for seed in range(2000)
        ]
    )

    for column in range(3):
        share = np.bincount(codes[:, column], minlength=3) / 2000
        np.testing.assert_allclose(share, policy[column], atol=0.04)


def test_pending_trials_change_nothing_and_failed_ones_count_as_worst(
    history: Callable[..., History],
) -> None:
    generator = ReinforceGenerator(SMALL.to_dict())
    rows = [[0, 0, 0], [1, 1, 1], [0, 1, 2]]

    pending = generator.policy(history(rows, [50.0, 10.0, np.nan]))
    failed = generator.policy(
        replace(history(rows, [50.0, 10.0, np.nan]), failed=np.array([False, False, True]))
    )

    np.testing.assert_array_equal(pending, generator.policy(history(rows[:2], [50.0, 10.0])))
    np.testing.assert_array_equal(failed, generator.policy(history(rows, [50.0, 10.0, 50.0])))


@pytest.mark.parametrize("position", [0, 2, 29])
def test_a_trial_that_diverged_does_not_fix_the_policy(
    history: Callable[..., History], position: int
) -> None:
    rng = np.random.default_rng(0)
    codes, errors = NB201.sample(30, rng), rng.uniform(5, 11, 30)
    generator = ReinforceGenerator(NB201.to_dict())
    policies = []
    for diverged in (1e3, 1e300):
        errors[position] = diverged
        policies.append(generator.policy(history(codes.tolist(), errors.tolist())))
    np.testing.assert_array_equal(*policies)
    assert policies[0].max() < 0.6


def test_only_valid_representatives_are_proposed(search: Callable[..., History]) -> None:
    past = search(ReinforceGenerator(GRAPH.to_dict()), SyntheticObjective(GRAPH), 60)

    assert GRAPH.is_representative(past.rows).all()


def test_hardly_any_valid_codes(history: Callable[..., History]) -> None:
    one = RestrictedCell(cells.get("darts"), cells.get("darts").sample(1, np.random.default_rng(0)))

    code = ReinforceGenerator(one.to_dict()).propose(1, history(width=22), {})

    np.testing.assert_array_equal(code, one.enumerate())


def test_fixed_columns_hold(history: Callable[..., History]) -> None:
    codes = ReinforceGenerator(SMALL.to_dict()).propose(20, history(width=3), {1: 1, 2: 2})

    assert {tuple(row) for row in codes[:, 1:].tolist()} == {(1, 2)}


@pytest.mark.parametrize(
    ("option", "value"),
    [("learning_rate", 0.0), ("momentum", 1.0), ("momentum", -0.1), ("reward_scale", 0.0)],
)
def test_options_out_of_range_are_refused(option: str, value: float) -> None:
    with pytest.raises(OptionError):
        ReinforceGenerator(SMALL.to_dict(), **{option: value})
