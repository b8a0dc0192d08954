"""One network on several devices: here, processes on a CPU."""

from __future__ import annotations

import itertools
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ax_anasod import cells
from ax_anasod.exceptions import OptionError, RunError, TrainingError
from ax_anasod.networks.decoder_config import DecoderConfig
from ax_anasod.training import (
    Epoch,
    Hardware,
    ImageData,
    SequenceConfig,
    Training,
    TrainingTask,
    load_data,
    protocol,
    sequence_protocol,
    worker_group,
)
from ax_anasod.training.process_group import Rank
from tests.training.spreading import Narrow

pytestmark = [
    pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is one processor only"),
    pytest.mark.usefixtures("disbanded"),
]


def plain(seed: int = 0) -> nn.Module:
    """Without batch norm, whose statistics depend on the share of a process."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))


def narrow(most: int | None = None, seed: int = 0) -> Narrow:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Narrow(most)


def training(network: nn.Module, data: ImageData, devices: int, **options: Any) -> Training:
    own = {n: options.pop(n) for n in ("seed", "checkpoint") if n in options}
    config = protocol("search", **{"epochs": 3, "batch_size": 32, **options})
    hardware = Hardware("cpu", threads=1, devices=devices)
    arguments: dict[str, Any] = {"network": network, "config": config, "hardware": hardware, **own}
    others = worker_group.engage(data, **arguments)
    return Training(data=data, others=others, **arguments)


def measured(history: list[Epoch]) -> list[tuple[float, ...]]:
    return [(e.epoch, e.train_loss, e.valid_loss, e.valid_error) for e in history]


@given(st.integers(1, 9), st.integers(2, 40))
def test_shares_are_the_batch(size: int, batch: int) -> None:
    images = list(range(batch))
    shares = [images[Rank(rank, size).share(batch)] for rank in range(size)]
    assert list(itertools.chain(*shares)) == images
    taken = [len(share) for share in shares if share]
    assert min(taken) >= 2
    assert max(taken) - min(taken) <= 1
    assert shares[0]


# The last batch has 160 - 3 * 51 = 7 images, unequal shares; or 160 - 2 * 79 = 2, which one
# process takes.
@pytest.mark.parametrize("batch_size", [51, 79])
def test_two_processes_learn_as_one(digits: ImageData, batch_size: int) -> None:
    options: dict[str, Any] = {
        "batch_size": batch_size,
        "mix": "cutmix",
        "ema_decay": 0.9,
    }
    one, two = plain(), plain()
    history = training(one, digits, 1, **options).run()
    spread_out = training(two, digits, 2, **options)
    assert [e.train_loss for e in spread_out.run()] == pytest.approx(
        [e.train_loss for e in history], rel=1e-5
    )
    spread_out.close()
    assert not torch.equal(one.state_dict()["0.weight"], plain().state_dict()["0.weight"])
    for name, weights in one.state_dict().items():
        torch.testing.assert_close(two.state_dict()[name], weights, rtol=1e-4, atol=1e-6)


def test_a_training_moves_between_numbers_of_devices(digits: ImageData, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    for devices in (1, 2, 1):
        part = training(plain(seed=path.exists()), digits, devices, checkpoint=path)
        part.train_epoch()
        part.close()
    whole = training(plain(), digits, 1).run()
    for mixed, single in zip(measured(part.history), measured(whole), strict=True):
        assert mixed == pytest.approx(single, rel=1e-4)


@pytest.mark.slow
def test_it_goes_on_bit_for_bit(digits: ImageData, tmp_path: Path) -> None:
    whole = training(narrow(), digits, 2, ema_decay=0.9)
    whole.run()
    path = tmp_path / "checkpoint.pt"
    training(narrow(), digits, 2, ema_decay=0.9, checkpoint=path).train_epoch()
    # Other processes, as after a kill.
    worker_group.disband()
    part = training(narrow(seed=5), digits, 2, ema_decay=0.9, checkpoint=path)
    part.run()
    assert measured(part.history) == measured(whole.history)
    for name, value in part.network.state_dict().items():
        assert torch.equal(value, whole.network.state_dict()[name]), name


def test_trainings_take_turns(digits: ImageData) -> None:
    alone = [measured(training(plain(seed), digits, 2, seed=seed).run()) for seed in (0, 1)]
    both = [training(plain(seed), digits, 2, seed=seed) for seed in (0, 1)]
    for _ in range(3):
        for one in both:
            one.train_epoch()
    assert [measured(one.history) for one in both] == alone
    both[0].close()
    both[0].close()


def test_all_stop_together_where_it_diverges(digits: ImageData) -> None:
    diverging = training(plain(), digits, 2, learning_rate=1e30, gradient_clip=None)
    with pytest.raises(TrainingError):
        diverging.run()
    diverging.close()
    # The processes are ready for the next one.
    assert len(training(plain(), digits, 2, epochs=1).run()) == 1


def test_all_make_smaller_parts_where_one_is_out_of_memory(digits: ImageData) -> None:
    with pytest.raises(TrainingError, match="a batch of 32 images in 2 parts does not fit"):
        training(narrow(most=8), digits, 2).run()
    history = training(narrow(most=8), digits, 2, epochs=1, retry_out_of_memory=True).run()
    assert len(history) == 1
    with pytest.raises(TrainingError, match="a batch of 32 images in 8 parts does not fit"):
        training(narrow(most=1), digits, 2, retry_out_of_memory=True).run()


def test_a_lost_process_ends_the_training_not_its_checkpoint(
    digits: ImageData, tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.pt"
    one = training(plain(), digits, 2, checkpoint=path)
    one.train_epoch()
    group = worker_group._group
    assert group is not None
    os.kill(group._processes[0].pid or 0, signal.SIGKILL)
    with pytest.raises(RunError, match="1 of the 2 processes that train were lost"):
        one.train_epoch()
    again = training(plain(), digits, 2, checkpoint=path)
    assert [epoch.epoch for epoch in again.run()] == [1, 2, 3]


class Local(nn.Linear):
    def __init__(self) -> None:
        super().__init__(64, 10)
        self.function = lambda images: images


def test_what_cannot_be_spread_is_refused(digits: ImageData) -> None:
    with pytest.raises(OptionError, match="batch_size 3 is less than two images for each of 2"):
        training(plain(), digits, 2, batch_size=3)
    with pytest.raises(OptionError, match="the network cannot be sent to another process"):
        training(nn.Sequential(nn.Flatten(), Local()), digits, 2)
    with pytest.raises(TrainingError):
        training(plain(), digits, 999, batch_size=160)
    with pytest.raises(OptionError):
        Hardware("cpu", devices=0)
    with pytest.raises(OptionError, match="'cuda:1' is one device, not 2"):
        Hardware("cuda:1", devices=2)


def test_several_devices_need_as_many_processes(digits: ImageData) -> None:
    two = Hardware("cpu", threads=1, devices=2)
    with pytest.raises(OptionError, match="2 devices need as many processes.*has 1"):
        Training(plain(), digits, protocol("search", epochs=1), hardware=two)


def test_two_processes_learn_from_sequences_as_one() -> None:
    # Uneven shares, and questions that are not shared evenly either.
    sequences = SequenceConfig(sequences=48, length=24)
    task = TrainingTask(
        cells.get("hybrid-lm"),
        sequences,
        DecoderConfig(width=8, heads=1, hidden=8),
        sequence_protocol("search", epochs=2, batch_size=15),
        Hardware("cpu", threads=1),
    )
    data, codes = load_data(sequences), task.example()
    together = replace(task, hardware=replace(task.hardware, devices=2)).start(codes, data, 3)
    losses = [epoch.train_loss for epoch in together.run()]
    together.close()
    alone = task.start(codes, data, 3).run()
    assert losses == pytest.approx([epoch.train_loss for epoch in alone], rel=1e-4)
