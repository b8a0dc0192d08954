"""Our classes through Ax's JSON storage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ax.api.client import Client
from ax.core.metric import Metric
from ax.storage.json_store.decoder import object_from_json
from ax.storage.json_store.encoder import object_to_json

from ax_anasod import cells
from ax_anasod._ax import experiment_of, nodes_of, strategy_of
from ax_anasod.adapter import AnasodGenerators, BomzeRounding, LogObjectives, PrepareObservations
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace, OperationParameter, RunProperties
from ax_anasod.experiment import make_client, make_experiment
from ax_anasod.metrics import LookupMetric
from ax_anasod.nasbench import Benchmark
from ax_anasod.runners import LookupRunner

CELLS = {
    "plain": Cell("plain", operations=["3x3 conv", "I", "lambda"], num_blocks=5),
    "wired": Cell("wired", operations=["conv", "skip"], num_blocks=3, wiring=[2, 3]),
    "tied": Cell("tied", operations=["conv", "skip"], num_blocks=6, parts=2),
    "restricted": RestrictedCell(
        cells.get("nas-bench-201"),
        cells.get("nas-bench-201").sample(40, np.random.default_rng(0)),
    ),
    "darts": cells.get("darts"),
    "nas-bench-graph": cells.get("nas-bench-graph"),
    "nasnet": cells.get("nasnet"),
}


def there_and_back(value: Any) -> Any:
    return object_from_json(json.loads(json.dumps(object_to_json(value))))


@pytest.mark.parametrize("kind", [AnasodSearchSpace, CellSearchSpace])
@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
def test_search_spaces_come_back_with_their_cell(cell: Cell, kind: Any) -> None:
    space = kind.from_cell(cell)

    restored = there_and_back(space)

    assert type(restored) is kind
    assert restored == space
    assert restored.cell == cell
    assert type(restored.cell) is type(cell)
    code = cell.sample(1, np.random.default_rng(1))[0]
    if kind is CellSearchSpace or cell.parts == 1:
        assert restored.encode(cell.architecture(code)) == space.encode(cell.architecture(code))


def test_a_space_without_its_cell_comes_back_without_it(toy_cell: Cell) -> None:
    space = AnasodSearchSpace.from_cell(toy_cell)
    bare = AnasodSearchSpace(list(space.parameters.values()), space.parameter_constraints)

    assert there_and_back(bare) == bare


def test_parameters_come_back_as_ours() -> None:
    restored = there_and_back(OperationParameter("n_conv", lower=0, upper=6))

    assert type(restored) is OperationParameter
    assert restored == OperationParameter("n_conv", lower=0, upper=6)


def test_a_runner_comes_back_with_its_benchmark(toy_benchmark: Benchmark) -> None:
    runner = LookupRunner(toy_benchmark, "encoding", seed=5, seconds_per_trial=0.5)

    restored = there_and_back(runner)

    assert type(restored) is LookupRunner
    assert (restored.benchmark, restored.space, restored.seed, restored.seconds_per_trial) == (
        toy_benchmark.to_dict(),
        "encoding",
        5,
        0.5,
    )
    counts = {"n_conv": 2, "n_pool": 3, "n_skip": 1}
    assert restored.run_trial(4, counts)["values"] == runner.run_trial(4, counts)["values"]


def test_a_metric_comes_back_as_ours() -> None:
    restored = there_and_back(LookupMetric("valid_error"))

    assert type(restored) is LookupMetric
    assert restored.name == "valid_error"


@pytest.mark.parametrize("member", list(AnasodGenerators), ids=lambda m: m.name)
def test_generators_come_back_as_members(member: AnasodGenerators) -> None:
    assert there_and_back(member) is member


@pytest.mark.parametrize("transform", [BomzeRounding, LogObjectives, PrepareObservations])
def test_transforms_come_back_as_classes(transform: type) -> None:
    assert there_and_back({"transforms": [transform]}) == {"transforms": [transform]}


def test_an_experiment_comes_back_with_all_of_it(toy_benchmark: Benchmark) -> None:
    experiment = make_experiment(
        AnasodSearchSpace.from_cell(toy_benchmark.cell),
        "error",
        reported=["size"],
        metrics=[LookupMetric("error")],
        seed=3,
        strategy="anasod-bo",
        options={"num_initial": 4},
    )
    experiment.runner = LookupRunner(toy_benchmark)

    restored = there_and_back(experiment)

    assert type(restored.search_space) is AnasodSearchSpace
    assert RunProperties.read(restored) == RunProperties.read(experiment)
    assert type(restored.metrics["error"]) is LookupMetric
    assert type(restored.metrics["size"]) is Metric
    assert type(restored.runner) is LookupRunner
    assert restored.immutable_search_space_and_opt_config


@pytest.mark.parametrize(
    ("strategy", "options"),
    [
        ("anasod-biased-random", {"num_trials": 12}),
        ("anasod-bo", {"num_initial": 3}),
        ("anasod-bo", {"num_initial": 3, "optimizer": "exhaustive", "ard": True}),
        ("anasod-bo", {"num_initial": 3, "log_targets": False}),
    ],
    ids=str,
)
@pytest.mark.parametrize("at", [1, 5])
def test_a_strategy_goes_on_where_it_was(
    toy_cell: Cell, tmp_path: Path, advance: Any, strategy: str, options: dict[str, Any], at: int
) -> None:
    def build() -> Client:
        return make_client(toy_cell, strategy, seed=6, **options)

    expected = advance(build(), 8, _error)
    client = build()
    advance(client, at, _error)
    client.save_to_json_file(str(tmp_path / "run.json"))

    loaded = Client.load_from_json_file(str(tmp_path / "run.json"))

    assert advance(loaded, 8, _error) == expected
    kind = type(experiment_of(client).search_space)
    assert type(experiment_of(loaded).search_space) is kind
    for before, after in zip(
        nodes_of(strategy_of(client)), nodes_of(strategy_of(loaded)), strict=True
    ):
        (was,), (now,) = before.generator_specs, after.generator_specs
        assert now.generator_enum is was.generator_enum
        assert now.generator_kwargs == was.generator_kwargs
        assert not after.should_deduplicate


def test_several_objectives_go_on_too(toy_cell: Cell, tmp_path: Path, advance: Any) -> None:
    def build() -> Client:
        return make_client(toy_cell, objectives=["error", "size"], seed=6, num_initial=3)

    def values(parameters: Any) -> dict[str, float]:
        return {"error": _error(parameters), "size": 1 / 3 + parameters["n_conv"]}

    expected = advance(build(), 7, values)
    client = build()
    advance(client, 5, values)
    client.save_to_json_file(str(tmp_path / "run.json"))

    assert advance(Client.load_from_json_file(str(tmp_path / "run.json")), 7, values) == expected


def test_pending_and_failed_trials_go_on_too(toy_cell: Cell, tmp_path: Path) -> None:
    def begin() -> Client:
        client = make_client(toy_cell, seed=6, num_initial=3)
        for index, parameters in client.get_next_trials(7).items():
            if index == 2:
                client.mark_trial_failed(index)
            elif index == 3:
                client.mark_trial_abandoned(index)
            elif index != 4:
                client.complete_trial(index, {"error": _error(parameters)})
        return client

    saved = begin()
    saved.save_to_json_file(str(tmp_path / "run.json"))
    loaded = Client.load_from_json_file(str(tmp_path / "run.json"))

    assert loaded.get_next_trials(3) == begin().get_next_trials(3)


# Ax is loaded once; each name is the first of ours in a process that is a copy of that one.
REGISTERED = """
import os
import sys
from ax.storage.json_store.registry import CORE_DECODER_REGISTRY as known
kinds = {"AnasodSearchSpace", "CellSearchSpace", "OperationParameter", "LookupRunner",
         "LookupMetric", "AnasodGenerators"}
assert not kinds & set(known)
for name in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        import ax_anasod
        getattr(ax_anasod, name)
        print(name, kinds <= set(known), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are copied on POSIX systems only")
def test_importing_any_public_name_of_the_ax_half_registers_all() -> None:
    names = ["AnasodSearchSpace", "LookupRunner", "make_client"]

    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", REGISTERED, *names],
        capture_output=True,
        text=True,
        check=True,
    )

    assert finished.stdout.splitlines() == [f"{name} True" for name in names]


def _error(parameters: Any) -> float:
    """Values with more digits than Ax stores."""
    return float(
        np.exp(sum(len(str(v)) + i for i, v in enumerate(parameters.values())) / 7) / 3
    ) + (parameters.get("n_conv", 0) / 7)
