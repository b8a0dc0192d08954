from __future__ import annotations

import json
from pathlib import Path

import pytest

from ax_anasod.exceptions import OptionError, RunError, UnknownNameError
from ax_anasod.nasbench import Objective, TableBenchmark, from_dict
from ax_anasod.runs import RunConfig


def test_the_file_gives_the_same_configuration(tmp_path: Path, benchmark: TableBenchmark) -> None:
    config = RunConfig.of(
        benchmark, "anasod-bo", {"num_initial": 3, "beta_max": 0.1}, trials=7, seed=5, parallel=2
    )
    path = tmp_path / "config.json"
    config.write(path)
    assert RunConfig.read(path) == config
    assert list(tmp_path.iterdir()) == [path]
    rebuilt = from_dict(RunConfig.read(path).benchmark)
    assert rebuilt.objectives == benchmark.objectives
    assert rebuilt.cell == benchmark.cell


def test_quantities_have_their_optimum_and_a_name_for_ax(benchmark: TableBenchmark) -> None:
    config = RunConfig.of(benchmark, "random", trials=1)
    (objective,) = config.objectives
    assert (objective.name, objective.metric, objective.unit) == (
        "valid_error",
        "valid_error",
        "percent",
    )
    assert objective.optimum == benchmark.optimum("valid_error")
    (reported,) = config.reported
    # "test" is a function of sympy.
    assert (reported.name, reported.metric, reported.optimum) == ("test", "metric_test", None)
    assert config.experiment_name == "random on table, seed 0"


def test_schedules_are_told_the_planned_number_of_trials(benchmark: TableBenchmark) -> None:
    config = RunConfig.of(benchmark, "anasod-biased-random", trials=40)
    assert config.options == {"num_trials": 40}
    config = RunConfig.of(benchmark, "anasod-biased-random", {"num_trials": 90}, trials=40)
    assert config.options == {"num_trials": 90}
    assert RunConfig.of(benchmark, "random", trials=40).options == {}
    assert config.with_trials(60).options == {"num_trials": 90}
    assert config.with_trials(60).trials == 60


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"trials": 0}, "trials .* got 0"), ({"trials": 1, "parallel": 0}, "parallel .* got 0")],
)
def test_numbers_out_of_range_are_refused(
    benchmark: TableBenchmark, arguments: dict[str, int], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        RunConfig.of(benchmark, "random", **arguments)


def test_unknown_strategies_are_refused(benchmark: TableBenchmark) -> None:
    with pytest.raises(UnknownNameError, match="'anasod-boo'.*did you mean 'anasod-bo'"):
        RunConfig.of(benchmark, "anasod-boo", trials=1)


def test_an_objective_to_be_maximised_is_refused(benchmark: TableBenchmark) -> None:
    benchmark.objectives = (Objective("accuracy", "percent", minimize=False),)
    with pytest.raises(OptionError, match="wants 'accuracy' maximised"):
        RunConfig.of(benchmark, "random", trials=1)


def test_damaged_files_are_named(tmp_path: Path, benchmark: TableBenchmark) -> None:
    path = tmp_path / "config.json"
    with pytest.raises(RunError, match=f"{path} cannot be read: No such file"):
        RunConfig.read(path)
    RunConfig.of(benchmark, "random", trials=1).write(path)
    content = path.read_text()
    for damaged, message in [
        (content[:-20], "is damaged"),
        ("\udcff", "is damaged"),
        ("[]", "is not the configuration of a run"),
        ("{}", "is not the configuration of a run"),
        (json.dumps({**json.loads(content), "objectives": [3]}), "is not the configuration"),
    ]:
        path.write_bytes(damaged.encode("utf-8", "surrogateescape"))
        with pytest.raises(RunError, match=f"{path} {message}"):
            RunConfig.read(path)
