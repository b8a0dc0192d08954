"""Search with the neural ensemble predictor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.core import History
from ax_anasod.exceptions import EncodingError, OptionError, UnknownNameError
from ax_anasod.generators import (
    ArchitectureEnsembleGenerator,
    EncodingEnsembleGenerator,
    HistoryGenerator,
    ensemble_generator,
)
from ax_anasod.generators.ensemble_generator import fitted_ensemble, thompson_draws
from ax_anasod.surrogates import EnsembleOptions, NeuralEnsemble
from ax_anasod.testing import SyntheticObjective

NB201 = cells.get("nas-bench-201")
OWN = Cell("own", operations=["conv", "pool", "skip"], num_blocks=4, wiring=[2])
SMALL = {"num_members": 3, "num_layers": 2, "layer_width": 8, "num_epochs": 20}

Build = Callable[..., History]
Codes = npt.NDArray[np.int64]


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many observations each ensemble trained from now on was given."""
    numbers: list[int] = []
    fit = ensemble_generator.fit_neural_ensemble

    def counted(X: Any, Y: Any, *rest: Any) -> NeuralEnsemble:
        numbers.append(len(X))
        return fit(X, Y, *rest)

    monkeypatch.setattr(ensemble_generator, "fit_neural_ensemble", counted)
    ensemble_generator._fitted_ensemble.cache_clear()
    yield numbers
    ensemble_generator._fitted_ensemble.cache_clear()


def architectures(cell: Cell = OWN, **options: Any) -> ArchitectureEnsembleGenerator:
    return ArchitectureEnsembleGenerator(cell.to_dict(), ensemble=SMALL, **options)


def encodings(cell: Cell = NB201, **options: Any) -> EncodingEnsembleGenerator:
    return EncodingEnsembleGenerator(cell.to_dict(), ensemble=SMALL, **options)


def some(history: Build, cell: Cell, n: int, encoded: bool = False) -> History:
    codes = cell.sample(n, np.random.default_rng(3))
    rows = cell.encode(codes) if encoded else codes
    return history(rows.tolist(), SyntheticObjective(cell)(codes).tolist())


def test_thompson_draws_have_the_members_mean_and_deviation() -> None:
    options = EnsembleOptions(**SMALL)
    X = torch.rand(10, 2, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    ensemble = fitted_ensemble(X.numpy(), X.sum(dim=1).numpy(), 0, options)
    rng = np.random.default_rng(0)

    draws = np.stack([thompson_draws(ensemble, X.numpy(), rng) for _ in range(2000)])

    with torch.no_grad():
        members = ensemble(X)[..., 0].numpy()
    deviations = members.std(axis=0)
    assert (np.abs(draws.mean(axis=0) - members.mean(axis=0)) < 0.1 * deviations + 1e-12).all()
    np.testing.assert_allclose(draws.std(axis=0), deviations, rtol=0.1)
    # Candidate by candidate: no draw says anything about another.
    assert abs(np.corrcoef(draws[:, 0], draws[:, 1])[0, 1]) < 0.1


def test_an_ensemble_is_trained_once_a_round(
    history: Build, search: Callable[..., History], fits: list[int]
) -> None:
    generator = architectures(trials_per_fit=3, num_initial=4)

    search(generator, SyntheticObjective(OWN), 7, some(history, OWN, 4))

    assert fits == [4, 7, 10]


def test_a_run_continued_elsewhere_trains_the_same_ensemble(
    history: Build, search: Callable[..., History], disturb: Callable[[int], None]
) -> None:
    objective, start = SyntheticObjective(OWN), some(history, OWN, 4)
    whole = search(architectures(num_initial=4, trials_per_fit=5), objective, 7, start)

    disturb(1)
    state = torch.get_rng_state()
    part = search(architectures(num_initial=4, trials_per_fit=5), objective, 3, start)
    ensemble_generator._fitted_ensemble.cache_clear()
    rest = search(architectures(num_initial=4, trials_per_fit=5), objective, 4, part)

    np.testing.assert_array_equal(rest.rows, whole.rows)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_trials_of_a_round_have_the_smallest_draws_of_one_drawing(
    history: Build, search: Callable[..., History], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawings: list[npt.NDArray[np.float64]] = []

    def recorded(*arguments: Any) -> npt.NDArray[np.float64]:
        drawings.append(thompson_draws(*arguments))
        return drawings[-1]

    monkeypatch.setattr(ensemble_generator, "thompson_draws", recorded)
    start = some(history, NB201, 4)
    generator = architectures(
        NB201, num_initial=4, trials_per_fit=5, candidates={"pool": "exhaustive"}
    )

    # What the trials of the round find has no say in it.
    found = search(generator, lambda rows: -np.ones(len(rows)), 5, start)

    for drawing in drawings:
        np.testing.assert_array_equal(drawing, drawings[0])
    pool = generator.candidates(start, {}, np.random.default_rng(0))
    best = pool[np.argsort(drawings[0], kind="stable")[:5]]
    np.testing.assert_array_equal(found.rows[4:], best)


def test_a_round_longer_than_its_pool_goes_on_with_another(history: Build) -> None:
    generator = architectures(num_initial=4, trials_per_fit=10, candidates={"pool_size": 3})

    codes = generator.propose(10, some(history, OWN, 4), {})

    assert len(set(OWN.keys(OWN.canonical(codes)).tolist())) == 10


def test_seeds_are_different_searches(history: Build) -> None:
    past = some(history, OWN, 10)
    proposals = [architectures(seed=seed).propose(1, past, {}).tolist() for seed in range(5)]

    assert len({tuple(codes[0]) for codes in proposals}) > 1


@pytest.mark.parametrize("kind", ["path", "adjacency"])
@pytest.mark.parametrize("name", ["darts", "nas-bench-graph"])
def test_wired_cells(name: str, kind: str, history: Build) -> None:
    cell = cells.get(name)

    codes = architectures(cell, inputs=kind, candidates={"pool_size": 20}).propose(
        3, some(history, cell, 6), {}
    )

    assert cell.is_valid(codes).all()
    assert len(set(cell.keys(codes).tolist())) == 3


def mean_best(
    make: Callable[[int], HistoryGenerator], objective: Any, start: History, trials: int
) -> float:
    best = []
    for seed in range(3):
        generator, past = make(seed), start
        for _ in range(trials):
            rows = generator.propose(1, past, {})
            past = replace(
                past,
                rows=np.concatenate([past.rows, rows]),
                values=np.concatenate([past.values, objective(rows)[:, None]]),
                trial_indices=np.arange(past.position + 1),
                failed=np.zeros(past.position + 1, dtype=np.bool_),
                position=past.position + 1,
            )
        best.append(float(past.values.min()))
    return float(np.mean(best))


def test_bananas_finds_what_is_better_than_one_in_a_hundred(history: Build) -> None:
    objective = SyntheticObjective(NB201)
    threshold = np.quantile(objective(NB201.enumerate()), 0.01)

    best = mean_best(
        lambda seed: ArchitectureEnsembleGenerator(NB201.to_dict(), seed, inputs="adjacency"),
        objective,
        some(history, NB201, 10),
        25,
    )

    # Fewer than a third of random searches with as many trials find one such.
    assert best < threshold


def test_encodings_find_the_best_one(history: Build) -> None:
    def objective(rows: Codes) -> npt.NDArray[np.float64]:
        return np.asarray(1.0 + np.abs(rows - [1, 0, 2, 3, 0]).sum(axis=1))

    start = history(
        NB201.encode(NB201.sample(10, np.random.default_rng(0))).tolist(), [9.0] * 10, width=5
    )
    start = replace(start, values=objective(start.rows)[:, None])

    best = mean_best(
        lambda seed: EncodingEnsembleGenerator(NB201.to_dict(), seed), objective, start, 25
    )

    # One block away at most, in all three runs; the start is six blocks away.
    assert best <= 3


class TestEncodings:
    def test_many_at_once_are_encodings(self, history: Build) -> None:
        past = some(history, NB201, 12, encoded=True)

        counts = encodings().propose(20, past, {})

        assert counts.shape == (20, 5)
        assert (counts.sum(axis=1) == 6).all()
        assert NB201.is_feasible(counts).all()
        assert len(np.unique(counts, axis=0)) > 3

    def test_both_parts_of_darts_share_one(self, history: Build) -> None:
        darts = cells.get("darts")
        past = history([[2, 1, 1, 1, 1, 1, 1], [8, 0, 0, 0, 0, 0, 0]], [1.0, 2.0])

        counts = encodings(darts, num_initial=2).propose(3, past, {})

        assert (counts.sum(axis=1) == 8).all()

    def test_an_encoding_of_one_architecture_has_one_trial(self, history: Build) -> None:
        pure = [0, 0, 0, 6, 0]
        # It is by far the best, and nothing has improved on it for long.
        past = history([pure, *[[2, 2, 2, 0, 0]] * 30], [1.0, *[50.0] * 30])

        counts = encodings(num_initial=1).propose(8, past, {})

        assert pure not in counts.tolist()
        assert (counts[:, 3] >= 4).mean() > 0.5

    def test_proposals_of_one_call_count_as_trials(self, history: Build) -> None:
        cell = Cell("two", operations=["a", "b"], num_blocks=3)

        counts = encodings(cell, num_initial=1).propose(7, history([[1, 2]], [1.0]), {})

        # Eight architectures, one of them tried: all of the others.
        found, times = np.unique(counts, axis=0, return_counts=True)
        assert found.tolist() == [[0, 3], [1, 2], [2, 1], [3, 0]]
        assert times.tolist() == [1, 2, 3, 1]

    def test_random_before_anything_was_observed(self, history: Build) -> None:
        pending = history([[6, 0, 0, 0, 0]] * 3, [np.nan] * 3)

        counts = encodings().propose(200, pending, {})

        assert counts.mean(axis=0) == pytest.approx(np.full(5, 6 / 5), abs=0.3)

    def test_fixed_counts_hold(self, history: Build) -> None:
        past = some(history, NB201, 12, encoded=True)

        assert set(encodings().propose(4, past, {2: 3})[:, 2].tolist()) == {3}
        with pytest.raises(EncodingError):
            encodings().propose(1, past, {2: 7})

    @pytest.mark.parametrize(
        ("option", "value"),
        [("num_initial", 0), ("trials_per_fit", 0), ("pool_size", 0)],
    )
    def test_numbers_out_of_range_are_refused(self, option: str, value: float) -> None:
        with pytest.raises(OptionError):
            encodings(**{option: value})


def test_options_of_the_ensemble_are_checked() -> None:
    with pytest.raises(UnknownNameError):
        ArchitectureEnsembleGenerator(OWN.to_dict(), ensemble={"loss": "mea"})
    with pytest.raises(OptionError):
        architectures(trials_per_fit=0)
    with pytest.raises(UnknownNameError):
        architectures(inputs="graph")


def test_relative_loss_needs_values_above_its_bound(history: Build) -> None:
    past = history(OWN.sample(3, np.random.default_rng(0)).tolist(), [1.0, 0.0, 2.0])
    generator = ArchitectureEnsembleGenerator(OWN.to_dict(), ensemble=SMALL | {"loss": "mape"})

    with pytest.raises(OptionError, match="'mape' needs all values above lower_bound"):
        generator.propose(1, past, {})
