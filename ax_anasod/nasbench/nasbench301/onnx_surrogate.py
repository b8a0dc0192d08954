"""YAHPO Gym's surrogate of NAS-Bench-301, run by onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from ax_anasod.exceptions import BenchmarkError, OptionError
from ax_anasod.nasbench.benchmark import IntArray
from ax_anasod.nasbench.nasbench301.categories import CategoryTable
from ax_anasod.nasbench.nasbench301.surrogate import Prediction, digest
from ax_anasod.nasbench.source_files import first_line, read_settings
from ax_anasod.optional import require

MODEL: Final = "model.onnx"
ENCODING: Final = "encoding.json"
FULL_TRAINING: Final = 98
"""Epochs of a full training in the data that the model was fitted to."""

_SHAPES: Final = ([1, 34], [1, 1], [1, 2])
_TYPES: Final = ("tensor(int32)", "tensor(float)", "tensor(float)")


class OnnxSurrogate:
    """A neural network that predicts accuracy and training time after any epoch.

    It is deterministic and has no model of the noise. It was fitted by YAHPO Gym's authors
    to the training runs of NAS-Bench-301; it is not one of NAS-Bench-301's own surrogates.

    The model takes exactly one architecture at a time: its graph fixes the batch
    dimension. A batch is a loop of calls, each about a tenth of a millisecond.

    Source: Pfisterer et al., *YAHPO Gym: An efficient multi-objective multi-fidelity
    benchmark for hyperparameter optimization* (AutoML 2022), scenario ``nb301``.

    Args:
        directory: Folder with ``model.onnx`` and ``encoding.json``.
        epochs: Number of epochs trained, 1 to 98.

    Raises:
        OptionalImportError: If onnxruntime is not installed.
        OptionError: If the number of epochs is out of its range.
        BenchmarkError: If one of the files is missing, damaged, or something else.
    """

    name = "yahpo-nb301"
    has_noise = False

    def __init__(self, directory: Path, epochs: int = FULL_TRAINING) -> None:
        if type(epochs) is not int or not 1 <= epochs <= FULL_TRAINING:
            raise OptionError(
                f"the surrogate cannot predict {epochs!r} epochs",
                f"give a whole number from 1 to {FULL_TRAINING}",
            )
        require("onnxruntime", "nasbench301")
        self.epochs: int | None = epochs
        self._files = (directory / MODEL, directory / ENCODING)
        for file in self._files:
            if not file.is_file():
                raise BenchmarkError(
                    f"{directory} holds no {file.name}",
                    f"an ONNX surrogate of NAS-Bench-301 is {MODEL} and {ENCODING}",
                )
        encoding = read_settings(self._files[1], dict[str, dict[str, int]])
        self._categories = CategoryTable(encoding, str(self._files[1]))
        self._session = _load(self._files[0])
        self._inputs = [node.name for node in self._session.get_inputs()]
        self._epoch = np.array([[epochs]], dtype=np.float32)

    def predict(self, codes: IntArray) -> Prediction:
        """Accuracy and training time of ``n x d`` codes of the DARTS cell.

        Raises:
            BenchmarkError: If the model cannot be run.
        """
        categories = self._categories(codes)
        values = np.empty((len(categories), 2))
        run, (edges, epoch) = self._session.run, self._inputs
        try:
            for row, inputs in enumerate(categories[:, None]):
                values[row] = run(None, {edges: inputs, epoch: self._epoch})[0][0]
        except _errors() as error:
            raise BenchmarkError(
                f"the model {self._files[0]} cannot be run: {first_line(error)}",
                "fetch the file again",
            ) from error
        return Prediction(accuracy=values[:, 0], deviation=None, seconds=values[:, 1])

    def fingerprint(self) -> str:
        """Digest of the two files."""
        return digest(self._files)


def _load(file: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # The network is tiny: handing its layers to other threads costs more than it saves.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # Only what is fatal: it is raised as well.
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )
    except _errors() as error:
        raise BenchmarkError(
            f"{file} is no ONNX model, or damaged: {first_line(error)}", "fetch the file again"
        ) from error
    nodes = [*session.get_inputs(), *session.get_outputs()]
    found = [(node.shape, node.type) for node in nodes]
    if found != list(zip(_SHAPES, _TYPES, strict=True)):
        raise BenchmarkError(
            f"{file} is another model: its inputs and outputs are {found}",
            f"that of NAS-Bench-301 has {list(zip(_SHAPES, _TYPES, strict=True))}",
        )
    return session


def _errors() -> tuple[type[Exception], ...]:
    """What files lead to that are damaged or something else."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NoModel,
        state.NoSuchFile,
        state.NotImplemented,
        state.RuntimeException,
        ValueError,
    )
