"""Cells whose networks are built, and networks that cost little."""

from __future__ import annotations

import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell, NASNetCell
from ax_anasod.networks import NetworkConfig


@pytest.fixture(scope="session", params=["nasnet", "darts", "nas-bench-201"])
def image_cell(request) -> Cell:
    """Every built-in cell that describes networks of images."""
    return cells.get(request.param)


@pytest.fixture(scope="session")
def small_nasnet() -> Cell:
    """Four blocks, all operations of the open domain."""
    return NASNetCell(num_nodes=2)


@pytest.fixture(scope="session")
def small() -> NetworkConfig:
    """The smallest network that has a normal cell and both reductions."""
    return NetworkConfig(channels=4, cells=3, num_classes=5)
