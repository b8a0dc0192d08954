"""The third way in: Ax runs the trials, with a runner and metrics of ours."""

from __future__ import annotations

from typing import Any

import pytest
from ax.api.client import Client
from ax.core.trial_status import TrialStatus
from ax.orchestration.orchestrator import Orchestrator, OrchestratorOptions

from ax_anasod._ax import experiment_of
from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace, TrialKind
from ax_anasod.experiment import make_client, make_experiment, make_search_space
from ax_anasod.generation_strategy import make
from ax_anasod.metrics import LookupMetric
from ax_anasod.nasbench import Benchmark
from ax_anasod.runners import BenchmarkQuery, LookupRunner


def orchestrator(
    benchmark: Benchmark,
    strategy: str = "anasod-bo",
    space: TrialKind = "encoding",
    seconds_per_trial: float = 0.0,
    max_pending_trials: int = 1,
    **options: Any,
) -> Orchestrator:
    search_space = make_search_space(benchmark.cell, strategy)
    experiment = make_experiment(
        search_space,
        "error",
        reported=["size"],
        metrics=[LookupMetric("error"), LookupMetric("size")],
        seed=2,
    )
    experiment.runner = LookupRunner(benchmark, space, seed=2, seconds_per_trial=seconds_per_trial)
    return Orchestrator(
        experiment,
        make(strategy, search_space, 2, **options),
        options=OrchestratorOptions(
            max_pending_trials=max_pending_trials,
            init_seconds_between_polls=0,
            min_seconds_before_poll=0.0,
        ),
    )


def encodings(runner: Orchestrator) -> list[tuple[Any, ...]]:
    trials = runner.experiment.trials
    return [tuple(trials[i].arms[0].parameters.values()) for i in sorted(trials)]


@pytest.mark.slow
def test_run_trials_is_the_run_of_asking_and_telling(toy_benchmark: Benchmark) -> None:
    client = make_client(toy_benchmark.cell, seed=2, reported=["size"], num_initial=4)
    client.configure_runner(LookupRunner(toy_benchmark, seed=2))
    client.configure_metrics([LookupMetric("error"), LookupMetric("size")])

    client.run_trials(max_trials=7, parallelism=1, initial_seconds_between_polls=0)

    asked = make_client(toy_benchmark.cell, seed=2, reported=["size"], num_initial=4)
    query = BenchmarkQuery(toy_benchmark, seed=2)
    for _ in range(7):
        for index in asked.get_next_trials(1):
            asked.complete_trial(index, query.of(experiment_of(asked).trials[index])["values"])
    assert _results(client) == _results(asked)
    for index, trial in experiment_of(client).trials.items():
        assert trial.status is TrialStatus.COMPLETED
        drawn = query.of(experiment_of(asked).trials[index])
        assert trial.run_metadata["architecture"] == drawn["architecture"]
        assert trial.run_metadata["cost_seconds"] == drawn["cost_seconds"]


@pytest.mark.slow
def test_run_trials_in_parallel(toy_benchmark: Benchmark) -> None:
    client = make_client(toy_benchmark.cell, seed=2, num_initial=4)
    client.configure_runner(LookupRunner(toy_benchmark, seed=2))
    client.configure_metrics([LookupMetric("error")])

    client.run_trials(max_trials=8, parallelism=4, initial_seconds_between_polls=0)

    assert len(experiment_of(client).trials) == 8
    assert len(experiment_of(client).lookup_data().df) == 8


class TestOrchestrator:
    def test_it_is_the_run_of_asking_and_telling(self, toy_benchmark: Benchmark) -> None:
        runner = orchestrator(toy_benchmark, num_initial=4)

        runner.run_n_trials(max_trials=10)

        client = make_client(toy_benchmark.cell, seed=2, reported=["size"], num_initial=4)
        query = BenchmarkQuery(toy_benchmark, seed=2)
        for _ in range(10):
            for index in client.get_next_trials(1):
                client.complete_trial(
                    index, query.of(experiment_of(client).trials[index])["values"]
                )
        trials = experiment_of(client).trials
        assert encodings(runner) == [tuple(t.arms[0].parameters.values()) for t in trials.values()]

    def test_four_trials_at_a_time_asynchronously(self, toy_benchmark: Benchmark) -> None:
        runner = orchestrator(
            toy_benchmark, seconds_per_trial=0.15, max_pending_trials=4, num_initial=6
        )

        most_at_once = 0
        for _ in runner.run_trials_and_yield_results(max_trials=16):
            pending = [t for t in runner.experiment.trials.values() if not t.status.is_terminal]
            most_at_once = max(most_at_once, len(pending))

        assert most_at_once in (3, 4)
        trials = runner.experiment.trials
        assert len(trials) == 16
        assert all(t.status is TrialStatus.COMPLETED for t in trials.values())
        assert len(set(encodings(runner))) > 6
        data = runner.experiment.lookup_data().df
        assert sorted(data["metric_name"].unique()) == ["error", "size"]
        assert len(data) == 32

    def test_architectures_are_searched_too(self, toy_benchmark: Benchmark) -> None:
        runner = orchestrator(toy_benchmark, "random", "architecture", max_pending_trials=4)

        runner.run_n_trials(max_trials=12)

        for trial in runner.experiment.trials.values():
            blocks = trial.arms[0].parameters.values()
            assert trial.run_metadata["architecture"] == "|".join(map(str, blocks))

    def test_a_trial_that_cannot_be_run_fails_and_the_search_goes_on(
        self, toy_benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runner = orchestrator(toy_benchmark, num_initial=4, max_pending_trials=2)
        poll = LookupRunner.poll_trial

        def every_third_fails(
            self: LookupRunner, trial_index: int, trial_metadata: Any
        ) -> TrialStatus:
            if trial_index % 3 == 2:
                return TrialStatus.FAILED
            return poll(self, trial_index, trial_metadata)

        monkeypatch.setattr(LookupRunner, "poll_trial", every_third_fails)

        runner.run_n_trials(max_trials=12)

        statuses = [t.status for t in runner.experiment.trials.values()]
        assert statuses.count(TrialStatus.FAILED) == 4
        assert statuses.count(TrialStatus.COMPLETED) == 8


def test_a_metric_that_the_benchmark_lacks_is_named(
    toy_cell: Cell, toy_benchmark: Benchmark
) -> None:
    space = AnasodSearchSpace.from_cell(toy_cell)
    experiment = make_experiment(space, "eror", metrics=[LookupMetric("eror")])
    experiment.runner = LookupRunner(toy_benchmark)
    trial = experiment.new_trial(make("anasod-random", space).gen_single_trial(experiment))
    trial.run().mark_completed()

    (result,) = experiment.fetch_trials_data_results([0])[0].values()

    assert "did you mean 'error'" in str(result.err)


def _results(client: Client) -> Any:
    frame = experiment_of(client).lookup_data().df
    return frame[["trial_index", "arm_name", "metric_name", "mean"]].to_dict("records")
