"""Which of equally good candidates is taken."""

from __future__ import annotations

import numpy as np
import pytest

from ax_anasod.cells import Cell
from ax_anasod.experiment import make_client
from ax_anasod.generators.ties import best_row


@pytest.mark.parametrize("level", [1.5, -np.inf])
def test_each_of_equal_values_is_drawn(level: float) -> None:
    values = np.array([-np.inf, level, level - 1, level, level - 1e-9])
    rng = np.random.default_rng(0)

    drawn = [best_row(values, rng) for _ in range(600)]

    best = [1, 3, 4] if np.isfinite(level) else [0, 1, 2, 3, 4]
    np.testing.assert_array_less(0.8 * 600 / len(best), np.bincount(drawn)[best])
    assert set(drawn) == set(best)


def test_nothing_is_drawn_where_one_value_is_the_largest() -> None:
    rng = np.random.default_rng(0)

    row = best_row(np.array([1.0, 3.0, 2.0]), rng)

    assert row == 1
    assert rng.random() == np.random.default_rng(0).random()


def test_without_a_signal_the_seed_decides() -> None:
    cell = Cell("own", operations=list("abcd"), num_blocks=8)
    rng = np.random.default_rng(0)
    values = rng.permuted(np.tile([3.0, 5.0], 6))
    encodings = np.random.default_rng(0).multinomial(8, np.full(4, 0.25), size=12)
    proposed = set()
    for seed in range(4):
        client = make_client(cell, "anasod-bo", seed=seed, optimizer="exhaustive")
        for counts, value in zip(encodings.tolist(), values.tolist(), strict=True):
            parameters = dict(zip(["n_a", "n_b", "n_c", "n_d"], counts, strict=True))
            client.complete_trial(client.attach_trial(parameters), {"error": value})
        proposed.add(tuple(client.get_next_trials(1)[12].values()))

    # 153 of 165 encodings are equally good.
    assert len(proposed) == 4
