"""The training loop on sequences of tokens; on images test_training.py has it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ax_anasod import cells
from ax_anasod.exceptions import OptionError, RunError, TrainingError
from ax_anasod.networks.decoder import build_decoder
from ax_anasod.networks.decoder_config import DecoderConfig
from ax_anasod.training import (
    Epoch,
    Hardware,
    SequenceConfig,
    SequenceData,
    Training,
    TrainingTask,
    TrialTraining,
    load_data,
    read_state,
    sequence_protocol,
    write_state,
)
from ax_anasod.training.epoch import epoch_seed
from ax_anasod.training.sequences import NOT_ASKED, errors
from ax_anasod.training.supervision import SequenceLoss

CELL = cells.get("hybrid-lm")
CODES = CELL.from_strings(["MAMLMM"])
SMALL = DecoderConfig(width=8, heads=1, hidden=8)
CPU = Hardware("cpu", threads=1)


@pytest.fixture(scope="module")
def data() -> SequenceData:
    return load_data(SequenceConfig(sequences=72, length=24))


@pytest.fixture(scope="module")
def task() -> TrainingTask:
    config = sequence_protocol("search", epochs=3, batch_size=16, warm_up=0.2)
    return TrainingTask(CELL, SequenceConfig(sequences=72, length=24), SMALL, config, CPU)


def measured(history: list[Epoch]) -> list[tuple[Any, ...]]:
    return [(e.epoch, e.learning_rate, e.train_loss, *e.values.items()) for e in history]


def weights(training: Training) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in training.network.state_dict().items()}


def test_a_plain_loop_gives_the_same(task: TrainingTask, data: SequenceData) -> None:
    """AdamW, warm-up and cosine written out, on the sequences in the order of the trainer."""
    one = task.start(CODES, data, 3)
    history = one.run()

    network = build_decoder(CELL.architecture(CODES[0]), SMALL, seed=3)
    matrices = [p for p in network.parameters() if p.dim() > 1]
    others = [p for p in network.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}],
        betas=(0.9, 0.99),
    )
    steps = 15  # 72 = 4 * 16 + 8
    for step in range(steps):
        epoch, place = divmod(step, 5)
        generator = torch.Generator().manual_seed(epoch_seed(3, epoch + 1, "data"))
        rows = torch.randperm(72, generator=generator)[16 * place : 16 * place + 16]
        rising = 0.2 * steps
        rate = 3e-3 * (step + 1) / rising
        if step >= rising:
            cosine = math.cos(math.pi * (step - rising) / (steps - rising))
            rate = 3e-4 + (3e-3 - 3e-4) * (1 + cosine) / 2
        for group in optimizer.param_groups:
            group["lr"] = rate
        logits, targets = network(data.train.tokens[rows]), data.train.targets[rows]
        loss = nn.functional.cross_entropy(logits.transpose(1, 2), targets, ignore_index=NOT_ASKED)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    # Sums in another order: rounding, which fifteen steps of AdamW make a little larger.
    for name, value in weights(one).items():
        torch.testing.assert_close(value, network.state_dict()[name], atol=1e-4, rtol=1e-3)
    found = errors(one.logits(), data.valid.targets)
    assert history[-1].values == pytest.approx(found, rel=1e-6)


def test_it_learns() -> None:
    config = sequence_protocol("search", learning_rate=1e-2)
    data = load_data(SequenceConfig("copying", sequences=600, length=12))
    decoder = DecoderConfig(vocabulary=data.vocabulary)
    network = build_decoder(CELL.architecture("MAMAMM"), decoder, seed=0)
    history = Training(network, data, config, hardware=CPU).run()
    # 94 % by guessing.
    assert history[-1].errors["copying_error"] < 20
    assert history[-1].train_loss < history[0].train_loss / 2
    assert history[-1].valid_error == pytest.approx(history[-1].errors["copying_error"])
    assert set(history[-1].values) == {"loss", "copying_error"}


def test_it_goes_on_bit_for_bit(task: TrainingTask, data: SequenceData, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    whole = task.start(CODES, data, 3)
    whole.run()
    for _ in range(3):  # a new process an epoch
        torch.rand(3)
        part = task.start(CODES, data, 3, path)
        part.train_epoch()
    assert part.finished
    assert measured(part.history) == measured(whole.history)
    for name, value in weights(whole).items():
        assert torch.equal(weights(part)[name], value), name
    assert measured(task.start(CODES, data, 4).run()) != measured(whole.history)


def test_a_checkpoint_of_other_sequences_is_refused(
    task: TrainingTask, data: SequenceData, tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.pt"
    task.start(CODES, data, 3, path).train_epoch()
    other = load_data(replace(task.data, seed=1))
    with pytest.raises(RunError, match="of another training; what differs: sequences "):
        task.start(CODES, other, 3, path)
    stored = read_state(path)
    kept = stored["optimizer"]["state"]
    for damaged in ({**kept[0], "exp_avg": torch.ones(1)}, {"step": kept[0]["step"]}):
        write_state(path, {**stored, "optimizer": {"state": {**kept, 0: damaged}}})
        with pytest.raises(RunError, match="is damaged: the momentum of parameter 0"):
            task.start(CODES, data, 3, path)


def test_a_loss_is_put_together_from_its_parts() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 5, 7, generator=generator)
    targets = torch.randint(7, (6, 5), generator=generator)
    targets[:3, 1:] = NOT_ASKED
    targets[3] = NOT_ASKED
    for smoothing in (0.0, 0.2):
        loss = SequenceLoss(smoothing)
        expected = nn.functional.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), ignore_index=-100, label_smoothing=smoothing
        )
        torch.testing.assert_close(loss(logits, targets), expected)
        whole = loss.weight(targets)
        parts = [
            loss(one, asked) * (loss.weight(asked) / whole)
            for one, asked in zip(logits.split(3), targets.split(3), strict=True)
        ]
        torch.testing.assert_close(sum(parts), expected)
        assert float(loss(logits[3:4], targets[3:4])) == 0.0


class Narrow(nn.Module):
    """A network whose device has memory for a few sequences only."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.network = build_decoder(CELL.architecture(CODES[0]), SMALL, seed=0)
        self.most = most

    def forward(self, tokens: Tensor) -> Tensor:
        if self.training and len(tokens) > self.most:
            raise torch.OutOfMemoryError("tried to allocate 1 TiB")
        logits: Tensor = self.network(tokens)
        return logits


def test_a_batch_that_is_too_large_is_parted_once(data: SequenceData) -> None:
    config = sequence_protocol("search", epochs=1, batch_size=24)
    with pytest.raises(TrainingError):
        Training(Narrow(6), data, config, hardware=CPU).run()
    parted = Training(Narrow(6), data, replace(config, retry_out_of_memory=True), hardware=CPU)
    whole = Training(Narrow(24), data, config, hardware=CPU)
    assert [e.train_loss for e in parted.run()] == pytest.approx(
        [e.train_loss for e in whole.run()], rel=1e-4
    )


def test_a_trial_that_diverges_fails(
    task: TrainingTask, data: SequenceData, tmp_path: Path
) -> None:
    wild = replace(
        task, training=replace(task.training, learning_rate=1e30, gradient_clip=None, warm_up=0.0)
    )
    trial = TrialTraining(wild, CODES, 3, tmp_path, tensorboard=False)
    state = trial.advance(data, None)
    assert state.status == "failed"
    assert "diverged: its loss is nan" in (state.reason or "")


def test_a_network_that_does_not_fit_is_refused(data: SequenceData) -> None:
    config = sequence_protocol("search")
    few = build_decoder(CELL.architecture(CODES[0]), replace(SMALL, vocabulary=10), seed=0)
    many = build_decoder(CELL.architecture(CODES[0]), replace(SMALL, vocabulary=200), seed=0)
    for network, chosen, words in (
        (few, config, "cannot take the sequences of 'recall.facts', 24 of 100"),
        (many, config, r"logits of shape \(24, 200\), but .* has 24 x 100"),
        (many, replace(config, batch_size=200), "batch_size 200 is more than the 72 sequences"),
    ):
        with pytest.raises(OptionError, match=words):
            Training(network, data, chosen, hardware=CPU)
