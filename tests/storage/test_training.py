"""Runners that train, and their metric, through Ax's storage."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ax.api.client import Client
from ax.core.runner import Runner
from ax.storage.json_store.decoder import object_from_json
from ax.storage.json_store.encoder import object_to_json

from ax_anasod import cells, make_client, storage
from ax_anasod._ax import experiment_of, strategy_of
from ax_anasod.early_stopping import RepeatablePercentileEarlyStoppingStrategy
from ax_anasod.exceptions import DataError, OptionError
from ax_anasod.metrics import TrainingMetric
from ax_anasod.networks import NetworkConfig
from ax_anasod.runners import RayRunner, TrainingRunner
from ax_anasod.storage.sql import METRIC_NUMBERS, RUNNER_NUMBERS
from ax_anasod.training import DataConfig, Hardware, TrainingTask, protocol

TASK = TrainingTask(
    cells.get("nasnet"),
    DataConfig("digits", images=60),
    NetworkConfig(channels=2, cells=3),
    protocol("search", epochs=2, batch_size=16),
    Hardware("cpu"),
    layers="repeated",
)


def runners() -> list[Runner]:
    """A runner of each kind, with arguments that differ from the defaults."""
    local = TrainingRunner(TASK, "trials", seed=3, tensorboard=False, epochs_per_poll=2)
    if importlib.util.find_spec("ray") is None:
        return [local]
    ray = RayRunner(TASK, "trials", seed=3, address="somewhere", cpus=2, gpus=0.5, retries=1)
    return [local, ray]


@pytest.fixture(autouse=True)
def one_database_a_test() -> Iterator[None]:
    """Ax has one database a process."""
    storage.close_database()
    yield
    storage.close_database()


def test_the_numbers_stay() -> None:
    assert METRIC_NUMBERS[TrainingMetric] == 210_002
    assert (RUNNER_NUMBERS[TrainingRunner], RUNNER_NUMBERS[RayRunner]) == (210_002, 210_003)


def arguments(runner: Runner) -> dict[str, object]:
    return dict(runner.serialize_init_args(runner))


@pytest.mark.parametrize("runner", runners(), ids=lambda runner: type(runner).__name__)
def test_experiments_keep_runner_and_metric(runner: Runner, tmp_path: Path) -> None:
    client = make_client(
        TASK.cell,
        "anasod-random",
        objectives="valid_error",
        metrics=[TrainingMetric("valid_error")],
    )
    experiment_of(client).runner = runner
    client.get_next_trials(1)
    client.save_to_json_file(str(tmp_path / "run.json"))
    from_json = Client.load_from_json_file(str(tmp_path / "run.json"))

    kept = Client(storage_config=storage.storage_config(tmp_path / "run.db"))
    kept.set_experiment(experiment_of(client))
    kept.set_generation_strategy(strategy_of(client))
    storage.close_database()
    from_sql = Client.load_from_database("ax_anasod", storage.storage_config(tmp_path / "run.db"))
    for loaded in (from_json, from_sql):
        restored = experiment_of(loaded).runner
        assert type(restored) is type(runner)
        assert arguments(restored) == arguments(runner)  # type: ignore[arg-type]
        assert restored._task == TASK  # type: ignore[union-attr]
        assert isinstance(experiment_of(loaded).metrics["valid_error"], TrainingMetric)


def test_early_stopping_comes_back_from_json() -> None:
    strategy = RepeatablePercentileEarlyStoppingStrategy(
        percentile_threshold=30, min_progression=3, min_curves=4
    )
    restored = object_from_json(object_to_json(strategy))
    assert isinstance(restored, RepeatablePercentileEarlyStoppingStrategy)
    assert (restored.percentile_threshold, restored.min_progression, restored.min_curves) == (
        30,
        3,
        4,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "asks to connect to 'somewhere', .* with --address ADDRESS"),
        ({"address": None, "task": {"operations": "antigravity:x"}}, "import the module 'antigr"),
    ],
)
def test_a_stored_runner_of_somebody_else_does_not_act(
    change: dict[str, Any], message: str, stranger: Callable[[], None]
) -> None:
    pytest.importorskip("ray")
    runner = RayRunner(TASK, "trials", address="somewhere")
    # Ax takes apart what it decodes.
    assert arguments(object_from_json(object_to_json(runner))) == arguments(runner)
    content = object_to_json(runner)
    stranger()
    task = {**content["task"], **change.get("task", {})}
    with pytest.raises(OptionError, match=message):
        object_from_json({**content, **change, "task": task})


def test_a_stored_runner_fetches_no_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchvision.datasets.cifar.download_and_extract_archive", pytest.fail)
    task = replace(TASK, data=DataConfig("cifar10", str(tmp_path / "images")))
    stored = object_from_json(object_to_json(TrainingRunner(task, str(tmp_path / "trials"))))
    with pytest.raises(DataError, match="cifar10 is not in .*images .name the folder"):
        stored.images()
    assert list(tmp_path.iterdir()) == []
