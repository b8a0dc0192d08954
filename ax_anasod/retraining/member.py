"""One network, trained for good: its model file, its figures, its learning curve."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import torch
from torch import Tensor

from ax_anasod.exceptions import RunError, RunLostError
from ax_anasod.files import ensure_folder, read_json, remove_unfinished, write_json
from ax_anasod.locks import is_same_file, locked
from ax_anasod.networks import Network, count_flops, num_parameters
from ax_anasod.networks.decoder import Decoder
from ax_anasod.plots.figure import save
from ax_anasod.plots.learning import draw_learning_curve
from ax_anasod.retraining.search_result import SearchResult
from ax_anasod.runs.folder import new_folder_beside
from ax_anasod.runs.layout import check_holds_no_other
from ax_anasod.schema import conform
from ax_anasod.training import (
    Epoch,
    ImageData,
    TrainedDecoder,
    TrainedModel,
    Training,
    TrainingData,
    TrainingTask,
    quality,
    read_state,
    save_model,
    write_state,
)
from ax_anasod.training.checkpoint import differences
from ax_anasod.training.task import find_operations
from ax_anasod.typing import Codes, FloatArray, Indices

MODEL: Final = "model.pt"
METRICS: Final = "metrics.json"
CURVE: Final = "learning_curve.png"
PREDICTIONS: Final = "predictions.pt"
_CHECKPOINT: Final = "checkpoint.pt"
_LOCK: Final = "training.lock"

AfterEpoch = Callable[[Epoch], None]


@dataclass(frozen=True)
class Retrained:
    """A network that has been trained for good.

    Args:
        folder: The folder with its files.
        metrics: The content of ``metrics.json``.
        predictions: Probabilities ``n x c`` of the test images, and their ``n`` class numbers;
            None for a language model.
    """

    folder: Path
    metrics: dict[str, Any]
    predictions: tuple[FloatArray, Indices] | None = None

    @property
    def probabilities(self) -> FloatArray:
        """``n x c``, of the test images."""
        return self._of_images[0]

    @property
    def labels(self) -> Indices:
        """``n`` class numbers of the test images."""
        return self._of_images[1]

    @property
    def _of_images(self) -> tuple[FloatArray, Indices]:
        assert self.predictions is not None  # ensembles are of networks for images
        return self.predictions


def evaluate(
    found: SearchResult,
    task: TrainingTask,
    data: TrainingData,
    folder: Path,
    *,
    member: int = 0,
    after_epoch: AfterEpoch = lambda epoch: None,
) -> Retrained:
    """Train a network that was found, and measure it on the test images or sequences.

    The folder gets ``model.pt`` (see `ax_anasod.load_model`), ``metrics.json``,
    ``learning_curve.png`` and, of images, ``predictions.pt``. A training that was killed goes on
    from its last epoch; one that is in the folder already is not made again. ``metrics.json`` is
    written last: where it is, all else is. Of the processes of several devices, the first one
    locks the folder and writes.

    Args:
        found: The result of the search.
        task: How it is trained, from `evaluation_task`.
        data: Its images or sequences, loaded for evaluation.
        folder: The folder; it is made.
        member: Which network, see `SearchResult.draw`.
        after_epoch: Called with each new epoch.

    Raises:
        RunError: The folder holds another training, another process trains in it, or it cannot
            be written.
        RunLostError: The folder was deleted or replaced during the training.
        TrainingError: The training diverges, or does not fit the device.
        AnasodError: The network does not fit the data.
    """
    task = task.fitted(data)
    codes = found.draw(task.network.layers, member)
    seed = found.seed_of(member)
    about = {**found.describe(codes, member), **task.identity()}
    if (folder / METRICS).exists():
        retrained = _already_trained(folder, about)
        left = any((folder / name).exists() for name in (_CHECKPOINT, _LOCK))
        if left and not task.hardware.rank:
            # Left by a process that was killed after its last file, or is about to delete them.
            with suppress(RunError, OSError), locked(folder / _LOCK, "busy"):
                (folder / _CHECKPOINT).unlink(missing_ok=True)
        return retrained
    check_holds_no_other(folder)
    if task.hardware.rank:
        training = task.start(codes, data, seed, folder / _CHECKPOINT)
        training.run(after_epoch)
        return _measured(training, found, folder, about)
    ensure_folder(folder, "choose another one with --out")
    with locked(folder / _LOCK, f"another process is training in {folder}") as lock:
        if (folder / METRICS).exists():  # by now
            return _already_trained(folder, about)
        remove_unfinished(folder)
        training = task.start(codes, data, seed, folder / _CHECKPOINT)
        with _watched(folder, lock, training):
            while not training.finished:
                epoch = training.train_epoch()
                _check_there(folder, lock, training)
                after_epoch(epoch)
            retrained = _measured(training, found, folder, about)
            _check_there(folder, lock, training)
            _write(retrained, training, task, codes)
            (folder / _CHECKPOINT).unlink(missing_ok=True)
    return retrained


@contextmanager
def _watched(folder: Path, lock: int, training: Training) -> Iterator[None]:
    """Raise `RunLostError` where something has failed in here because the folder is gone."""
    try:
        yield
    except RunLostError:
        raise
    except RunError as error:
        _check_there(folder, lock, training, error)
        raise
    _check_there(folder, lock, training)


def _check_there(
    folder: Path, lock: int, training: Training, cause: RunError | None = None
) -> None:
    """Make sure that the folder is the one that was begun in.

    Raises:
        RunLostError: The folder was deleted or replaced; the training so far is in a new folder.
    """
    if is_same_file(lock, folder / _LOCK):
        return
    if os.fstat(lock).st_nlink:
        raise RunLostError(
            f"the folder {folder} was moved or replaced while a network was trained in it",
            "name it with --out where it is now, to go on from its last epoch",
            moved=True,
        ) from cause
    message = f"the folder {folder} was deleted while a network was trained in it"
    epochs = len(training.history)
    try:
        place = new_folder_beside(folder)
        write_state(place / _CHECKPOINT, training.state())
    except RunError as error:
        raise RunLostError(message, f"its {epochs} epochs are lost: {error}") from cause
    raise RunLostError(
        message, f"its {epochs} epochs are kept; the same command goes on with --out {place}"
    ) from cause


def _write(retrained: Retrained, training: Training, task: TrainingTask, codes: Codes) -> None:
    """Write the model and what was measured; the figures last."""
    folder, metrics, data = retrained.folder, retrained.metrics, training.data
    own = tuple(find_operations(task.operations) or ())
    if retrained.predictions is not None:
        state = dict(zip(("probabilities", "labels"), retrained.predictions, strict=True))
        write_state(folder / PREDICTIONS, {k: torch.from_numpy(v) for k, v in state.items()})
    model: TrainedModel | TrainedDecoder
    if isinstance(data, ImageData):
        network = cast("Network", training.network)
        model = TrainedModel.from_training(network, task.cell, codes, data, metrics, own)
    else:
        decoder = cast("Decoder", training.network)
        model = TrainedDecoder.from_training(decoder, task.cell, codes, data, metrics, own)
    save_model(folder / MODEL, model)
    save(draw_learning_curve(training.history, data.name), folder / CURVE)
    write_json(folder / METRICS, metrics)


def _measured(
    training: Training, found: SearchResult, folder: Path, about: dict[str, Any]
) -> Retrained:
    data, epochs = training.data, training.history
    predictions = None
    if isinstance(data, ImageData):
        probabilities = torch.softmax(training.logits().cpu().double(), dim=1).numpy()
        predictions = probabilities, data.valid.labels.cpu().numpy()
        quality_of = quality(*predictions)
        figures = {
            "test_error": 100 - quality_of["accuracy"],
            "chance_error": data.chance_error,
            **quality_of,
            "multiply_adds": count_flops(cast("Network", training.network), data.image_size) / 2e6,
            "train_images": len(data.train),
            "test_images": len(data.valid),
            "left_out": dict(Counter(data.left_out_reasons)),
        }
    else:
        last = epochs[-1]
        figures = {
            "test_error": last.valid_error,
            "errors": last.errors,
            "negative_log_likelihood": last.valid_loss,
            "train_sequences": len(data.train),
            "test_sequences": len(data.valid),
        }
    metrics = {
        "dataset": data.name,
        "run": str(found.run.resolve()),
        **figures,
        "parameters": num_parameters(training.network) / 1e6,
        "epochs": len(epochs),
        "train_seconds": sum(epoch.train_seconds for epoch in epochs),
        "hardware": _hardware(training),
        "curve": [epoch.to_dict() for epoch in epochs],
        **about,
    }
    return Retrained(folder, metrics, predictions)


def _hardware(training: Training) -> dict[str, Any]:
    """The hardware of the training, with the device that was used."""
    hardware, device = training.hardware, training.device
    used = {"device": hardware.kind if hardware.devices > 1 else str(device)}
    if device.type == "cuda":
        used["device_name"] = torch.cuda.get_device_name(device)
    return {**hardware.to_dict(), **used}


def _already_trained(folder: Path, about: dict[str, Any]) -> Retrained:
    metrics = read_json(folder / METRICS, dict[str, Any])
    try:
        conform(_Figures, metrics)
    except ValueError as error:
        raise RunError(
            f"{folder / METRICS} is damaged: it {error}",
            "delete the folder, and the network is trained again",
        ) from error
    # Through JSON, which knows no tuples.
    expected = json.loads(json.dumps(about))
    different = differences({name: metrics.get(name) for name in expected}, expected)
    if different:
        raise RunError(
            f"the folder {folder} holds another training; what differs: {'; '.join(different)}",
            "choose another folder with --out",
        )
    of_images = "test_sequences" not in metrics
    needed = (MODEL, PREDICTIONS) if of_images else (MODEL,)
    missing = [name for name in needed if not (folder / name).exists()]
    if missing:
        raise RunError(
            f"the folder {folder} has {METRICS}, but lacks {' and '.join(missing)}",
            f"delete {folder / METRICS} to train again",
        )
    predictions = _read_predictions(folder / PREDICTIONS) if of_images else None
    return Retrained(folder, metrics, predictions)


@dataclass(frozen=True)
class _Figures:
    """The figures of ``metrics.json`` that are shown."""

    dataset: str
    test_error: float
    negative_log_likelihood: float
    parameters: float
    epochs: int
    expected_calibration_error: float | None = None
    multiply_adds: float | None = None
    errors: dict[str, float] = field(default_factory=dict)


def _read_predictions(path: Path) -> tuple[FloatArray, Indices]:
    state = read_state(path)
    probabilities, labels = state.get("probabilities"), state.get("labels")
    if (
        not (isinstance(probabilities, Tensor) and isinstance(labels, Tensor))
        or (probabilities.ndim, labels.ndim) != (2, 1)
        or (probabilities.dtype, labels.dtype) != (torch.float64, torch.int64)
        or len(probabilities) != len(labels)
        or not ((labels >= 0) & (labels < probabilities.shape[1])).all()
        or not ((probabilities >= 0) & (probabilities <= 1)).all()
    ):
        raise RunError(
            f"{path} does not hold the predictions of a network",
            f"delete {path.with_name(METRICS)} to train again",
        )
    return probabilities.numpy(), labels.numpy()
