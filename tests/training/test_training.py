"""The training loop."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ax_anasod.exceptions import OptionError, RunError, TrainingError, UnknownNameError
from ax_anasod.training import (
    Epoch,
    Hardware,
    ImageData,
    Training,
    protocol,
    read_state,
    write_state,
)
from tests.training.conftest import Small

CPU = Hardware("cpu")
Make = Callable[..., Small]


def training(network: nn.Module, data: ImageData, **options: Any) -> Training:
    own = {n: options.pop(n) for n in ("seed", "checkpoint", "identity") if n in options}
    hardware = options.pop("hardware", CPU)
    config = protocol("search", **{"epochs": 3, "batch_size": 32, **options})
    return Training(network, data, config, hardware=hardware, **own)


def measured(history: list[Epoch]) -> list[tuple[float, ...]]:
    """Everything but how long it took."""
    return [(e.epoch, e.learning_rate, e.train_loss, e.valid_loss, e.valid_error) for e in history]


def weights(one: Training) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in one.network.state_dict().items()}


def test_it_learns(digits: ImageData) -> None:
    torch_network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    history = training(torch_network, digits, epochs=15, crop_padding=0).run()
    assert history[0].valid_error > 30
    assert history[-1].valid_error < 20
    assert history[-1].train_loss < history[0].train_loss / 2


def test_a_plain_loop_gives_the_same(digits: ImageData, small: Make) -> None:
    """Stochastic gradient descent written out, on the images in the order of the trainer."""
    one = training(small(), digits, epochs=1, crop_padding=0, gradient_clip=0.1)
    batches = [(images.clone(), labels) for images, labels in one._batches(1)]
    one.run()

    network = small()
    network.body[0].to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.025, momentum=0.9, weight_decay=3e-4)
    from ax_anasod.training.epoch import epoch_seed, seeded

    with seeded(epoch_seed(0, 1, "net"), torch.device("cpu")):
        for step, (images, labels) in enumerate(batches):
            optimizer.param_groups[0]["lr"] = 0.025 * (1 + math.cos(math.pi * step / 5)) / 2
            loss = nn.functional.cross_entropy(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 0.1)
            optimizer.step()
    for name, value in weights(one).items():
        assert torch.equal(network.state_dict()[name], value), name


def test_the_rate_falls_along_a_cosine_to_its_end(digits: ImageData, small: Make) -> None:
    one = training(small(), digits, epochs=4, final_learning_rate=0.005)
    rates = [epoch.learning_rate for epoch in one.run()]
    assert rates == pytest.approx(
        [0.005 + 0.02 * (1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in range(4)]
    )
    assert one._rate(4 * 5) == pytest.approx(0.005)


def test_drop_path_rises_to_its_rate(digits: ImageData, small: Make) -> None:
    network = small()
    training(network, digits, drop_path=0.2).run()
    assert network.rates == pytest.approx([0.0, 0.1, 0.2])
    with pytest.raises(OptionError, match="no set_drop_path"):
        training(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), digits, drop_path=0.2)


def test_the_tower_learns_only_where_it_has_a_weight(digits: ImageData, small: Make) -> None:
    towers = {}
    for weight in (0.0, 0.4):
        network = small(auxiliary=True)
        before = network.auxiliary.weight.clone()
        training(network, digits, auxiliary_weight=weight, weight_decay=0.0).run()
        towers[weight] = torch.equal(network.auxiliary.weight, before)
    assert towers == {0.0: True, 0.4: False}


def test_the_average_is_what_is_measured(digits: ImageData, small: Make) -> None:
    averaged, plain = training(small(), digits, ema_decay=0.5), training(small(), digits)
    averaged.run(), plain.run()
    assert averaged.network is not averaged._network
    trained = averaged._network.state_dict()
    assert all(torch.equal(trained[name], value) for name, value in weights(plain).items())
    assert not torch.equal(trained["head.weight"], averaged.network.head.weight)  # type: ignore[union-attr]
    assert averaged.history[-1].valid_loss != plain.history[-1].valid_loss


@pytest.mark.parametrize(
    "options", [{}, {"ema_decay": 0.9, "mix": "cutmix", "drop_path": 0.1}, {"hardware": "bf16"}]
)
def test_a_training_goes_on_bit_for_bit(
    digits: ImageData,
    small: Make,
    disturb: Callable[[int], None],
    tmp_path: Path,
    options: dict[str, Any],
) -> None:
    if "hardware" in options:
        options = {"hardware": Hardware("cpu", "bf16-mixed")}
    whole = training(small(), digits, **options)
    whole.run()
    path = tmp_path / "checkpoint.pt"
    for epochs in (1, 1, 1):
        # Other first weights, and other global random numbers: neither must matter.
        disturb(len(list(tmp_path.iterdir())))
        part = training(small(seed=9 if path.exists() else 0), digits, checkpoint=path, **options)
        for _ in range(epochs):
            part.train_epoch()
    assert part.finished
    assert measured(part.history) == measured(whole.history)
    for name, value in weights(part).items():
        assert torch.equal(value, weights(whole)[name]), name
    assert training(small(), digits, checkpoint=path, **options).run() == part.history


def test_no_global_state_is_left_changed(
    digits: ImageData, small: Make, disturb: Callable[[int], None]
) -> None:
    disturb(5)
    before = torch.get_rng_state()
    one = training(small(), digits, hardware=replace(CPU, deterministic=True), mix="mixup")
    one.run()
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.benchmark
    again = training(small(), digits, mix="mixup")
    disturb(6)
    assert measured(again.run()) == measured(one.history)
    other = training(small(), digits, mix="mixup", seed=1)
    assert measured(other.run()) != measured(one.history)


def test_a_training_that_diverges_says_so(digits: ImageData, small: Make, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    network = small()
    one = training(network, digits, checkpoint=path)
    one.train_epoch()
    kept = path.read_bytes()
    with torch.no_grad():
        network.head.weight.fill_(math.nan)
    with pytest.raises(TrainingError, match=r"diverged: its loss is nan in epoch 2 \(lower"):
        one.train_epoch()
    assert path.read_bytes() == kept
    assert len(one.history) == 1


def test_a_last_step_that_ruins_the_weights_is_noticed(
    digits: ImageData, small: Make, tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.pt"
    one = training(
        small(),
        digits,
        checkpoint=path,
        epochs=1,
        batch_size=len(digits.train),
        learning_rate=1e30,
        gradient_clip=None,
    )
    with pytest.raises(TrainingError):
        one.run()
    assert not path.exists()


def test_a_batch_that_is_too_large_is_parted_once(digits: ImageData, small: Make) -> None:
    with pytest.raises(TrainingError, match=r"a batch of 32 images in 1 parts does not fit"):
        training(small(most=8), digits).run()
    network = small(most=8)
    one = training(network, digits, retry_out_of_memory=True)
    one.run()
    # The one that failed, and then nothing but quarters.
    assert network.sizes[0] == 32
    assert set(network.sizes[1:]) == {8}
    with pytest.raises(TrainingError, match=r"a batch of 32 images in 4 parts does not fit"):
        training(small(most=7), digits, retry_out_of_memory=True).run()


def test_parts_add_up_to_the_gradient_of_the_batch(digits: ImageData) -> None:
    losses = []
    for parts in (1, 4):
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        nn.init.zeros_(network[1].weight), nn.init.zeros_(network[1].bias)
        one = training(network, digits)
        one._step.parts = parts
        losses.append([epoch.train_loss for epoch in one.run()])
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)


def test_a_checkpoint_of_another_training_is_refused(
    digits: ImageData, small: Make, tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.pt"
    training(small(), digits, checkpoint=path, identity={"codes": [1, 2]}).train_epoch()
    for options, different in (
        ({"identity": {"codes": [2, 1]}}, "network"),
        ({"identity": {"codes": [1, 2]}, "seed": 1}, "seed"),
        ({"identity": {"codes": [1, 2]}, "learning_rate": 0.1}, "training"),
    ):
        with pytest.raises(RunError, match=f"of another training; what differs: {different} "):
            training(small(), digits, checkpoint=path, **options)  # type: ignore[arg-type]
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(RunError):
        training(small(), digits, checkpoint=path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("network", {}, "Missing key"),
        ("network", [torch.ones(2)], "Expected state_dict to be dict-like"),
        ("optimizer", None, "not subscriptable"),
        ("optimizer", {"state": {0: {"momentum_buffer": torch.ones(1)}}}, "of parameter 0 has the"),
        ("optimizer", {"state": [1]}, "has no attribute 'get'"),
        ("precision", {"scale": "1"}, "has ..scale.. = .1., not a finite number"),
        ("parts", "1", "has parts = '1', not a whole number"),
        ("parts", 0, "a batch in 0 parts"),
        ("history", [{"epoch": 1}], r"lacks history\[0\].learning_rate"),
        ("history", 3, "has history = 3, not a list"),
    ],
)
def test_a_checkpoint_with_other_content_is_refused(
    digits: ImageData, small: Make, tmp_path: Path, name: str, value: object, message: str
) -> None:
    path = tmp_path / "checkpoint.pt"
    training(small(), digits, checkpoint=path).train_epoch()
    write_state(path, {**read_state(path), name: value})
    with pytest.raises(RunError, match=f"is damaged: .*{message}.*delete it") as error:
        training(small(), digits, checkpoint=path)
    assert "\n" not in str(error.value)


def test_a_full_disk_leaves_the_last_checkpoint(
    digits: ImageData, small: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.pt"
    one = training(small(), digits, checkpoint=path)
    one.train_epoch()
    kept = path.read_bytes()

    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(RunError):
            one.train_epoch()
    assert path.read_bytes() == kept
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]
    assert len(training(small(), digits, checkpoint=path).run()) == 3


def test_what_does_not_fit_is_refused(digits: ImageData, small: Make) -> None:
    nine = nn.Sequential(nn.Flatten(), nn.Linear(64, 9))
    for network, options, words in (
        (small(), {"batch_size": 161}, "batch_size 161 is more than the 160 images"),
        (nn.Conv2d(3, 4, 3), {}, "cannot take the 1-channel images of 'digits'"),
        (nine, {}, r"gives \(9,\) logits, but 'digits' has 10 classes"),
    ):
        with pytest.raises(OptionError, match=words):
            training(network, digits, **options)


def test_a_training_has_its_own_number_of_threads(
    digits: ImageData, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Counting(nn.Linear):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen.add(torch.get_num_threads())
            return super().forward(images)

    seen: set[int] = set()
    before = torch.get_num_threads()
    network = nn.Sequential(nn.Flatten(), Counting(64, 10))
    training(network, digits, epochs=1, hardware=Hardware("cpu", threads=before + 1)).run()
    assert seen == {before + 1}
    assert torch.get_num_threads() == before
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert CPU.with_threads().threads == 1
    assert CPU.with_threads(4.0).threads == 4
    assert CPU.with_threads(0.5).threads == 1
    assert Hardware("cpu", threads=2).with_threads(4.0).threads == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert CPU.with_threads().threads == before
    with pytest.raises(OptionError):
        Hardware("cpu", threads=0)
    for wrong in ({"threads": 1.5}, {"devices": True}, {"deterministic": "no"}, {"device": 0}):
        with pytest.raises(OptionError):
            Hardware(**wrong)  # type: ignore[arg-type]
    old = {name: value for name, value in CPU.to_dict().items() if name != "threads"}
    assert Hardware.from_dict(old) == CPU


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_refused(digits: ImageData, small: Make) -> None:
    with pytest.raises(TrainingError, match=r"'cuda' is not there \(this machine has cpu \(1\)"):
        training(small(), digits, hardware=Hardware("cuda"))
    with pytest.raises(UnknownNameError):
        Hardware("cud")
    with pytest.raises(UnknownNameError):
        Hardware("cpu", "bf16-mxed")


def test_the_last_image_of_its_own_is_left_out(digits: ImageData, small: Make) -> None:
    # Batch norm refuses a batch of one image: 160 = 3 * 53 + 1.
    network = small()
    (epoch,) = training(network, digits, batch_size=53, epochs=1).run()
    assert network.sizes == [53, 53, 53]
    assert epoch.images == 159
    assert 0 < epoch.waiting_for_data < 1
