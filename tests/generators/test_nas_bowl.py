"""NAS-BOWL: a Gaussian process on subtree patterns, and a pool of mutants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.core import History
from ax_anasod.exceptions import OptionError
from ax_anasod.generators import NASBowlGenerator, RandomArchitectureGenerator, acquisition
from ax_anasod.surrogates import (
    WeisfeilerLehmanGP,
    log_expected_improvement,
    operation_graphs,
    simplified,
    subtree_features,
)
from ax_anasod.testing import SyntheticObjective

NB201 = cells.get("nas-bench-201")
OWN = Cell("own", operations=["conv", "pool", "skip"], num_blocks=4, wiring=[2])

Build = Callable[..., History]


def some(history: Build, cell: Cell, n: int = 12) -> History:
    codes = cell.sample(n, np.random.default_rng(3))
    return history(codes.tolist(), SyntheticObjective(cell)(codes).tolist())


def test_it_proposes_the_largest_expected_improvement(history: Build) -> None:
    past = some(history, NB201)
    generator = NASBowlGenerator(NB201.to_dict(), seed=1)
    candidates = generator.candidates(past, {}, generator.rng(past))
    graphs = simplified(NB201, operation_graphs(NB201, np.concatenate([past.rows, candidates])))
    patterns = subtree_features(graphs, 2)
    X = torch.as_tensor(patterns.counts)
    logs = torch.as_tensor(past.values).log()
    Y = (logs - logs.mean()) / logs.std()
    model = WeisfeilerLehmanGP(X[:12], Y, patterns.ends)
    with torch.no_grad():
        posterior: Any = model.posterior(X[12:])
        mean, variance = posterior.mean[:, 0].numpy(), posterior.variance[:, 0].numpy()
    scores = log_expected_improvement(mean, np.sqrt(variance), float(Y.min()))

    proposed = generator.propose(1, past, {})

    assert proposed[0].tolist() == candidates[int(scores.argmax())].tolist()


@pytest.mark.parametrize("name", ["darts", "nas-bench-graph", "nasnet", "own"])
def test_wired_and_own_cells(name: str, history: Build) -> None:
    cell = OWN if name == "own" else cells.get(name)

    codes = NASBowlGenerator(cell.to_dict(), candidates={"pool_size": 20}).propose(
        3, some(history, cell), {}
    )

    assert cell.is_valid(codes).all()
    assert len(set(cell.keys(codes).tolist())) == 3


@pytest.mark.slow
def test_it_finds_more_than_random_search(search: Callable[..., History]) -> None:
    objective = SyntheticObjective(NB201)
    found: list[list[float]] = []
    for seed in range(8):
        random = search(RandomArchitectureGenerator(NB201.to_dict(), seed), objective, 40)
        start = replace(
            random,
            rows=random.rows[:10],
            values=random.values[:10],
            trial_indices=np.arange(10),
            failed=np.zeros(10, dtype=np.bool_),
            position=10,
        )
        bowl = search(NASBowlGenerator(NB201.to_dict(), seed), objective, 25, start)
        found.append([float(bowl.values.min()), float(random.values.min())])

    best, of_random = np.mean(found, axis=0)
    optimum = objective(NB201.enumerate()).min()
    assert best - optimum < 0.5 * (of_random - optimum)


def test_proposals_follow_from_the_history_alone(
    history: Build, disturb: Callable[[int], None]
) -> None:
    past, proposals = some(history, NB201), []
    for number in (1, 2):
        disturb(number)
        state = torch.get_rng_state()
        proposals.append(NASBowlGenerator(NB201.to_dict(), seed=5).propose(2, past, {}).tolist())
        assert torch.equal(torch.get_rng_state(), state)

    other = NASBowlGenerator(NB201.to_dict(), seed=6).propose(2, past, {}).tolist()
    assert proposals[0] == proposals[1] != other


def test_pending_architectures_are_believed(
    history: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def recorded(mean: Any, deviation: Any, best: float) -> Any:
        seen.append((deviation, best))
        return -mean

    monkeypatch.setattr(acquisition, "log_expected_improvement", recorded)
    past = some(history, NB201)
    awaited = NB201.sample(1, np.random.default_rng(9))[0]
    waiting = history(
        [*past.rows.tolist(), awaited.tolist()], [*past.values[:, 0].tolist(), np.nan]
    )
    around = NB201.neighbours(awaited)

    for run in (past, waiting):
        NASBowlGenerator(NB201.to_dict()).choose(run, around, np.random.default_rng(0))

    (deviation, best), (narrower, new_best) = seen
    assert (narrower <= deviation + 1e-9).all()
    assert narrower.mean() < 0.95 * deviation.mean()
    assert new_best <= best


def test_without_iterations_only_the_operations_count(history: Build) -> None:
    past = some(history, NB201)
    pair = np.array([[3, 2, 3, 3, 3, 3], [3, 3, 3, 3, 3, 2]])
    chosen = [
        {
            NASBowlGenerator(NB201.to_dict(), max_depth=depth).choose(
                past, pair, np.random.default_rng(seed)
            )
            for seed in range(10)
        }
        for depth in (0, 2)
    ]

    # One of two that are predicted to be the same is drawn.
    assert chosen[0] == {0, 1}
    assert len(chosen[1]) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"max_depth": -1},
        {"min_noise": 0.0},
        {"max_noise": float("inf")},
        {"min_noise": 0.1, "max_noise": 0.01},
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        NASBowlGenerator(NB201.to_dict(), **options)
