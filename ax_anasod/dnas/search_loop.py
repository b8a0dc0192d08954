"""The search of a distribution: weights and distribution learn in turns."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from ax_anasod.dnas.distribution_step import DistributionStep, make_distribution
from ax_anasod.dnas.edges import Probabilities
from ax_anasod.dnas.estimators import choose
from ax_anasod.dnas.judge import Judge
from ax_anasod.dnas.methods import MethodConfig
from ax_anasod.dnas.result_files import SearchEpoch
from ax_anasod.dnas.supernet import build_supernet
from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.training import ImageData, Images, TrainingTask, read_state, write_state
from ax_anasod.training.augment import Augmentation, augmented_batches
from ax_anasod.training.epoch import check_loss, epoch_seed, seeded
from ax_anasod.training.pairing import image_network
from ax_anasod.training.step import Step
from ax_anasod.training.task import find_operations
from ax_anasod.training.training_config import cosine_rate

# How often the losses are looked at on the way through an epoch: each look waits for the device.
_LOOK_EVERY: Final = 50
# Draws whose mean loss says how good the distribution of an epoch is.
JUDGED_DRAWS: Final = 8


class DistributionSearch:
    """A differentiable search for a distribution of operations.

    In each step the distribution p learns from one batch of the validation images, and then
    the weights of the supernet from one batch of the training images. With a checkpoint, its
    file is written after every epoch, and a search of the same task that finds it goes on
    from there; on a CPU with the same number of threads the result is, bit for bit, that of a
    search that was never interrupted.

    Source: paper, Algorithm 1 and Section 3.2; the order of the two steps is that of
    gaea_release.

    Args:
        task: Cell, skeleton, training of the weights, and hardware.
        method: How p learns.
        data: The images; with ``single_level`` all of them teach both.
        seed: Every random number of the search is derived from it.
        checkpoint: The file of its state, None where nothing is written.
        start: ``1 x k`` or ``E x k``, p before the first step; uniform by default.

    Raises:
        OptionError: There are fewer images than a batch has, several devices are asked for, or a
            setting is not supported by a differentiable search.
        RunError: The checkpoint is damaged or of another search.
        AnasodError: The supernet cannot be built (see `build_supernet`), or not be trained on
            these images.

    Attributes:
        judge: Measures architectures in the supernet, as it is now.
    """

    def __init__(
        self,
        task: TrainingTask,
        method: MethodConfig,
        data: ImageData,
        *,
        seed: int = 0,
        checkpoint: Path | None = None,
        start: Probabilities | None = None,
    ) -> None:
        if task.hardware.devices > 1:
            raise OptionError(
                "a differentiable search works on one device",
                "run several searches with other seeds beside each other",
            )
        _check_used(task, method)
        self.task, self.method, self.seed = task.fitted(data), method, seed
        config = self.task.training
        learned = data.train.joined(data.valid) if method.single_level else data.train
        taught = learned if method.single_level else data.valid
        for images, use in ((learned, "weights"), (taught, "distribution")):
            if config.batch_size > len(images):
                raise OptionError(
                    f"batch_size {config.batch_size} is more than the {len(images)} images that "
                    f"the {use} learn from",
                    "make batches smaller, or use more images",
                )
        self.history: list[SearchEpoch] = []
        self._checkpoint = checkpoint
        self._identity = {
            **self.task.identity(),
            "method": method.to_dict(),
            "seed": seed,
            "start": None if start is None else start.tolist(),
            "images": [len(data.train), len(data.valid), data.channels, *data.image_size],
        }
        hardware = self.task.hardware
        self._fabric = hardware.fabric()
        self.device = self._fabric.device
        self.supernet = build_supernet(
            self.task.cell,
            replace(image_network(self.task.network), auxiliary=False, drop_path=0.0),
            find_operations(self.task.operations),
            seed=seed,
        ).to(self.device)
        self.supernet.choice.shortcut = method.shortcut
        if hardware.channels_last:
            self.supernet.to(memory_format=torch.channels_last)
        self._learned, self._taught = learned.to(self.device), taught.to(self.device)
        mean, std = (values.to(self.device) for values in data.statistics())
        self._augmentation = Augmentation(
            config, mean, std, data.num_classes, min(data.image_size), data.mirror_images
        )
        self._steps = len(learned) // config.batch_size
        self.distribution = make_distribution(
            method, self.supernet.edges, self._steps * config.epochs, start, seed
        )
        optimizer = torch.optim.SGD(
            self.supernet.parameters(),
            lr=config.learning_rate,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
        )
        self._module, self._optimizer = self._fabric.setup(self.supernet, optimizer)
        self._step = Step(self._fabric, self._module, self._optimizer, config)
        self._teach = DistributionStep(self.supernet, self.distribution, method, self._step)
        self.judge = Judge(self.supernet, self._module, self._augmentation, data.valid, hardware)
        if checkpoint is not None and checkpoint.exists():
            self._restore(read_state(checkpoint), checkpoint)

    @property
    def finished(self) -> bool:
        """Return True if all epochs are done."""
        return len(self.history) >= self.task.training.epochs

    @property
    def best(self) -> SearchEpoch:
        """The epoch whose p is the result: the last one, or that of the best draws."""
        if not self.method.best_epoch:
            return self.history[-1]
        return min(self.history, key=lambda epoch: epoch.draw_loss)

    def run(
        self,
        after_epoch: Callable[[SearchEpoch], None] = lambda epoch: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> list[SearchEpoch]:
        """Search to the end.

        Args:
            after_epoch: Called with each new epoch, once its checkpoint is on the disk.
            should_stop: Asked after each epoch.

        Returns:
            All epochs, those before the checkpoint included.

        Raises:
            TrainingError: A loss is not finite, or a batch does not fit the device.
            RunError: The checkpoint cannot be written; the one before is kept.
        """
        while not self.finished and not should_stop():
            after_epoch(self.search_epoch())
        return self.history

    def search_epoch(self) -> SearchEpoch:
        """Search for one more epoch, measure, and write the checkpoint.

        Raises:
            TrainingError: A loss is not finite, or a batch does not fit the device.
            RunError: The checkpoint cannot be written; the one before is kept.
        """
        number = len(self.history) + 1
        settings = self.task.hardware.settings()
        with settings, seeded(epoch_seed(self.seed, number, "net"), self.device):
            epoch = self._measured(number, self._learn(number))
        self.history.append(epoch)
        if self._checkpoint is not None:
            write_state(self._checkpoint, self._state())
        return epoch

    @property
    def probabilities(self) -> Probabilities:
        """P of the best epoch on each edge, ``E x k``."""
        return self.supernet.edges.spread(self.best.probabilities)

    def _learn(self, number: int) -> dict[str, float]:
        """Pass over the images once: mean losses and seconds, by their names in `SearchEpoch`."""
        method, epochs = self.method, self.task.training.epochs
        rng = np.random.default_rng(epoch_seed(self.seed, number, "draws"))
        cooled = (number - 1) / max(epochs - 1, 1)
        temperature = method.temperature + cooled * (method.final_temperature - method.temperature)
        losses = torch.zeros(2, dtype=torch.float64, device=self.device)
        seconds = dict.fromkeys(("data", "distribution", "weights"), 0.0)
        before = time.perf_counter()

        def clock(name: str) -> None:
            nonlocal before
            now = time.perf_counter()
            seconds[name] += now - before
            before = now

        self.supernet.train()
        batches = zip(
            self._batches(self._taught, number, "taught"),
            self._batches(self._learned, number, "data"),
            strict=True,
        )
        for step, (shown, batch) in enumerate(batches):
            clock("data")
            progress = ((number - 1) * self._steps + step) / (self._steps * epochs)
            if method.update not in ("none", "controller"):
                losses[1] += self._teach(shown, batch, rng, temperature, progress)
            clock("distribution")
            with torch.no_grad():
                choose(self.supernet, self.distribution, method.weights_by, rng, temperature)
            self._set_rate(progress)
            losses[0] += self._step(*batch)
            clock("weights")
            if step % _LOOK_EVERY == _LOOK_EVERY - 1:
                check_loss(float(losses.sum()), f"in epoch {number}")
        if method.update == "controller":
            endless = itertools.chain.from_iterable(
                self._batches(self._taught, number, f"controller/{repeat}")
                for repeat in itertools.count()
            )
            losses[1] = self._steps * self._teach.teach_controller(endless, rng)
            clock("distribution")
        check_loss(float(losses.sum()), f"in epoch {number}")
        weights_loss, distribution_loss = (losses / self._steps).tolist()
        return {
            "weights_loss": weights_loss,
            "distribution_loss": distribution_loss,
            **{f"{name}_seconds": value for name, value in seconds.items()},
        }

    def _measured(self, number: int, learning: Mapping[str, float]) -> SearchEpoch:
        cell, edges, distribution = self.task.cell, self.supernet.edges, self.distribution
        rng = np.random.default_rng(epoch_seed(self.seed, number, "judged"))
        with torch.no_grad():
            choose(self.supernet, distribution, "mixture", rng, 1.0)
        mixture_loss, _ = self.judge.chosen()
        drawn = distribution.draw(edges, JUDGED_DRAWS, rng)
        losses, errors = self.judge(drawn)
        check_loss(mixture_loss, f"after epoch {number}")
        likeliest = edges.most_likely(edges.spread(distribution.probabilities().detach().numpy()))
        texts = cell.to_strings(np.stack([drawn[0], likeliest]))
        return SearchEpoch(
            epoch=number,
            mixture_loss=mixture_loss,
            draw_loss=float(losses.mean()),
            draw_error=float(errors.mean()),
            probabilities=distribution.probabilities().tolist(),
            entropy=distribution.entropy(),
            drawn=texts[0],
            likeliest=texts[1],
            steps=self._steps,
            memory=_memory(self.device),
            **learning,
        )

    def _batches(
        self, images: Images, number: int, purpose: str
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch, one a step; images come again where they are too few."""
        generator = torch.Generator().manual_seed(epoch_seed(self.seed, number, purpose))
        size = self.task.training.batch_size
        full = len(images) // size * size
        rounds = math.ceil(self._steps * size / full)
        order = torch.cat(
            [torch.randperm(len(images), generator=generator)[:full] for _ in range(rounds)]
        )
        rows = torch.split(order[: self._steps * size].to(self.device), size)
        return augmented_batches(
            images,
            rows,
            self._augmentation,
            generator,
            self.device,
            self.task.hardware.memory_format,
        )

    def _set_rate(self, progress: float) -> None:
        rate = cosine_rate(self.task.training, progress / self.method.schedule)
        for group in self._optimizer.param_groups:
            group["lr"] = rate

    def _state(self) -> dict[str, Any]:
        return {
            "identity": self._identity,
            "supernet": self.supernet.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "precision": self._fabric.strategy.precision.state_dict(),
            "distribution": self.distribution.state(),
            "parts": self._step.parts,
            "history": [epoch.to_dict() for epoch in self.history],
        }

    def _restore(self, state: dict[str, Any], path: Path) -> None:
        stored = state.get("identity")
        if stored != self._identity:
            different = [n for n, v in self._identity.items() if (stored or {}).get(n) != v]
            raise RunError(
                f"the checkpoint {path} is of another search; what differs: "
                + ", ".join(different),
                "delete it, or name another folder",
            )
        self.supernet.load_state_dict(state["supernet"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._fabric.strategy.precision.load_state_dict(state["precision"])
        self.distribution.restore(state["distribution"])
        self._step.parts = state["parts"]
        self.history = [SearchEpoch(**epoch) for epoch in state["history"]]


def _check_used(task: TrainingTask, method: MethodConfig) -> None:
    """Raise an error for settings that a differentiable search would ignore or cannot obey."""
    settings = {**task.training.to_dict(), "compile": task.hardware.compile}
    for name in ("auxiliary_weight", "drop_path", "ema_decay", "compile"):
        if settings[name]:
            raise OptionError(
                f"a differentiable search has no {name}, got {settings[name]!r}",
                "leave it out; networks that are trained for good take it",
            )
    if method.update == "controller" and task.training.mix != "none":
        raise OptionError(
            f"a controller needs images of one class, not mix {task.training.mix!r}",
            "leave mix out, or take another method",
        )


def _memory(device: torch.device) -> float:
    """Most memory that was in use so far, in MiB: the device's, or on a CPU the process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
