"""Training a network, epoch by epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.schema import conform
from ax_anasod.training.checkpoint import differing, read_state, write_state
from ax_anasod.training.epoch import Epoch, Progress, check_loss, epoch_seed, seeded
from ax_anasod.training.hardware import Hardware
from ax_anasod.training.step import Step, load_momentum, make_optimizer
from ax_anasod.training.supervision import TrainingData, supervise
from ax_anasod.training.training_config import TrainingConfig, rate_at

# How often the loss is looked at on its way through an epoch: each look waits for the device.
_LOOK_EVERY: Final = 50


class Training:
    """One network, learning from one set of images, or of sequences of tokens.

    With a checkpoint, its file is written after every epoch, and a training of the same
    network that finds it goes on from there. On a CPU with the same number of threads the
    result is then, bit for bit, that of a training that was never interrupted.

    On several devices the same training is made in as many processes, which ``torchrun`` starts
    (``ax-anasod evaluate --devices`` does), with Lightning Fabric's strategy ``ddp``. Each learns
    from its share of every batch, and gradients are means over the whole batch. All of them
    augment the whole batch, so that they learn from the images that one device would have; what
    paths are dropped is drawn in each. Batch norm takes its statistics from the share of a
    process (torch's synchronised batch norm is for GPUs only); what it keeps for evaluation is
    averaged after each epoch. The first process measures and writes; checkpoints are the same for
    any number of devices.

    Args:
        network: The network; it is moved to the device and trained in place. It maps images
            to logits, in training mode where it has an auxiliary tower to a pair of logits;
            with drop path it has a method ``set_drop_path(rate)``. Of sequences it maps tokens
            ``n x length`` to logits ``n x length x vocabulary``.
        data: The images or sequences.
        config: How it is trained.
        seed: Every random number of the training is derived from it.
        hardware: What it is trained on.
        checkpoint: The file of its state, None where nothing is written.
        identity: JSON-able description of the network, by which a checkpoint of another one
            is known.

    Raises:
        OptionError: There are fewer images than a batch has, or less than two of a batch for each
            device, they do not fit the network, or there are not as many processes as devices.
        TrainingError: A device is not there.
        RunError: The checkpoint is damaged or of another training.
        OptionalImportError: A package of the extra ``train`` is not installed.

    Example:
        >>> from ax_anasod.training import DataConfig, load_data, protocol
        >>> data = load_data(DataConfig("digits", images=200))
        >>> network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        >>> training = Training(
        ...     network, data, protocol("search", epochs=2), hardware=Hardware("cpu")
        ... )
        >>> [epoch.epoch for epoch in training.run()]
        [1, 2]
    """

    def __init__(
        self,
        network: nn.Module,
        data: TrainingData,
        config: TrainingConfig,
        *,
        seed: int = 0,
        hardware: Hardware | None = None,
        checkpoint: Path | None = None,
        identity: Mapping[str, Any] | None = None,
    ) -> None:
        self.config, self.data, self.seed = config, data, seed
        self.hardware = hardware or Hardware()
        self.history: list[Epoch] = []
        self._checkpoint = checkpoint
        self._fabric = self.hardware.fabric()
        self.device = self._fabric.device
        self._supervision = supervise(data, config, self.hardware, self.device)
        if config.batch_size > len(data.train):
            raise OptionError(
                f"batch_size {config.batch_size} is more than the {len(data.train)} "
                f"{self._supervision.name} to learn from",
                f"make batches smaller, or use more {self._supervision.name}",
            )
        devices = self.hardware.devices
        if devices > 1 and config.batch_size < 2 * devices:
            raise OptionError(
                f"batch_size {config.batch_size} is less than two {self._supervision.name} for "
                f"each of {devices} devices",
                "make batches larger, or use fewer devices",
            )
        self._identity = {
            "network": dict(identity or {}),
            "training": config.to_dict(),
            "seed": seed,
            **self._supervision.about,
        }
        self._network = network.to(self.device)
        if self.hardware.channels_last:
            self._network.to(memory_format=torch.channels_last)
        self._average = self._moving_average()
        if self.hardware.compile:
            self._network.compile()
        self._prepare()
        if checkpoint is not None and checkpoint.exists():
            self._restore(read_state(checkpoint), checkpoint)

    @property
    def finished(self) -> bool:
        """Return True if all epochs are done."""
        return len(self.history) >= self.config.epochs

    @property
    def network(self) -> nn.Module:
        """The network that is measured: the trained one, or its moving average."""
        return self._network if self._average is None else self._average.module

    def run(self, after_epoch: Callable[[Epoch], None] = lambda epoch: None) -> list[Epoch]:
        """Train to the end.

        Args:
            after_epoch: Called with each new epoch, once its checkpoint is on the disk.

        Returns:
            All epochs, those before the checkpoint included.

        Raises:
            TrainingError: See `train_epoch`.
            RunError: See `train_epoch`.
        """
        while not self.finished:
            after_epoch(self.train_epoch())
        return self.history

    def train_epoch(self) -> Epoch:
        """Train for one more epoch, measure, and write the checkpoint.

        Raises:
            TrainingError: The loss is not finite, or the network does not fit the memory of
                the device.
            RunError: The checkpoint cannot be written; the one before is kept.
        """
        number = len(self.history) + 1
        purpose = f"net/{self._fabric.global_rank}" if self._fabric.global_rank else "net"
        with self.hardware.settings(), seeded(epoch_seed(self.seed, number, purpose), self.device):
            learned = self._learn(number)
        self._average_buffers()
        # All processes go on with the numbers of the first one, its times included.
        measured = self._measured(number, *learned) if self._fabric.is_global_zero else None
        epoch = self._fabric.broadcast(measured)
        assert epoch is not None
        self.history.append(epoch)
        if self._checkpoint is not None and self._fabric.is_global_zero:
            write_state(self._checkpoint, self.state())
        return epoch

    def _measured(self, number: int, loss: float, seconds: float, data_seconds: float) -> Epoch:
        """The measurements of an epoch, of which these were taken on its way."""
        started = time.perf_counter()
        measured = self._supervision.measure(self.logits)
        # A step that ruins the weights shows in the loss of the next one only.
        check_loss(measured.loss, f"after epoch {number}")
        return Epoch(
            epoch=number,
            learning_rate=self._rate((number - 1) * self._steps),
            train_loss=loss,
            valid_loss=measured.loss,
            valid_error=measured.error,
            images=self._learned,
            train_seconds=seconds,
            data_seconds=data_seconds,
            valid_seconds=time.perf_counter() - started,
            errors=dict(measured.errors),
        )

    def logits(self, inputs: Tensor | None = None) -> Tensor:
        """The output of the measured network.

        Args:
            inputs: Images ``n x c x h x w``, uint8, or tokens ``n x length``; those of the
                validation data by default.

        Returns:
            ``n x num_classes``, or ``n x length x vocabulary``.
        """
        with self.hardware.settings(), self._fabric.autocast():
            return self._supervision.logits(self.network, inputs)

    def _prepare(self) -> None:
        config = self.config
        if config.drop_path and not hasattr(self._network, "set_drop_path"):
            raise OptionError("drop_path is set, but the network has no set_drop_path(rate)")
        self._supervision.check_fit(self.logits)
        module, self._optimizer = self._fabric.setup(
            self._network, make_optimizer(self._network, config)
        )
        self._step = Step(
            self._fabric,
            module,
            self._optimizer,
            config,
            self._supervision.loss,
            self._supervision.name,
        )
        full, rest = divmod(len(self.data.train), config.batch_size)
        # Batch norm cannot learn from a batch of one image.
        self._steps = full + (rest > 1)
        self._learned = full * config.batch_size + (rest if rest > 1 else 0)

    def _moving_average(self) -> torch.optim.swa_utils.AveragedModel | None:
        if self.config.ema_decay is None:
            return None
        average = torch.optim.swa_utils.get_ema_multi_avg_fn(self.config.ema_decay)  # type: ignore[no-untyped-call]
        return torch.optim.swa_utils.AveragedModel(
            self._network, multi_avg_fn=average, use_buffers=True
        )

    def _average_buffers(self) -> None:
        """Replace what batch norm keeps for evaluation by its mean over the processes."""
        if self._fabric.world_size == 1:
            return
        networks = filter(None, (self._network, self._average))
        buffers = [b for network in networks for b in network.buffers() if b.is_floating_point()]
        if buffers:
            # At once: a network has hundreds of them, and each exchange waits for all processes.
            together: Any = self._fabric.all_reduce(parameters_to_vector(buffers), reduce_op="mean")
            vector_to_parameters(together, buffers)

    def _learn(self, number: int) -> tuple[float, float, float]:
        """Pass over the data once: mean loss, and the times as in :class:`Epoch`."""
        if self.config.drop_path:
            rate = self.config.drop_path * (number - 1) / max(self.config.epochs - 1, 1)
            self._network.set_drop_path(rate)  # type: ignore[operator]
        self._network.train()
        total = torch.zeros((), device=self.device, dtype=torch.float64)
        started = time.perf_counter()
        waited, before = 0.0, started
        for step, (inputs, targets) in enumerate(self._batches(number)):
            waited += time.perf_counter() - before
            self._set_rate(self._rate((number - 1) * self._steps + step))
            total += self._step(inputs, targets) * len(inputs)
            if self._average is not None:
                self._average.update_parameters(self._network)
            if step % _LOOK_EVERY == _LOOK_EVERY - 1:
                check_loss(total.item(), f"in epoch {number}")
            before = time.perf_counter()
        if self._fabric.world_size > 1:
            self._fabric.all_reduce(total, reduce_op="sum")  # in place
        check_loss(total.item(), f"in epoch {number}")
        seconds = time.perf_counter() - started
        return total.item() / self._learned, seconds, waited

    def _batches(self, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator().manual_seed(epoch_seed(self.seed, number, "data"))
        order = torch.randperm(len(self.data.train), generator=generator)[: self._learned]
        return self._supervision.batches(torch.split(order, self.config.batch_size), generator)

    def _rate(self, step: int) -> float:
        """The learning rate at a step of the whole training."""
        return rate_at(self.config, step, self._steps * self.config.epochs)

    def _set_rate(self, rate: float) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = rate

    def state(self) -> dict[str, Any]:
        """The content of a checkpoint, from which the training goes on."""
        return {
            "identity": self._identity,
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "precision": self._fabric.strategy.precision.state_dict(),
            "average": None if self._average is None else self._average.state_dict(),
            "parts": self._step.parts,
            "history": [epoch.to_dict() for epoch in self.history],
        }

    def _restore(self, state: dict[str, Any], path: Path) -> None:
        if different := ", ".join(differing(state.get("identity"), self._identity)):
            raise RunError(
                f"the checkpoint {path} is of another training; what differs: {different}",
                "delete it, or name another folder",
            )
        try:
            self._network.load_state_dict(state["network"])
            load_momentum(self._optimizer, state["optimizer"]["state"])
            conform(dict[str, float], state["precision"])
            self._fabric.strategy.precision.load_state_dict(state["precision"])
            if self._average is not None:
                self._average.load_state_dict(state["average"])
            progress = conform(Progress, state)
            self._step.parts, self.history = progress.parts, progress.history
        # The errors of torch and ours for an entry that is missing or of another form.
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise RunError(
                f"the checkpoint {path} is damaged: {' '.join(str(error).split())}",
                "delete it, and the training begins anew",
            ) from error
