"""One network on several devices: here, processes on a CPU that torch's launcher starts."""

from __future__ import annotations

import os
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import torch
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from ax_anasod.exceptions import OptionError, TrainingError
from ax_anasod.training import Hardware, read_state, write_state
from ax_anasod.training.hardware import rank_and_size
from tests.training import several_processes as work

pytestmark = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is one processor only")

Start = Callable[..., dict[int, Any]]


@pytest.fixture(scope="module")
def start(server: ForkServerContext, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Runs a function in two processes; what it returned in each."""

    def run(function: Callable[..., Any], *arguments: object) -> dict[int, Any]:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=2,
            run_id=uuid4().hex,
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            max_restarts=0,
            start_method=server.get_start_method(),
            logs_specs=DefaultLogsSpecs(log_dir=str(tmp_path_factory.mktemp("logs"))),
        )
        returned: dict[int, Any] = elastic_launch(config, function)(*arguments)
        return returned

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of checkpoints: ``one.pt`` is that of one device, which learned from batches in parts."""
    folder = tmp_path_factory.mktemp("checkpoints")
    path = folder / "one.pt"
    work.training(work.plain(), 1, path, batch_size=51).train_epoch()
    write_state(path, {**read_state(path), "parts": 4})
    return folder


@pytest.fixture(scope="module")
def both(start: Start, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What each of two processes has seen."""
    seen = start(work.all_in_one, folder)
    return seen[0], seen[1]


def assert_same(learned: work.Learned, other: work.Learned) -> None:
    """Bit for bit."""
    assert learned[0] == other[0]
    for name, value in learned[1].items():
        assert torch.equal(value, other[1][name]), name


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [51, 79])
def test_two_processes_learn_as_one(both: tuple[dict[str, Any], ...], batch_size: int) -> None:
    history, weights = work.images(1, batch_size)
    spread, spread_weights = both[0][f"images {batch_size}"]
    assert [epoch[1] for epoch in spread] == pytest.approx([e[1] for e in history], rel=1e-5)
    assert not torch.equal(weights["0.weight"], work.plain().state_dict()["0.weight"])
    for name, value in weights.items():
        torch.testing.assert_close(spread_weights[name], value, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_two_processes_learn_from_sequences_as_one(both: tuple[dict[str, Any], ...]) -> None:
    assert both[0]["sequences"] == pytest.approx(work.sequences(1), rel=1e-4)


@pytest.mark.slow
def test_all_processes_have_one_network_and_one_history(
    both: tuple[dict[str, Any], ...],
) -> None:
    first, second = both
    for name in ("images 51", "images 79", "whole"):
        assert_same(first[name], second[name])
    # Batch norm has seen other images in each, and its averages have moved.
    assert first["whole"][1]["body.1.running_mean"].abs().min() > 0


@pytest.mark.slow
def test_two_new_processes_go_on_bit_for_bit(
    both: tuple[dict[str, Any], ...], start: Start, folder: Path
) -> None:
    assert both[0]["begun"][0] == both[0]["whole"][0][:1]
    assert_same(start(work.go_on, folder)[0], both[0]["whole"])


@pytest.mark.slow
def test_a_training_moves_between_numbers_of_devices(
    both: tuple[dict[str, Any], ...], folder: Path
) -> None:
    whole = work.measured(work.training(work.plain(), 1, batch_size=51).run())
    for mixed, single in zip(both[0]["from one"], whole, strict=True):
        assert mixed == pytest.approx(single, rel=1e-4)
    back = work.training(work.plain(), 1, folder / "one.pt", batch_size=51)
    assert work.measured(back.history) == both[0]["from one"]


@pytest.mark.slow
def test_what_cannot_be_trained_says_so_in_all_processes(
    both: tuple[dict[str, Any], ...],
) -> None:
    for seen in both:
        assert "batch_size 3 is less than two images for each of 2 devices" in seen["refused"]
        assert "3 devices" in seen["too few"]
        assert "a batch of 32 images in 2 parts does not fit the memory" in seen["memory"]
        assert "the training diverged" in seen["diverged"]


def test_one_process_says_how_several_are_started() -> None:
    assert rank_and_size() == (0, 1)
    with pytest.raises(OptionError, match=r"there are 1 \(ax-anasod evaluate .* --nproc-per-node"):
        work.training(work.plain(), 2)


def test_devices_that_are_not_there_are_refused() -> None:
    with pytest.raises(TrainingError, match="999 devices of 'cpu' are not there"):
        Hardware("cpu", devices=999).check()
    with pytest.raises(OptionError, match="devices must be at least 1"):
        Hardware("cpu", devices=0)
    with pytest.raises(OptionError, match="'cuda:1' is one device, not 2"):
        Hardware("cuda:1", devices=2)
    with pytest.raises(OptionError, match="a trial trains on one device, not 2"):
        Hardware("cpu", devices=2).check_single("a trial")
    Hardware("cpu").check_single("a trial")
