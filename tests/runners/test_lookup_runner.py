"""The runner that looks results up."""

from __future__ import annotations

import json
import time

import pytest
from ax.api.protocols.runner import IRunner
from ax.core.runner import Runner
from ax.core.trial_status import TrialStatus

from ax_anasod._ax import experiment_of
from ax_anasod.core import architecture_of
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.experiment import attach_architecture, make_client
from ax_anasod.nasbench import Benchmark
from ax_anasod.runners import BenchmarkQuery, LookupRunner

COUNTS = {"n_conv": 2, "n_pool": 3, "n_skip": 1}


def test_it_is_a_runner_in_both_of_axs_forms(toy_benchmark: Benchmark) -> None:
    runner = LookupRunner(toy_benchmark)

    assert isinstance(runner, IRunner)
    assert isinstance(runner, Runner)


def test_a_trial_is_complete_at_once(toy_benchmark: Benchmark) -> None:
    runner = LookupRunner(toy_benchmark, seed=4)

    metadata = runner.run_trial(9, COUNTS)

    assert runner.poll_trial(9, metadata) is TrialStatus.COMPLETED
    looked_up = BenchmarkQuery(toy_benchmark, "encoding", seed=4)(9, COUNTS)
    assert {k: v for k, v in metadata.items() if k != "ready_at"} == looked_up
    assert json.loads(json.dumps(metadata)) == metadata
    assert runner.stop_trial(9, metadata) == {}


def test_an_attached_architecture_is_the_one_that_is_looked_up(toy_benchmark: Benchmark) -> None:
    client = make_client(toy_benchmark.cell, "anasod-random", seed=0)
    own = "skip|pool|pool|conv|pool|conv"
    index = attach_architecture(client, own)
    trial = experiment_of(client).trials[index]

    metadata = LookupRunner(toy_benchmark, seed=0).run(trial)

    (error,) = toy_benchmark.query(toy_benchmark.cell.from_strings([own]))["error"]
    assert metadata["architecture"] == own
    assert metadata["values"]["error"] == error


def test_proposed_architectures_are_the_ones_that_are_looked_up(toy_benchmark: Benchmark) -> None:
    client = make_client(toy_benchmark.cell, "anasod-random", seed=0)
    client.get_next_trials(40)
    # The seed of a runner only matters where nothing is recorded.
    runner = LookupRunner(toy_benchmark, seed=99)
    for index, trial in experiment_of(client).trials.items():
        assert runner.run(trial)["architecture"] == str(architecture_of(client, index))


def test_a_trial_may_pretend_to_take_its_time(toy_benchmark: Benchmark) -> None:
    runner = LookupRunner(toy_benchmark, seconds_per_trial=0.2)

    metadata = runner.run_trial(0, COUNTS)

    assert runner.poll_trial(0, metadata) is TrialStatus.RUNNING
    time.sleep(0.25)
    assert runner.poll_trial(0, metadata) is TrialStatus.COMPLETED


def test_a_stored_description_is_as_good_as_the_benchmark(toy_benchmark: Benchmark) -> None:
    stored = json.loads(json.dumps(toy_benchmark.to_dict()))

    restored = LookupRunner(stored, seed=4)

    assert restored.benchmark == toy_benchmark.to_dict()
    first, second = (
        r.run_trial(9, COUNTS) for r in (restored, LookupRunner(toy_benchmark, seed=4))
    )
    assert first["values"] == second["values"]


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_a_time_that_never_passes_is_refused(toy_benchmark: Benchmark, seconds: float) -> None:
    with pytest.raises(OptionError):
        LookupRunner(toy_benchmark, seconds_per_trial=seconds)


def test_other_wrong_arguments_are_refused(toy_benchmark: Benchmark) -> None:
    with pytest.raises(UnknownNameError):
        LookupRunner(toy_benchmark, space="architectures")
    with pytest.raises(OptionError):
        LookupRunner(toy_benchmark, seed=-3)
    with pytest.raises(OptionError, match="in a benchmark, got 'nas-bench-graph'.*make builds"):
        LookupRunner("nas-bench-graph")  # type: ignore[arg-type]
