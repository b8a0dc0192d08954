"""One architecture as a value."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Architecture, Cell
from ax_anasod.exceptions import ArchitectureError, UnknownNameError

CELL = Cell("mine", ["conv", "skip"], num_blocks=3, wiring=[2])


def test_every_way_in_gives_the_same_value(cell: Cell, rng: np.random.Generator) -> None:
    code = cell.sample(1, rng)[0]
    architecture = cell.architecture(code)
    assert architecture == cell.architecture(str(architecture))
    assert architecture == Architecture(cell, architecture.operations, architecture.wiring)
    assert hash(architecture) == hash(cell.architecture(str(architecture)))
    assert architecture.code.tolist() == code.tolist()
    assert str(architecture) == cell.to_strings(code[None])[0]
    assert architecture.counts.tolist() == cell.encode(code[None])[0].tolist()
    assert architecture.fractions.sum() == pytest.approx(1.0)


def test_isomorphic_architectures_are_equal() -> None:
    cell = cells.get("nas-bench-graph")
    first = Architecture(cell, ("gcn", "gat", "fc", "fc"), (0,))
    second = Architecture(cell, ("fc", "gat", "fc", "gcn"), (0,))
    assert first == second
    assert str(first) == "gat|gcn|fc|fc@0,0,0,0"


def test_is_frozen() -> None:
    architecture = CELL.architecture([0, 1, 0, 1])
    with pytest.raises(FrozenInstanceError):
        architecture.wiring = (0,)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("operations", "wiring", "error", "message"),
    [
        (("conv", "skp", "conv"), (0,), UnknownNameError, "did you mean 'skip'"),
        (("conv", "skip"), (0,), ArchitectureError, "n x 4 integer array"),
        (("conv", "skip", "conv"), (), ArchitectureError, "n x 4 integer array"),
        (("conv", "skip", "conv"), (2,), ArchitectureError, "has 2 in column 3"),
    ],
)
def test_refuses_what_the_cell_cannot_hold(
    operations: tuple[str, ...], wiring: tuple[int, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Architecture(CELL, operations, wiring)


def test_refuses_invalid_architectures() -> None:
    cell = cells.get("nas-bench-graph")
    with pytest.raises(ArchitectureError, match="no valid architecture of cell 'nas-bench-graph'"):
        cell.architecture([8, 8, 8, 8, 0])
    with pytest.raises(ArchitectureError, match="no valid architecture"):
        cell.architecture("skip|skip|skip|skip@0,1,2,3")
