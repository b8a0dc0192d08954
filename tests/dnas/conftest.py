"""Cells whose architectures can be listed, and searches that take a fraction of a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ax_anasod import cells
from ax_anasod.cells import BlockGraph, Cell, NASNetCell
from ax_anasod.dnas import DistributionSearch, MethodConfig, method
from ax_anasod.dnas.edges import CellEdges, Probabilities
from ax_anasod.networks import NetworkConfig, published_config
from ax_anasod.training import (
    DataConfig,
    Hardware,
    ImageData,
    TrainingConfig,
    TrainingTask,
    load_data,
)

ROW = Cell("row", ["none", "skip_connect", "nor_conv_1x1"], num_blocks=2)
"""Nine architectures, four of which pass something on."""
WIRED = NASNetCell(["none", "skip_connect", "sep_conv_3x3"], num_nodes=2)
"""The second node reads two of three states: 243 architectures."""


class Parallel(Cell):
    """Two blocks beside each other, and one after them."""

    @property
    def block_graph(self) -> BlockGraph:  # type: ignore[override]
        return BlockGraph(("cell",), 1, (1, 1, 2), ((0,), (0,), (1,)), (2,))


PARALLEL = Parallel("parallel", ["skip_connect", "nor_conv_1x1"], num_blocks=3)


@pytest.fixture(scope="session")
def digits() -> ImageData:
    """60 digits, half of which the weights learn from."""
    return load_data(DataConfig("digits", images=60, validation=0.5))


@pytest.fixture(scope="session")
def task() -> TrainingTask:
    """Three steps an epoch of the smallest network."""
    cell = cells.get("nas-bench-201")
    return TrainingTask(
        cell=cell,
        data=DataConfig("digits", images=60, validation=0.5),
        network=published_config(cell, channels=4, cells=3),
        training=TrainingConfig(epochs=2, batch_size=10),
        hardware=Hardware("cpu"),
        layers="repeated",
    )


Search = Callable[..., DistributionSearch]


@pytest.fixture(scope="session")
def search(task: TrainingTask, digits: ImageData) -> Search:
    """Makes a search by a method, given by its name or as it is.

    ``cell``, ``training`` and ``hardware`` change the task; ``options`` the method.
    """

    def make(
        given: str | MethodConfig = "anasod-dnas",
        cell: Cell | None = None,
        training: dict[str, Any] | None = None,
        hardware: Hardware | None = None,
        options: dict[str, Any] | None = None,
        data: ImageData = digits,
        **arguments: Any,
    ) -> DistributionSearch:
        chosen = method(given) if isinstance(given, str) else given
        if chosen.update == "controller":
            chosen = chosen.with_options(controller_steps=2, draws=3)
        own = replace(task, training=task.training.with_options(**(training or {})))
        if cell is not None:
            own = replace(own, cell=cell, network=NetworkConfig(channels=4, cells=3))
        if hardware is not None:
            own = replace(own, hardware=hardware)
        return DistributionSearch(own, chosen.with_options(**(options or {})), data, **arguments)

    return make


def random_rows(edges: CellEdges, seed: int, closed: tuple[int, ...] = ()) -> Probabilities:
    """A distribution for each edge, none of which gives anything to the closed operations."""
    k = edges.cell.num_operations
    rows = np.random.default_rng(seed).dirichlet(np.ones(k), size=edges.num_edges)
    rows[:, list(closed)] = 0.0
    return rows / rows.sum(axis=1, keepdims=True)


def one_hot(edges: CellEdges, codes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """``n x E x k``: 1 for the operation of each block on its edge."""
    result = np.zeros((len(codes), edges.num_edges, edges.cell.num_operations))
    rows = np.arange(len(codes))[:, None]
    result[rows, edges.of(codes), codes[:, : edges.cell.num_blocks]] = 1.0
    return result
