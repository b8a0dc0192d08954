"""YAHPO Gym's surrogate of NAS-Bench-301, run by onnxruntime on the categories of architectures."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ax_anasod import cells
from ax_anasod.cells.genotype import GenotypeCell
from ax_anasod.exceptions import BenchmarkError, OptionError
from ax_anasod.nasbench.nasbench301.surrogate import Prediction, digest
from ax_anasod.nasbench.source_files import first_line, read_settings
from ax_anasod.optional import require
from ax_anasod.typing import IntArray

MODEL: Final = "model.onnx"
ENCODING: Final = "encoding.json"
FULL_TRAINING: Final = 98
"""Epochs of a full training in the data that the model was fitted to."""

_SHAPES: Final = ([1, 34], [1, 1], [1, 2])
_TYPES: Final = ("tensor(int32)", "tensor(float)", "tensor(float)")
PREFIX: Final = "NetworkSelectorDatasetInfo_COLON_darts_COLON_"
UNUSED: Final = "#na#"
"""Category of an edge that an architecture does not have."""

# What the model takes: numbers of 32 bits.
_LARGEST: Final = 2**31 - 1
_NODES: Final = range(2, 6)
_NODES_THAT_CHOOSE: Final = range(3, 6)
_FIRST_EDGES: Final = tuple(itertools.accumulate((0, *_NODES)))[: len(_NODES)]
_NUM_EDGES: Final = sum(_NODES)


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
    """The exceptions that damaged files and files of another kind lead to."""
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


def category_names() -> list[str]:
    """The 34 categories, in the order of the surrogate's input.

    First the operation of each edge: those of node 2 are 0 and 1, of node 3 2 to 4, of node
    4 5 to 8, of node 5 9 to 13, each by its input; normal, then reduction cell. Then the
    pair of inputs of the nodes 3 to 5, which choose theirs.

    Source: Siems et al., *NAS-Bench-301 and the case for surrogate benchmarks* (2020), whose
    configuration space has these names; the order is that of YAHPO Gym's model.

    Example:
        >>> names = category_names()
        >>> len(names), names[0].removeprefix(PREFIX), names[-1].removeprefix(PREFIX)
        (34, 'edge_normal_0', 'inputs_node_reduce_5')
    """
    parts = _cell().part_names
    edges = [f"edge_{part}_{edge}" for part in parts for edge in range(_NUM_EDGES)]
    inputs = [f"inputs_node_{part}_{node}" for part in parts for node in _NODES_THAT_CHOOSE]
    return [PREFIX + name for name in (*edges, *inputs)]


class CategoryTable:
    """Turns codes of the DARTS cell into categories.

    Args:
        encoding: Category -> value in words (an operation, a pair of inputs such as
            ``"0_2"``, ``"#na#"``) -> the number that the surrogate was fitted with.
        source: The encoding in words, for messages.

    Raises:
        BenchmarkError: If a category or one of its values is missing, or is no number.
    """

    def __init__(self, encoding: Mapping[str, Mapping[str, int]], source: str) -> None:
        self._cell = _cell()
        operations = (UNUSED, *self._cell.operations)
        names = category_names()
        num_parts = len(self._cell.part_names)
        edges, inputs = names[: num_parts * _NUM_EDGES], names[num_parts * _NUM_EDGES :]
        # One row an edge: the number of an unused one, then those of the operations.
        self._edge_numbers = np.array([_numbers(encoding, e, operations, source) for e in edges])
        self._input_numbers = [
            _numbers(encoding, name, _pairs(node), source)
            for name, node in zip(inputs, [*_NODES_THAT_CHOOSE] * num_parts, strict=True)
        ]

    def __call__(self, codes: IntArray) -> npt.NDArray[np.int32]:
        """The ``n x 34`` categories of ``n x d`` codes, in the order of `category_names`.

        Example:
            >>> from ax_anasod import cells
            >>> words = [UNUSED, *cells.get("darts").operations]
            >>> encoding = {
            ...     name: {w: i for i, w in enumerate(words)}
            ...     if "edge" in name
            ...     else {f"{a}_{b}": 10 * a + b for b in range(5) for a in range(b)}
            ...     for name in category_names()
            ... }
            >>> CategoryTable(encoding, "an example")(np.zeros((1, 22), dtype=int))[0, 28:].tolist()
            [1, 1, 1, 1, 1, 1]
        """
        sources = self._cell.sources(codes)
        operations = np.asarray(codes)[:, : self._cell.num_blocks]
        num_parts = len(self._cell.part_names)
        first_edges = np.repeat(_FIRST_EDGES, 2)
        parts = _NUM_EDGES * np.arange(num_parts)[:, None]
        edges = sources + (first_edges + parts).ravel()
        categories = np.empty((len(sources), len(category_names())), dtype=np.int32)
        categories[:, : num_parts * _NUM_EDGES] = self._edge_numbers[:, 0]
        np.put_along_axis(categories, edges, self._edge_numbers[edges, 1 + operations], axis=1)
        for place, numbers in enumerate(self._input_numbers):
            chosen = np.asarray(codes)[:, self._cell.num_blocks + place]
            categories[:, num_parts * _NUM_EDGES + place] = numbers[chosen]
        return categories


def _cell() -> GenotypeCell:
    cell = cells.get("darts")
    if not isinstance(cell, GenotypeCell):
        raise TypeError(f"the cell 'darts' is a {type(cell).__name__}")
    return cell


def _pairs(node: int) -> list[str]:
    """The pairs of inputs of a node, in the order of its wiring choice."""
    return [f"{low}_{high}" for low, high in itertools.combinations(range(node), 2)]


def _numbers(
    encoding: Mapping[str, Mapping[str, int]],
    name: str,
    values: tuple[str, ...] | list[str],
    source: str,
) -> npt.NDArray[np.int32]:
    known = encoding.get(name)
    if not isinstance(known, Mapping):
        raise BenchmarkError(f"{source} has no category {name!r}")
    for value in values:
        number = known.get(value)
        if type(number) is not int or not 0 <= number <= _LARGEST:
            raise BenchmarkError(
                f"{source} gives no whole number from 0 to {_LARGEST:,} for {value!r} of the "
                f"category {name!r}"
            )
    return np.array([known[value] for value in values], dtype=np.int32)
