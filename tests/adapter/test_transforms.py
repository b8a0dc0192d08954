"""What happens to encodings and errors on their way to the surrogate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from ax.adapter.data_utils import DataLoaderConfig, extract_experiment_data
from ax.api.client import Client
from ax.core.observation import ObservationFeatures
from ax.core.parameter import ParameterType, RangeParameter
from ax.core.search_space import SearchSpace
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod._ax import experiment_of, nodes_of, strategy_of
from ax_anasod.adapter import BomzeRounding, EncodingAdapter, PrepareObservations
from ax_anasod.simplex import bomze_round

ENCODINGS = [(6, 0, 0), (3, 2, 1), (0, 0, 6), (1, 1, 4), (2, 2, 2)]
NAMES = ["n_conv", "n_pool", "n_skip"]
ROUNDING = BomzeRounding(config={"names": NAMES, "total": 6})

Build = Callable[..., Client]
Fit = Callable[[Client], EncodingAdapter]


def trained(adapter: EncodingAdapter) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Inputs ``n x k`` and targets ``n`` that the GP was given."""
    model = adapter.generator.surrogate.model
    (X,) = model.train_inputs
    return X.numpy(), model.train_targets.numpy()


def standardised(values: list[float]) -> npt.NDArray[np.float64]:
    logs = np.log(values)
    return np.asarray((logs - logs.mean()) / logs.std(ddof=1))


class TestBomzeRounding:
    def test_counts_become_fractions(self) -> None:
        features = ObservationFeatures({"n_conv": 3, "n_pool": 2, "n_skip": 1})

        (transformed,) = ROUNDING.transform_observation_features([features])

        assert list(transformed.parameters.values()) == [3 / 6, 2 / 6, 1 / 6]

    def test_some_of_the_counts_alone_do_as_well(self) -> None:
        (transformed,) = ROUNDING.transform_observation_features(
            [ObservationFeatures({"n_pool": 3})]
        )
        (back,) = ROUNDING.untransform_observation_features([transformed])

        assert back.parameters == {"n_pool": 0.5}

    @given(st.integers(0, 2**32))
    def test_any_point_becomes_the_nearest_encoding(self, seed: int) -> None:
        point = np.random.default_rng(seed).dirichlet(np.ones(3))
        features = ObservationFeatures(dict(zip(NAMES, point.tolist(), strict=True)))

        (back,) = ROUNDING.untransform_observation_features([features])

        counts = list(back.parameters.values())
        assert all(type(count) is int for count in counts)
        assert counts == bomze_round(6 * point[None, :], 6)[0].tolist()

    def test_encodings_survive_the_way_there_and_back(self) -> None:
        for counts in ENCODINGS:
            features = ObservationFeatures(dict(zip(NAMES, counts, strict=True)))
            (there,) = ROUNDING.transform_observation_features([features.clone()])
            (back,) = ROUNDING.untransform_observation_features([there])
            assert back.parameters == features.parameters

    def test_the_models_space_is_the_unit_cube(self) -> None:
        space = ROUNDING.transform_search_space(SearchSpace([]))

        assert list(space.parameters) == NAMES
        for parameter in space.parameters.values():
            assert isinstance(parameter, RangeParameter)
            assert parameter.parameter_type is ParameterType.FLOAT
            assert (parameter.lower, parameter.upper) == (0.0, 1.0)


def test_the_gp_sees_fractions_and_standardised_logarithms(run: Build, fit: Fit) -> None:
    values = [3.0, 1.0, 20.0, 7.5, 2.25]

    X, y = trained(fit(run(ENCODINGS, values)))

    np.testing.assert_allclose(X, np.array(ENCODINGS) / 6)
    np.testing.assert_allclose(y, standardised(values))
    assert y.mean() == pytest.approx(0)
    assert y.std(ddof=1) == pytest.approx(1)


def test_without_the_logarithm_they_are_only_standardised(run: Build, fit: Fit) -> None:
    values = [3.0, -1.0, 20.0, 7.5, 0.0]

    _, y = trained(fit(run(ENCODINGS, values, log_targets=False)))

    np.testing.assert_allclose(y, (np.array(values) - np.mean(values)) / np.std(values, ddof=1))


def test_an_error_of_zero_is_half_of_the_smallest_positive_one(run: Build, fit: Fit) -> None:
    _, y = trained(fit(run(ENCODINGS, [3.0, 0.0, 20.0, 0.5, 0.0])))

    np.testing.assert_allclose(y, standardised([3.0, 0.25, 20.0, 0.5, 0.25]))


@pytest.mark.parametrize("value", [0.0, 5.0, 1e-11, 1e12])
def test_constant_values_are_fitted_too(run: Build, fit: Fit, value: float) -> None:
    _, y = trained(fit(run(ENCODINGS, [value] * 5)))

    np.testing.assert_array_equal(y, np.zeros(5))


def test_a_single_observation_is_enough(run: Build, fit: Fit) -> None:
    _, y = trained(fit(run(ENCODINGS[:1], [7.0])))

    assert y.tolist() == [0.0]


def test_a_negative_value_has_no_logarithm_and_is_modelled_as_it_is(run: Build, fit: Fit) -> None:
    values = [2.0, 3.0, -0.5]

    _, y = trained(fit(run(ENCODINGS[:3], values)))

    np.testing.assert_allclose(y, (np.array(values) - np.mean(values)) / np.std(values, ddof=1))


def test_each_of_several_objectives_has_its_logarithm_or_not(run: Build, fit: Fit) -> None:
    outcomes = [{"error": e, "margin": m} for e, m in ((2.0, -1.0), (3.0, 4.0), (1.0, 2.0))]
    adapter = fit(run(ENCODINGS[:3], outcomes, objectives=["error", "margin"]))
    assert adapter.transforms["LogObjectives"].metric_signatures == ["error"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_counts_as_the_worst_seen(
    run: Build, fit: Fit, value: float
) -> None:
    _, y = trained(fit(run(ENCODINGS[:3], [2.0, value, 3.0])))

    np.testing.assert_allclose(np.sort(y), np.sort(standardised([2.0, 3.0, 3.0])))


@pytest.mark.parametrize("value", [4.0, (4.0, -0.1), (4.0, np.inf)])
def test_noise_that_is_not_known_is_inferred_with_one_warning(
    run: Build, fit: Fit, own_warnings: Any, value: Any
) -> None:
    client = run(ENCODINGS[:4], [(2.0, 0.1), (3.0, 0.2), value, 5.0])

    with own_warnings() as texts:
        adapters = [fit(client), fit(client)]
        assert len(client.get_next_trials(1)) == 1

    assert len(texts) == 1
    assert "others none" in texts[0]
    for adapter in adapters:
        known = adapter.generator.surrogate.model.likelihood.noise_covar.known
        variances = dict(zip(map(tuple, trained(adapter)[0]), known.tolist(), strict=True))
        unknown = [np.isnan(variances[tuple(np.array(e) / 6)]) for e in ENCODINGS[:4]]
        assert unknown == [False, False, True, True]


def test_what_was_reported_of_a_failed_trial_is_not_modelled(run: Build, fit: Fit) -> None:
    client = run(ENCODINGS[:3], [2.0, "running", 9.0])
    client.attach_data(1, {"error": 0.1})
    client.mark_trial_failed(1)

    _, y = trained(fit(client))

    np.testing.assert_allclose(np.sort(y), np.sort(standardised([2.0, 9.0, 9.0])))


def test_a_reported_metric_may_be_anything(run: Build, fit: Fit) -> None:
    outcomes = [{"error": 2.0, "margin": -3.0}, {"error": 4.0, "margin": np.nan}, {"error": 1.0}]

    _, y = trained(fit(run(ENCODINGS[:3], outcomes, reported=["margin"])))

    np.testing.assert_allclose(y, standardised([2.0, 4.0, 1.0]))


def test_a_trial_with_a_reported_metric_alone_is_no_observation(run: Build, fit: Fit) -> None:
    outcomes = [{"error": 2.0}, {"margin": 5.0}, {"error": 1.0}]

    X, y = trained(fit(run(ENCODINGS[:3], outcomes, reported=["margin"])))

    np.testing.assert_allclose(X, np.array([ENCODINGS[0], ENCODINGS[2]]) / 6)
    np.testing.assert_allclose(y, standardised([2.0, 1.0]))


class TestFailures:
    def test_they_count_as_the_worst_value_seen(self, run: Build, fit: Fit) -> None:
        client = run(ENCODINGS, [2.0, "failed", 9.0, "abandoned", 1.0])

        X, y = trained(fit(client))

        order = np.argsort(X @ [36, 6, 1])
        expected = np.argsort(np.array(ENCODINGS) @ [36, 6, 1])
        np.testing.assert_allclose(X[order], np.array(ENCODINGS)[expected] / 6)
        np.testing.assert_allclose(y[order], standardised([2.0, 9.0, 9.0, 9.0, 1.0])[expected])

    def test_the_worst_of_a_maximised_metric_is_its_smallest(self, run: Build) -> None:
        client = run([], [])
        client.configure_optimization("error")
        for counts, score in zip(ENCODINGS, (0.4, 0.9, None), strict=False):
            index = client.attach_trial(dict(zip(NAMES, counts, strict=True)))
            if score is None:
                client.mark_trial_failed(index)
            else:
                client.complete_trial(index, {"error": score})

        adapter = _without_logarithm(client)

        values = dict(zip(map(tuple, trained(adapter)[0]), trained(adapter)[1], strict=True))
        assert values[0.0, 0.0, 1.0] == values[1.0, 0.0, 0.0] < values[3 / 6, 2 / 6, 1 / 6]

    def test_each_objective_has_its_own_worst(self, run: Build, fit: Fit) -> None:
        outcomes = [{"error": 2.0, "size": 9.0}, {"error": 4.0, "size": 3.0}, "failed"]

        adapter = fit(run(ENCODINGS[:3], outcomes, objectives=["error", "size"]))

        first, second = adapter.generator.surrogate.model.models
        np.testing.assert_allclose(first.train_targets, standardised([2.0, 4.0, 4.0]))
        np.testing.assert_allclose(second.train_targets, standardised([9.0, 3.0, 9.0]))

    def test_what_was_known_before_the_failure_stays(self, run: Build, fit: Fit) -> None:
        outcomes = [{"error": 2.0, "size": 9.0}, {"error": 4.0, "size": 3.0}, "running"]
        client = run(ENCODINGS[:3], outcomes, objectives=["error", "size"])
        client.attach_data(2, {"size": 5.0})
        client.mark_trial_failed(2)

        first, second = fit(client).generator.surrogate.model.models

        np.testing.assert_allclose(first.train_targets, standardised([2.0, 4.0, 4.0]))
        np.testing.assert_allclose(second.train_targets, standardised([9.0, 3.0, 5.0]))

    @pytest.mark.parametrize("limit", ["size <= 4", "size >= 6"])
    def test_a_trial_that_broke_a_limit_teaches_the_model_of_the_limit_alone(
        self, run: Build, fit: Fit, limit: str
    ) -> None:
        outcomes = [{"error": 2.0, "size": 9.0}, {"error": 4.0, "size": 3.0}, "running"]
        client = run(ENCODINGS[:3], outcomes, limits=[limit])
        client.attach_data(2, {"size": 5.0})
        client.mark_trial_failed(2)

        first, second = fit(client).generator.surrogate.model.models

        np.testing.assert_allclose(first.train_targets, standardised([2.0, 4.0]))
        np.testing.assert_allclose(second.train_targets, standardised([9.0, 3.0, 5.0]))

    def test_data_of_a_failed_trial_is_not_used(self, run: Build, fit: Fit) -> None:
        client = run(ENCODINGS[:3], [2.0, 4.0, "running"])
        client.attach_data(2, {"error": 0.001})
        client.mark_trial_failed(2)

        _, y = trained(fit(client))

        np.testing.assert_allclose(y, standardised([2.0, 4.0, 4.0]))

    def test_their_noise_is_the_largest_given(self, run: Build, fit: Fit) -> None:
        client = run(ENCODINGS[:3], [(2.0, 0.1), (4.0, 0.4), "failed"])

        noise = fit(client).generator.surrogate.model.likelihood.noise

        assert noise[2] == noise[1] > noise[0]

    def test_learning_curves_do_not_hide_them(self, run: Build, fit: Fit) -> None:
        client = run(ENCODINGS[:3], ["running", "running", "failed"])
        for index, value in ((0, 2.0), (1, 4.0)):
            client.attach_data(index, {"error": 10.0}, progression=1)
            client.complete_trial(index, {"error": value}, progression=5 + index)

        _, y = trained(fit(client))

        np.testing.assert_allclose(y, standardised([2.0, 4.0, 4.0]))

    def test_an_abandoned_arm_of_a_batch_is_one(self, run: Build, fit: Fit) -> None:
        client = run(ENCODINGS[:2], [2.0, 4.0])
        batch = experiment_of(client).new_batch_trial()
        batch.add_arm(experiment_of(client).trials[0].arms[0].clone(clear_name=True))
        batch.mark_running(no_runner_required=True)
        batch.mark_arm_abandoned(batch.arms[0].name)

        X, y = trained(fit(client))

        np.testing.assert_allclose(X, np.array([ENCODINGS[0], ENCODINGS[1], ENCODINGS[0]]) / 6)
        np.testing.assert_allclose(y, standardised([2.0, 4.0, 4.0]))


class TestNoise:
    def test_it_reaches_the_gp_in_the_scale_of_the_targets(self, run: Build, fit: Fit) -> None:
        means, sems = np.array([2.0, 4.0, 1.0]), np.array([0.2, 0.1, 0.5])

        adapter = fit(run(ENCODINGS[:3], list(zip(means, sems, strict=True))))

        variances = np.log1p((sems / means) ** 2)
        logs = np.log(means) - variances / 2
        likelihood = adapter.generator.surrogate.model.likelihood
        np.testing.assert_allclose(likelihood.noise, variances / logs.std(ddof=1) ** 2)

    def test_it_changes_what_the_gp_believes(self, run: Build, fit: Fit) -> None:
        def certainty(*sems: float) -> torch.Tensor:
            outcomes = [(2.0, sems[0]), (4.0, sems[1]), (1.0, sems[2])]
            model = fit(run(ENCODINGS[:3], outcomes)).generator.surrogate.model
            return model.posterior(torch.tensor(ENCODINGS[:3], dtype=torch.double) / 6).variance

        assert (certainty(0.01, 0.01, 0.5)[2] > 10 * certainty(0.01, 0.01, 0.01)[2]).all()

    def test_none_at_all_is_legal(self, run: Build, fit: Fit) -> None:
        adapter = fit(run(ENCODINGS[:3], [(2.0, 0.0), (4.0, 0.0), (0.0, 0.0)]))

        assert (adapter.generator.surrogate.model.likelihood.noise == 1e-6).all()

    def test_without_any_it_is_inferred(self, run: Build, fit: Fit) -> None:
        likelihood = fit(run(ENCODINGS[:3], [2.0, 4.0, 1.0])).generator.surrogate.model.likelihood

        assert likelihood.noise.shape == (1,)
        assert 1e-6 * 0.99 <= likelihood.noise.item() <= 0.1 * 1.01


def test_the_gp_sees_what_it_will_see_after_loading(run: Build, fit: Fit) -> None:
    exact = [np.pi, np.e, 1e-3 / 3, 12345.678901234567, 1 / 7]
    rounded = [3.1415926536, 2.7182818285, 0.0003333333, 12345.6789012346, 0.1428571429]

    assert torch.equal(*(_targets(fit(run(ENCODINGS, v))) for v in (exact, rounded)))


def test_without_an_adapter_only_the_numbers_are_prepared(run: Build) -> None:
    client = run(ENCODINGS[:2], [1 / 3, "failed"])
    data = extract_experiment_data(experiment_of(client), DataLoaderConfig())

    prepared = PrepareObservations(config={"names": NAMES}).transform_experiment_data(data)

    assert prepared.observation_data["mean", "error"].tolist() == [0.3333333333]


def _targets(adapter: EncodingAdapter) -> torch.Tensor:
    return adapter.generator.surrogate.model.train_targets


def _without_logarithm(client: Client) -> EncodingAdapter:
    (spec,) = nodes_of(strategy_of(client))[-1].generator_specs
    configs = spec.generator_kwargs["transform_configs"]
    configs["PrepareObservations"]["log_targets"] = configs["LogObjectives"]["log_targets"] = False
    spec.fit(experiment_of(client))
    adapter = spec.fitted_adapter
    assert isinstance(adapter, EncodingAdapter)
    return adapter
