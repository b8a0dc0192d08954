"""Bayesian optimisation on encodings as Ax runs it, against BoTorch used directly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from ax.api.client import Client
from ax.core.observation import ObservationFeatures
from botorch.acquisition import LogExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch import Tensor

from ax_anasod._ax import experiment_of
from ax_anasod.adapter import EncodingAdapter
from ax_anasod.cells import Cell
from ax_anasod.core import architecture_of
from ax_anasod.exceptions import AnasodError, EncodingError, OptionError, UnknownNameError
from ax_anasod.experiment import make_client
from ax_anasod.generation_strategy import make
from ax_anasod.generators import EncodingAcquisition
from ax_anasod.generators.candidates import exhaustive
from ax_anasod.simplex import TrustRegionSchedule
from ax_anasod.surrogates import EncodingGP

ENCODINGS = [(6, 0, 0), (3, 2, 1), (0, 0, 6), (1, 1, 4), (2, 2, 2)]
VALUES = [3.0, 1.0, 20.0, 7.5, 2.25]

Build = Callable[..., Client]
Fit = Callable[[Client], EncodingAdapter]


def parameters(client: Client) -> list[tuple[Any, ...]]:
    return [
        tuple(arm.parameters.values())
        for trial in experiment_of(client).trials.values()
        for arm in trial.arms
    ]


def directly(encodings: list[tuple[int, ...]], values: list[float]) -> LogExpectedImprovement:
    """The paper's acquisition function, built from BoTorch alone."""
    X = torch.tensor(encodings, dtype=torch.double) / sum(encodings[0])
    logs = torch.tensor(values, dtype=torch.double).log()[:, None]
    Y = (logs - logs.mean()) / logs.std()
    model = EncodingGP(X, Y)
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    return LogExpectedImprovement(model, best_f=Y.min(), maximize=False)


def grid(cell: Cell) -> Tensor:
    return torch.from_numpy(exhaustive(cell) / cell.total)


def test_it_proposes_what_botorch_alone_proposes(run: Build, toy_cell: Cell) -> None:
    client = run(ENCODINGS, VALUES, optimizer="exhaustive", num_initial=5)
    X = grid(toy_cell)

    for _ in range(4):
        known = [
            experiment_of(client).lookup_data([i]).df["mean"].item()
            for i in experiment_of(client).trials
        ]
        best = directly(parameters(client), known)(X.unsqueeze(1)).argmax()
        ((index, proposed),) = client.get_next_trials(1).items()
        assert list(proposed.values()) == (6 * X[best]).round().int().tolist()
        client.complete_trial(index, {"error": 1.0 + proposed["n_skip"] + index / 7})


@pytest.mark.parametrize("optimizer", ["pool", "mirror-descent", "exhaustive"])
def test_it_proposes_the_same_where_gradients_are_off(run: Build, optimizer: str) -> None:
    settings: dict[str, Any] = {"optimizer": optimizer, "num_initial": 5}
    expected = run(ENCODINGS, VALUES, **settings).get_next_trials(1)
    with torch.no_grad():
        assert run(ENCODINGS, VALUES, **settings).get_next_trials(1) == expected


@pytest.mark.parametrize("optimizer", ["pool", "mirror-descent", "exhaustive"])
def test_only_encodings_are_proposed(
    run: Build, toy_cell: Cell, optimizer: str, advance: Any, toy_error: Any
) -> None:
    client = run(ENCODINGS, VALUES, optimizer=optimizer, num_initial=5)

    for counts in advance(client, 10, toy_error):
        assert all(type(count) is int for count in counts)
        assert sum(counts) == toy_cell.total


@pytest.mark.parametrize("optimizer", ["pool", "mirror-descent", "exhaustive"])
def test_an_encoding_of_one_architecture_has_one_trial(
    run: Build, fit: Fit, optimizer: str
) -> None:
    # All trials since the first have failed to improve on six times the same operation.
    encodings = [(6, 0, 0), *[(2, 2, 2)] * 24, (0, 6, 0), (0, 0, 6)]
    client = run(encodings, [1.0] + [20.0] * 26, optimizer=optimizer, num_initial=1)
    once = [tuple(arm.parameters.values()) for arm in fit(client).gen(4).arms]

    assert not {(6, 0, 0), (0, 6, 0), (0, 0, 6)} & set(once)


@pytest.mark.parametrize("repeat", [True, False])
def test_it_may_have_more_where_that_is_wanted(
    run: Build, fit: Fit, monkeypatch: pytest.MonkeyPatch, repeat: bool
) -> None:
    scored: list[Tensor] = []
    score = EncodingAcquisition.score

    def recorded(self: EncodingAcquisition, X: Tensor) -> Tensor:
        scored.append(X)
        return score(self, X)

    monkeypatch.setattr(EncodingAcquisition, "score", recorded)

    fit(run(ENCODINGS, VALUES, pool_size=5000, repeat_architectures=repeat)).gen(1)

    found = {tuple(point) for point in (6 * scored[0]).round().int().tolist()}
    assert ((6, 0, 0) in found) == ((0, 0, 6) in found) == repeat
    assert {(0, 6, 0), (3, 2, 1)} <= found


class TestTrustRegion:
    def test_beta_is_what_the_schedule_says_of_the_values(
        self, toy_cell: Cell, toy_error: Any
    ) -> None:
        options = {"beta_max": 4.0, "beta_min": 0.5, "failure_tolerance": 2}
        client = make_client(toy_cell, "anasod-bo", seed=2, num_initial=3, **options)
        schedule = TrustRegionSchedule(success_tolerance=1, **options)

        values: list[float] = []
        betas = []
        for _ in range(16):
            ((index, proposed),) = client.get_next_trials(1).items()
            values.append(toy_error(proposed) + index % 2)
            client.complete_trial(index, {"error": values[-1]})
            (gr,) = experiment_of(client).trials[index].generator_runs
            if index >= 3:
                beta = schedule.replay([min(values[:3]), *values[3:-1]])
                assert gr.gen_metadata is not None
                assert gr.gen_metadata["beta"] == beta
                betas.append(beta)

        assert betas[0] == 0.0
        assert max(betas) > 0.5

    def test_a_large_beta_keeps_the_pool_at_the_incumbent(
        self, run: Build, fit: Fit, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pools = _record_pools(monkeypatch)
        encodings = [(2, 3, 1)] * 30
        client = run(encodings, [1.0] + [2.0] * 29, num_initial=1, beta_max=64.0)

        run_ = fit(client).gen(1)

        assert run_.gen_metadata is not None
        assert run_.gen_metadata["beta"] == 64.0
        ((fractions, counts),) = pools
        assert np.abs(fractions - np.array([2, 3, 1]) / 6).mean() < 0.05
        assert len(counts) < 10

    def test_a_beta_of_zero_draws_from_everywhere(
        self, run: Build, fit: Fit, toy_cell: Cell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pools = _record_pools(monkeypatch)

        fit(run(ENCODINGS, VALUES, pool_size=5000)).gen(1)

        ((fractions, counts),) = pools
        assert fractions.shape == (5000, 3)
        assert len(counts) == toy_cell.num_encodings
        np.testing.assert_allclose(fractions.mean(axis=0), 1 / 3, atol=0.02)

    def test_the_pool_has_a_hundred_draws_for_each_operation(
        self, run: Build, fit: Fit, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pools = _record_pools(monkeypatch)

        fit(run(ENCODINGS, VALUES)).gen(1)

        assert pools[0][0].shape == (300, 3)

    def test_initial_trials_that_failed_do_not_shorten_the_start(
        self, run: Build, fit: Fit
    ) -> None:
        client = run(ENCODINGS, [5.0, "failed", 4.0, 3.0, 2.0], num_initial=4, failure_tolerance=1)

        generated = fit(client).gen(1)

        assert generated.gen_metadata is not None
        assert generated.gen_metadata["beta"] == 0.0

    def test_several_objectives_have_none(self, run: Build, fit: Fit) -> None:
        outcomes = [{"error": v, "size": 5 - v / 10} for v in VALUES]
        client = run(
            ENCODINGS, outcomes, objectives=["error", "size"], num_initial=1, failure_tolerance=1
        )

        generated = fit(client).gen(1)

        assert generated.gen_metadata is not None
        assert generated.gen_metadata["beta"] == 0.0


class TestPending:
    def test_workers_get_different_pools_and_encodings(
        self, run: Build, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pools = _record_pools(monkeypatch)
        client = run(ENCODINGS, VALUES, num_initial=5)

        proposed = [client.get_next_trials(1) for _ in range(4)]
        proposed.append(client.get_next_trials(4))

        first_points = {tuple(fractions[0]) for fractions, _ in pools}
        assert len(first_points) == len(pools) == 8
        encodings = [tuple(p.values()) for trials in proposed for p in trials.values()]
        assert len(set(encodings)) == 8

    def test_it_makes_no_difference_whether_they_were_asked_for_at_once(self, run: Build) -> None:
        together, apart = (run(ENCODINGS, VALUES, num_initial=5) for _ in range(2))

        at_once = together.get_next_trials(4)
        one_by_one = {i: p for _ in range(4) for i, p in apart.get_next_trials(1).items()}

        assert at_once == one_by_one

    def test_they_are_believed_at_their_mean(self, run: Build, fit: Fit, toy_cell: Cell) -> None:
        outcomes: list[Any] = [*VALUES[:4], "running"]
        adapter = fit(run(ENCODINGS, outcomes, optimizer="exhaustive"))
        plain = directly(ENCODINGS[:4], VALUES[:4])

        (features,) = _pending(adapter)
        generated = adapter.gen(1, pending_observations={"error": [features]})

        X = grid(toy_cell)
        with torch.no_grad():
            pending = torch.tensor([ENCODINGS[4]], dtype=torch.double) / 6
            mean = plain.model.posterior(pending).mean
            noise = plain.model.likelihood.noise.expand(1, 1)
            believer = plain.model.condition_on_observations(pending, mean, noise=noise)
            best_f = torch.minimum(plain.best_f, mean.min())
            acqf = LogExpectedImprovement(believer, best_f=best_f, maximize=False)
            best = acqf(X.unsqueeze(1)).argmax()
        assert list(generated.arms[0].parameters.values()) == (6 * X[best]).round().int().tolist()

    def test_a_pending_encoding_believed_to_be_best_is_not_proposed_again(self, run: Build) -> None:
        # The values fall along a line that says: one step further is better still.
        line = [(6, 0, 0), (5, 1, 0), (4, 2, 0), (3, 3, 0)]
        client = run(line, [64.0, 32.0, 16.0, 8.0], num_initial=4, optimizer="exhaustive")

        proposed = [tuple(p.values()) for p in client.get_next_trials(5).values()]

        assert len(set(proposed)) == 5

    def test_many_pending_trials_on_few_encodings_are_no_trouble(self, toy_error: Any) -> None:
        tiny = Cell("tiny", operations=["conv", "pool"], num_blocks=1)
        client = make_client(tiny, "anasod-bo", num_initial=2)
        for index, p in client.get_next_trials(2).items():
            client.complete_trial(index, {"error": toy_error(p)})

        proposed = client.get_next_trials(25)

        assert len(proposed) == 25

    def test_abandoned_trials_are_not_pending_as_well(self, run: Build, fit: Fit) -> None:
        outcomes: list[Any] = [*VALUES[:3], "abandoned", "running"]
        adapter = fit(run(ENCODINGS, outcomes))

        still = adapter._still_pending({"error": _pending(adapter)})

        assert [f.trial_index for f in still["error"]] == [4]

    def test_pending_trials_of_several_objectives_are_kept_apart(self, run: Build) -> None:
        outcomes: list[Any] = [{"error": v, "size": 5 - v / 10} for v in VALUES]
        client = run(ENCODINGS, outcomes, objectives=["error", "size"], num_initial=5)

        proposed = [client.get_next_trials(2), client.get_next_trials(2)]

        encodings = [tuple(p.values()) for trials in proposed for p in trials.values()]
        assert len(set(encodings)) == 4


def test_a_batch_in_one_generator_run_is_chosen_one_after_another(
    run: Build, fit: Fit, toy_cell: Cell
) -> None:
    client = run(ENCODINGS, VALUES, optimizer="exhaustive")

    generated = fit(client).gen(4)

    encodings = [tuple(arm.parameters.values()) for arm in generated.arms]
    assert len(set(encodings)) == 4
    one = run(ENCODINGS, VALUES, optimizer="exhaustive", num_initial=5).get_next_trials(1)
    assert encodings[0] == tuple(next(iter(one.values())).values())
    assert generated.weights == [1.0] * 4


@pytest.mark.parametrize("objectives", [["error"], ["error", "size"]], ids=["one", "two"])
def test_a_batch_with_pending_trials_avoids_both(
    run: Build, fit: Fit, objectives: list[str]
) -> None:
    outcomes: list[Any] = [{"error": v, "size": 5 - v / 10} for v in VALUES]
    client = run(ENCODINGS, outcomes, objectives=objectives, optimizer="exhaustive", num_initial=5)
    running = [tuple(p.values()) for p in client.get_next_trials(2).values()]
    adapter = fit(client)

    generated = adapter.gen(3, pending_observations={m: _pending(adapter) for m in objectives})

    batch = [tuple(arm.parameters.values()) for arm in generated.arms]
    assert len({*running, *batch}) == 5


class TestFixedParameters:
    @pytest.mark.parametrize("optimizer", ["pool", "mirror-descent", "exhaustive"])
    def test_they_hold(self, run: Build, optimizer: str) -> None:
        client = run(ENCODINGS, VALUES, num_initial=5, optimizer=optimizer)

        trials = client.get_next_trials(3, fixed_parameters={"n_conv": 4})

        assert [p["n_conv"] for p in trials.values()] == [4, 4, 4]
        assert all(sum(p.values()) == 6 for p in trials.values())

    def test_all_of_them_may_be_fixed(self, run: Build) -> None:
        client = run(ENCODINGS, VALUES, num_initial=5)
        fixed = {"n_conv": 1, "n_pool": 2, "n_skip": 3}

        assert list(client.get_next_trials(1, fixed_parameters=fixed).values()) == [fixed]

    @pytest.mark.parametrize("num_initial", [1, 50], ids=["model", "initial"])
    @pytest.mark.parametrize(
        ("fixed", "error", "message"),
        [
            ({"n_conv": 2.5}, EncodingError, r"n_conv = 2.5 is no count.*from 0 to 6"),
            ({"n_conv": -1}, EncodingError, r"n_conv = -1"),
            ({"n_conv": 7}, EncodingError, r"n_conv = 7"),
            ({"n_conv": float("nan")}, EncodingError, r"n_conv = nan"),
            ({"n_conv": 4, "n_pool": 4}, EncodingError, r"'conv': 4, 'pool': 4.*sum to 6"),
            ({"n_con": 2}, UnknownNameError, r"did you mean 'n_conv'"),
        ],
    )
    def test_what_no_encoding_has_is_refused(
        self,
        run: Build,
        num_initial: int,
        fixed: dict[str, Any],
        error: type[AnasodError],
        message: str,
    ) -> None:
        client = run(ENCODINGS, VALUES, num_initial=num_initial)

        with pytest.raises(error, match=message):
            client.get_next_trials(1, fixed_parameters=fixed)
        assert len(experiment_of(client).trials) == 5


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"objective": "-(2*error + size)"}, "single metrics, not a sum"),
        (
            {"objective": "-error", "outcome_constraints": ["size + 2*other <= 3"]},
            "limits a sum of several metrics",
        ),
    ],
)
def test_what_it_would_ignore_is_refused(
    toy_cell: Cell, toy_error: Any, configuration: dict[str, Any], message: str
) -> None:
    client = make_client(toy_cell, "anasod-random")
    client.configure_optimization(**configuration)
    space = experiment_of(client).search_space
    for index, p in client.get_next_trials(2).items():
        client.complete_trial(index, {"error": toy_error(p), "size": 1.0})

    for num_initial in (2, 3):  # at the first proposal of the model, and before it
        client.set_generation_strategy(make("anasod-bo", space, num_initial=num_initial))
        with pytest.raises(OptionError, match=message):
            client.get_next_trials(1)


def test_the_model_can_be_asked_by_ax(run: Build, fit: Fit) -> None:
    client = run(ENCODINGS, VALUES)
    adapter = fit(client)

    observed = ObservationFeatures(experiment_of(client).trials[1].arms[0].parameters)
    means, _ = adapter.predict([observed])

    assert means["error"][0] == pytest.approx(1.0, rel=0.5)


def _pending(adapter: EncodingAdapter) -> list[ObservationFeatures]:
    return [
        ObservationFeatures(arm.parameters, trial_index=index)
        for index, trial in adapter._experiment.trials.items()
        if not trial.status.is_completed
        for arm in trial.arms
    ]


def _record_pools(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """Every pool drawn from now on: its points, and the encodings they become."""
    from ax_anasod.generators import candidates

    pools: list[tuple[Any, Any]] = []
    draw, distinct = candidates.pool_fractions, candidates.unique_counts

    def recorded_draw(*args: Any, **kwargs: Any) -> Any:
        pools.append((draw(*args, **kwargs), None))
        return pools[-1][0]

    def recorded_distinct(*args: Any, **kwargs: Any) -> Any:
        counts = distinct(*args, **kwargs)
        pools[-1] = (pools[-1][0], counts)
        return counts

    monkeypatch.setattr(candidates, "pool_fractions", recorded_draw)
    monkeypatch.setattr(candidates, "unique_counts", recorded_distinct)
    return pools


@pytest.mark.parametrize("optimizer", ["pool", "exhaustive"])
def test_no_encoding_of_a_batch_has_more_trials_than_architectures(
    run: Build, optimizer: str
) -> None:
    # The model believes in (6, 0, 0), which is one architecture.
    encodings = [(5, 1, 0), (5, 0, 1), (2, 2, 2), (0, 6, 0)]
    client = run(encodings, [1.0, 1.0, 20.0, 30.0], optimizer=optimizer, num_initial=1)
    batch = client.get_next_trials(24).values()
    counts = [tuple(parameters.values()) for parameters in batch]
    for encoding in set(counts):
        possible = experiment_of(client).search_space.cell.num_architectures([encoding])[0]
        assert (counts + encodings).count(encoding) <= possible
    found = [str(architecture_of(client, index)) for index in experiment_of(client).trials]
    assert len(set(found)) == len(found) == 28
