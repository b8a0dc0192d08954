"""BONAS: a graph-convolutional embedding, and Bayesian regression on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.core import History
from ax_anasod.exceptions import OptionError
from ax_anasod.generators import GCNGenerator, gcn_generator
from ax_anasod.surrogates import GraphConvolutionalNetwork
from ax_anasod.testing import SyntheticObjective

NB201 = cells.get("nas-bench-201")
OWN = Cell("own", operations=["conv", "pool", "skip"], num_blocks=4, wiring=[2])
SMALL = {"num_layers": 2, "layer_width": 16, "num_epochs": 20}

Build = Callable[..., History]


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many architectures each network trained from now on was given."""
    numbers: list[int] = []
    fit = gcn_generator.fit_gcn

    def counted(graphs: Any, *rest: Any) -> GraphConvolutionalNetwork:
        numbers.append(len(graphs))
        return fit(graphs, *rest)

    monkeypatch.setattr(gcn_generator, "fit_gcn", counted)
    gcn_generator._fitted_gcn.cache_clear()
    yield numbers
    gcn_generator._fitted_gcn.cache_clear()


def generator(cell: Cell = OWN, seed: int = 0, **options: Any) -> GCNGenerator:
    return GCNGenerator(cell.to_dict(), seed, network=SMALL, **options)


def some(history: Build, cell: Cell, n: int = 12) -> History:
    codes = cell.sample(n, np.random.default_rng(3))
    return history(codes.tolist(), SyntheticObjective(cell)(codes).tolist())


def test_a_network_is_trained_once_a_round(
    history: Build, search: Callable[..., History], fits: list[int]
) -> None:
    search(
        generator(num_initial=4, trials_per_fit=3),
        SyntheticObjective(OWN),
        7,
        some(history, OWN, 4),
    )

    assert fits == [4, 7, 10]


def test_a_run_continued_elsewhere_trains_the_same_network(
    history: Build, search: Callable[..., History], disturb: Callable[[int], None]
) -> None:
    objective, start = SyntheticObjective(NB201), some(history, NB201, 5)
    whole = search(generator(NB201, num_initial=5), objective, 7, start)

    disturb(1)
    state = torch.get_rng_state()
    part = search(generator(NB201, num_initial=5), objective, 3, start)
    gcn_generator._fitted_gcn.cache_clear()
    rest = search(generator(NB201, num_initial=5), objective, 4, part)

    np.testing.assert_array_equal(rest.rows, whole.rows)
    assert torch.equal(torch.get_rng_state(), state)


def test_regression_knows_the_trials_of_the_round(history: Build) -> None:
    past = some(history, NB201, 12)
    candidates = NB201.sample(60, np.random.default_rng(0))
    surrogate = generator(NB201, num_initial=10, exploration=0.0)
    rng = np.random.default_rng(0)
    best = surrogate.choose(past, candidates, rng)
    # The one it believes in turns out to be the worst of all, within the same round.
    codes = [*past.rows.tolist(), *[candidates[best].tolist()] * 2]
    disappointed = history(codes, [*past.values[:, 0].tolist(), 99.9, 99.9])

    assert surrogate.choose(disappointed, candidates, rng) != best


def test_exploration_looks_for_what_is_uncertain(history: Build) -> None:
    past = some(history, NB201)
    candidates = NB201.sample(200, np.random.default_rng(0))
    rng = np.random.default_rng(0)
    chosen = [
        generator(NB201, exploration=exploration).choose(past, candidates, rng)
        for exploration in (0.0, 1e6)
    ]

    assert chosen[0] != chosen[1]


@pytest.mark.parametrize("name", ["darts", "nas-bench-graph", "nasnet"])
def test_wired_cells(name: str, history: Build) -> None:
    cell = cells.get(name)

    codes = generator(cell).propose(3, some(history, cell), {})

    assert cell.is_valid(codes).all()
    assert len(set(cell.keys(codes).tolist())) == 3


def test_it_tells_good_from_bad(history: Build) -> None:
    def objective(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        return np.asarray(1.0 + (codes != 3).sum(axis=1))

    codes = NB201.sample(40, np.random.default_rng(0))
    past = history(codes.tolist(), objective(codes).tolist())
    candidates = NB201.sample(300, np.random.default_rng(1))

    ranks = []
    for seed in range(3):
        surrogate = GCNGenerator(NB201.to_dict(), seed, exploration=0.0)
        chosen = surrogate.choose(past, candidates, np.random.default_rng(0))
        ranks.append(float((objective(candidates) < objective(candidates)[chosen]).mean()))

    assert np.mean(ranks) < 0.05


def test_failed_and_pending_trials(history: Build) -> None:
    past = some(history, OWN, 8)
    values, failed = past.values.copy(), np.zeros(8, dtype=np.bool_)
    values[[1, 2, 3]] = np.nan
    failed[[1, 2]] = True
    run = History(past.rows, values, past.trial_indices, failed, past.position)

    codes = generator(num_initial=4).propose(2, run, {})

    assert OWN.is_valid(codes).all()
    assert not np.isin(OWN.keys(codes), OWN.keys(past.rows)).any()


@pytest.mark.parametrize(
    "options", [{"trials_per_fit": 0}, {"exploration": -0.1}, {"network": {"num_layers": 0}}]
)
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        GCNGenerator(NB201.to_dict(), **options)
