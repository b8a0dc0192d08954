"""Cells of every kind that the tests of this room share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from ax_anasod import cells
from ax_anasod.cells import Cell, NASNetCell, RestrictedCell, register_cell


@register_cell
class MirrorCell(Cell):
    """A cell in which a code and its mirror image are the same, and all zeros is invalid."""

    def is_valid(self, codes: ArrayLike) -> NDArray[np.bool_]:
        return (self.validate_codes(codes)[:, : self.num_blocks] != 0).any(axis=1)

    def canonical(self, codes: ArrayLike) -> NDArray[np.int64]:
        codes = self.validate_codes(codes)
        mirrored = codes.copy()
        mirrored[:, : self.num_blocks] = codes[:, self.num_blocks - 1 :: -1]
        smaller = self.pack(mirrored) < self.pack(codes)
        return np.where(smaller[:, None], mirrored, codes)


def restricted_plain() -> Cell:
    whole = Cell("whole", ["a", "b", "c"], num_blocks=4)
    return RestrictedCell(whole, whole.sample(30, np.random.default_rng(5)))


def restricted_two_parts() -> Cell:
    whole = Cell("whole", ["a", "b"], num_blocks=4, wiring=[3], parts=2)
    return RestrictedCell(whole, whole.enumerate()[::3])


SMALL: dict[str, Callable[[], Cell]] = {
    "plain": lambda: Cell("plain", ["a", "b", "c"], num_blocks=4),
    "wired": lambda: Cell("wired", ["a", "b"], num_blocks=3, wiring=[2, 3]),
    "two_parts": lambda: Cell("two parts", ["a", "b", "c"], num_blocks=4, wiring=[2], parts=2),
    "mirror": lambda: MirrorCell("mirror", ["zero", "one", "two"], num_blocks=4, wiring=[2]),
    "mirror_two_parts": lambda: MirrorCell("mirror 2", ["zero", "one"], num_blocks=6, parts=2),
    "genotype": lambda: NASNetCell(["skip", "conv"], num_nodes=2),
    "restricted": restricted_plain,
    "restricted_two_parts": restricted_two_parts,
}
LARGE: dict[str, Callable[[], Cell]] = {
    name: lambda name=name: cells.get(name)  # type: ignore[misc]
    for name in cells.names()
} | {"wide": lambda: Cell("wide", [f"op {i}" for i in range(12)], num_blocks=40, wiring=[300])}


@pytest.fixture(params=SMALL)
def small_cell(request: pytest.FixtureRequest) -> Cell:
    """Cells whose architectures can be listed in no time."""
    return SMALL[request.param]()


@pytest.fixture(params={**SMALL, **LARGE})
def cell(request: pytest.FixtureRequest) -> Cell:
    """Cells of every kind, the built-in ones included."""
    return {**SMALL, **LARGE}[request.param]()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240)
