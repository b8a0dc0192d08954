"""An ordinary Ax experiment over a cell, in one call."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ax.api.client import Client
from ax.core.metric import Metric
from ax.core.optimization_config import MultiObjectiveOptimizationConfig

from ax_anasod._ax import experiment_of
from ax_anasod.cells import Cell, from_dict
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace, RunProperties
from ax_anasod.exceptions import (
    AnasodError,
    CellError,
    ObjectiveWarning,
    OptionError,
    UnknownNameError,
)
from ax_anasod.experiment import make_client, make_experiment, make_search_space
from ax_anasod.metrics import LookupMetric


class TestSearchSpace:
    def test_it_is_the_one_that_the_strategy_needs(self, toy_cell: Cell) -> None:
        assert type(make_search_space(toy_cell, "anasod-bo")) is AnasodSearchSpace
        assert type(make_search_space(toy_cell, "random")) is CellSearchSpace

    def test_an_unknown_strategy_is_refused(self, toy_cell: Cell) -> None:
        with pytest.raises(UnknownNameError):
            make_search_space(toy_cell, "anasod-bq")


class TestExperiment:
    def test_it_minimises_and_remembers_its_run(self, toy_cell: Cell) -> None:
        space = AnasodSearchSpace.from_cell(toy_cell)

        experiment = make_experiment(
            space,
            "valid_error",
            reported=["test_error"],
            seed=4,
            strategy="anasod-bo",
            options={"num_initial": 3},
            name="mine",
        )

        assert experiment.name == "mine"
        config = experiment.optimization_config
        assert config is not None
        assert config.objective.metric_weights == [("valid_error", -1.0)]
        assert set(experiment.metrics) == {"valid_error", "test_error"}
        properties = RunProperties.read(experiment)
        assert properties == RunProperties(
            toy_cell.to_dict(), "encoding", 4, "anasod-bo", {"num_initial": 3}
        )
        assert experiment.immutable_search_space_and_opt_config

    def test_several_objectives_are_a_pareto_front(self, toy_cell: Cell) -> None:
        experiment = make_experiment(AnasodSearchSpace.from_cell(toy_cell), ["error", "latency"])

        config = experiment.optimization_config
        assert config is not None
        assert config.is_moo_problem
        assert config.objective.metric_weights == [("error", -1.0), ("latency", -1.0)]

    @pytest.mark.parametrize(
        ("arguments", "expression"),
        [
            ({}, "-error"),
            ({"objectives": "-error"}, "-error"),
            ({"maximize": "auc"}, "auc"),
            ({"objectives": ["auc", "-error"], "maximize": "auc"}, "auc, -error"),
            ({"objectives": "error", "maximize": ["auc", "r2"]}, "-error, auc, r2"),
        ],
    )
    def test_directions_are_said_in_words_or_in_axs_signs(
        self, toy_cell: Cell, arguments: dict[str, Any], expression: str
    ) -> None:
        experiment = make_experiment(AnasodSearchSpace.from_cell(toy_cell), **arguments)

        config = experiment.optimization_config
        assert config is not None
        assert config.objective.expression == expression
        for name in ("auc", "r2", "error"):
            if name in experiment.metrics:
                assert experiment.metrics[name].lower_is_better == (name == "error")

    @pytest.mark.parametrize("name", ["accuracy", "-accuracy"])
    def test_an_accuracy_that_is_minimised_is_warned_of(self, toy_cell: Cell, name: str) -> None:
        with pytest.warns(ObjectiveWarning, match="'accuracy' is minimised"):
            make_client(toy_cell, objectives=name)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"objectives": ["error", "-error"]}, "name 'error' twice"),
            ({"objectives": "-error", "maximize": "error"}, "name 'error' twice"),
            ({"objectives": "error", "reported": "error"}, "name 'error' twice"),
            ({"objectives": {"error", "size"}}, "objectives is a set, which has no order"),
            ({"maximize": {"auc"}}, "maximize is a set"),
            ({"objectives": ()}, "at least one objective"),
        ],
    )
    def test_what_is_no_list_of_objectives_is_refused(
        self, toy_cell: Cell, arguments: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(OptionError, match=message):
            make_client(toy_cell, **arguments)

    @pytest.mark.parametrize("metrics", [[LookupMetric("error")], LookupMetric("error")])
    def test_metrics_that_fetch_take_the_place_of_plain_ones(
        self, toy_cell: Cell, metrics: Any
    ) -> None:
        experiment = make_experiment(
            AnasodSearchSpace.from_cell(toy_cell), "error", reported=["size"], metrics=metrics
        )

        assert type(experiment.metrics["error"]) is LookupMetric
        assert type(experiment.metrics["size"]) is Metric

    @pytest.mark.parametrize("name", ["val acc_error", "a.b", "top1-acc_error", "n_conv", "loss_2"])
    def test_awkward_objectives_that_ax_can_take(
        self, toy_cell: Cell, toy_error: Any, advance: Any, name: str
    ) -> None:
        client = make_client(toy_cell, "anasod-bo", objectives=name, num_initial=2)

        advance(client, 4, lambda parameters: {name: toy_error(parameters)})

        assert experiment_of(client).lookup_data().df["metric_name"].unique().tolist() == [name]

    @pytest.mark.parametrize(
        "name",
        ["beta", "lambda", "I", "1st", "x-y", "error (%)", "2*a", "a + b", "a, b", "", "f('x')"],
    )
    def test_objectives_that_ax_would_take_for_formulas_are_refused(
        self, toy_cell: Cell, name: str
    ) -> None:
        with pytest.raises(OptionError, match=r"Ax cannot take .* as the name of an objective"):
            make_experiment(AnasodSearchSpace.from_cell(toy_cell), name)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"objectives": []}, "at least one objective"),
            ({"objectives": ["a1", "a1"]}, "names 'a1' twice"),
            ({"objectives": 5}, "objectives is 5"),
            ({"objectives": "a1", "reported": ["a1"]}, "name 'a1' twice"),
            ({"objectives": "a1", "reported": ["b", "b"]}, "names 'b' twice"),
            ({"reported": None}, "reported is None"),
            ({"seed": 1.5}, "seed must be a whole number of at least 0, got 1.5"),
            (
                {"objectives": "error", "metrics": [LookupMetric("eror")]},
                r"metric 'eror' is neither.*did you mean 'error'",
            ),
            ({"metrics": [LookupMetric("error"), Metric("error")]}, "two of the name 'error'"),
            ({"metrics": "error"}, "metrics holds 'error', which is no Ax metric"),
            ({"metrics": None}, "metrics holds None"),
        ],
    )
    def test_names_that_do_not_fit_together_are_refused(
        self, toy_cell: Cell, arguments: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(OptionError, match=message):
            make_experiment(AnasodSearchSpace.from_cell(toy_cell), **arguments)


class TestClient:
    @pytest.mark.parametrize(
        ("argument", "value"),
        [
            ("known", "p"),
            ("known", 5),
            ("features", 5),
            ("sources", "nowhere"),
            ("sources", 5),
            ("storage_config", "x.db"),
        ],
    )
    def test_an_argument_of_another_kind_is_refused(
        self, toy_cell: Cell, argument: str, value: object
    ) -> None:
        options: dict[str, Any] = {argument: value}
        with pytest.raises(OptionError, match=f"^{argument} is "):
            make_client(toy_cell, "two-level-bo", **options)

    def test_it_is_ready_to_ask(self, toy_cell: Cell) -> None:
        client = make_client(toy_cell, "anasod-bo", seed=2, num_initial=3)

        assert type(client) is Client
        (parameters,) = client.get_next_trials(1).values()
        assert sum(parameters.values()) == toy_cell.total
        properties = RunProperties.read(experiment_of(client))
        assert properties is not None
        assert properties.options == {"num_initial": 3}
        assert from_dict(properties.cell) == toy_cell

    def test_strategies_for_one_objective_refuse_several(self, toy_cell: Cell) -> None:
        with pytest.raises(OptionError):
            make_client(toy_cell, "anasod-biased-random", objectives=["a1", "b"])

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"strategy": "anasodbo"}, UnknownNameError, "did you mean 'anasod-bo'"),
            ({"strategy": None}, UnknownNameError, "unknown strategy None"),
            ({"strategy": ["tpe"]}, UnknownNameError, r"unknown strategy \['tpe'\]"),
            ({"pol_size": 3}, UnknownNameError, "did you mean 'pool_size'"),
            ({"pool_size": -3}, OptionError, "pool_size must be at least 1"),
            ({"seed": -1}, OptionError, "seed must be"),
        ],
    )
    def test_what_does_not_exist_is_refused(
        self, toy_cell: Cell, arguments: dict[str, Any], error: type[AnasodError], message: str
    ) -> None:
        with pytest.raises(error, match=message):
            make_client(toy_cell, **arguments)

    @pytest.mark.parametrize("strategy", ["anasod-bo", "tpe"])
    def test_the_name_of_a_cell_is_no_cell(self, strategy: str) -> None:
        with pytest.raises(CellError, match="got 'darts'.*cells.get gives"):
            make_client("darts", strategy)  # type: ignore[arg-type]

    def test_one_reported_metric_may_be_given_as_it_is(self, toy_cell: Cell) -> None:
        client = make_client(toy_cell, reported="latency")

        assert set(experiment_of(client).metrics) == {"error", "latency"}

    def test_numpys_texts_can_be_saved(self, toy_error: Any, tmp_path: Path) -> None:
        cell = Cell(np.str_("mine"), np.array(["conv", "pool", "skip"]), 6)  # type: ignore[arg-type]
        client = make_client(cell, objectives=np.array(["error"]))  # type: ignore[arg-type]
        ((index, parameters),) = client.get_next_trials(1).items()
        client.complete_trial(index, raw_data={"error": toy_error(parameters)})

        client.save_to_json_file(str(tmp_path / "client.json"))

        loaded = Client.load_from_json_file(str(tmp_path / "client.json"))
        properties = RunProperties.read(experiment_of(loaded))
        assert properties is not None
        assert from_dict(properties.cell) == cell

    def test_operations_that_collide_as_parameters_are_refused(self) -> None:
        cell = Cell("mine", operations=["max pool", "max-pool"], num_blocks=3)

        with pytest.raises(CellError):
            make_client(cell)

    def test_the_best_is_what_ax_says(self, toy_cell: Cell, toy_error: Any, advance: Any) -> None:
        client = make_client(toy_cell, "anasod-bo", num_initial=4, optimizer="exhaustive")
        advance(client, 20, toy_error)

        parameters, _, _, _ = client.get_best_parameterization(use_model_predictions=False)

        assert parameters == {"n_conv": 2, "n_pool": 3, "n_skip": 1}

    def test_what_is_only_reported_does_not_matter_to_the_best(
        self, toy_cell: Cell, toy_error: Any
    ) -> None:
        clients = [
            make_client(toy_cell, "anasod-bo", num_initial=4, reported=reported)
            for reported in ((), ("size",))
        ]
        for client in clients:
            for _ in range(12):
                ((index, parameters),) = client.get_next_trials(1).items()
                values = {"error": toy_error(parameters), "size": float(index)}
                known = {name: values[name] for name in experiment_of(client).metrics}
                client.complete_trial(index, raw_data=known)

        plain, reporting = (client.get_best_parameterization() for client in clients)
        assert reporting[0] == plain[0]
        assert reporting[1]["error"][0] == plain[1]["error"][0]
        assert reporting[2:] == plain[2:]


class TestLimits:
    def test_they_are_ax_s_constraints_and_thresholds(self, toy_cell: Cell) -> None:
        client = make_client(
            toy_cell,
            "two-level-bo",
            objectives="error",
            maximize="throughput",
            limits=["latency<=5", "throughput >= 1e2"],
        )
        config = experiment_of(client).optimization_config
        assert isinstance(config, MultiObjectiveOptimizationConfig)
        assert [c.expression for c in config.outcome_constraints] == ["latency <= 5.0"]
        assert [c.expression for c in config.objective_thresholds] == ["throughput >= 100.0"]

    @pytest.mark.parametrize(
        ("limits", "message"),
        [
            ("latency", "'latency' is no limit"),
            ("latency <= 5 ms", "'latency <= 5 ms' is no limit"),
            ("latency <= 0.9 * baseline", "is no limit"),
            ("error <= 5", "limits 'error', which is minimised"),
            ("beta <= 5", "Ax cannot take 'beta'"),
            (["latency <= 5", "latency <= 5"], "names 'latency <= 5' twice"),
        ],
    )
    def test_what_is_none_is_refused(self, toy_cell: Cell, limits: Any, message: str) -> None:
        with pytest.raises(OptionError, match=re.escape(message)):
            make_client(toy_cell, "two-level-bo", limits=limits)

    def test_against_the_direction_of_the_search(self, toy_cell: Cell) -> None:
        with pytest.raises(OptionError, match="limits 'latency', which is minimised"):
            make_client(
                toy_cell,
                "two-level-bo",
                objectives=["error", "latency"],
                limits="latency >= 5",
            )

    def test_strategies_that_know_none(self, toy_cell: Cell) -> None:
        with pytest.raises(OptionError) as e:
            make_client(toy_cell, "tpe", limits="latency <= 5")
        assert "two-level-bo" in str(e.value.hint)

    def test_draws_go_on_whatever_the_values(self, toy_cell: Cell) -> None:
        client = make_client(toy_cell, "random", limits="latency <= 5")
        assert len(client.get_next_trials(2)) == 2


def test_an_argument_with_another_name_is_suggested(toy_cell: Cell) -> None:
    with pytest.raises(UnknownNameError, match="'objective'.*did you mean 'objectives'"):
        make_client(toy_cell, "two-level-bo", objective="error")
