"""Cells of which only some architectures exist."""

from __future__ import annotations

import base64
import json
import zlib

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.exceptions import ArchitectureError, CellError, EncodingError

WHOLE = Cell("whole", ["a", "b", "c"], num_blocks=4, wiring=[2])
CODES = WHOLE.enumerate()[[3, 8, 8, 40, 77, 121]]
CELL = RestrictedCell(WHOLE, CODES)


def test_holds_the_given_architectures_once() -> None:
    assert CELL.size == 5
    assert CELL.enumerate().tolist() == np.unique(CODES, axis=0).tolist()
    everything = WHOLE.enumerate()
    present = [row in CODES.tolist() for row in everything.tolist()]
    assert CELL.is_valid(everything).tolist() == present
    assert "5 architectures" in repr(CELL)


def test_its_list_cannot_be_changed_from_outside() -> None:
    CELL.enumerate()[:] = 0
    assert CELL.enumerate().tolist() == np.unique(CODES, axis=0).tolist()


def test_strings_and_neighbours_are_limited_to_what_exists() -> None:
    missing = WHOLE.to_strings(WHOLE.enumerate()[:1])
    with pytest.raises(ArchitectureError):
        CELL.from_strings(missing)
    half = RestrictedCell(WHOLE, WHOLE.enumerate()[::2])
    code = half.enumerate()[5]
    expected = WHOLE.neighbours(code)
    assert half.neighbours(code).tolist() == expected[half.is_valid(expected)].tolist()


def test_refuses_encodings_of_nothing_that_exists() -> None:
    only = RestrictedCell(WHOLE, WHOLE.from_strings(["a|a|b|b@0"]))
    with pytest.raises(EncodingError):
        only.decode([[4, 0, 0]], np.random.default_rng(0))
    with pytest.raises(EncodingError, match=r"restricted cell 'whole' .* \[1.0, 0.0, 0.0\]"):
        only.decode([[0.5, 0.5, 0], [1.0, 0, 0]], np.random.default_rng(0), "categorical")


def test_parts_lose_their_tie() -> None:
    darts = cells.get("darts")
    codes = darts.sample(20, np.random.default_rng(0))
    cell = RestrictedCell(darts, codes)
    assert (cell.parts, cell.total) == (1, 16)
    counts = cell.encode(codes)
    assert (cell.encode(cell.decode(counts, np.random.default_rng(1))) == counts).all()
    architecture = cell.architecture(codes[0])
    assert str(architecture) == str(darts.architecture(codes[0]))
    graph = cell.graph(architecture)
    assert dict(graph.nodes(data=True)) == dict(
        darts.graph(darts.architecture(codes[0])).nodes(data=True)
    )


def test_isomorphic_codes_count_once() -> None:
    whole = cells.get("nas-bench-graph")
    members = whole.members(whole.from_strings(["gcn|gat|fc|sage@0,0,0,0"])[0])
    assert len(members) == 24
    cell = RestrictedCell(whole, members)
    assert cell.size == 1
    assert cell.is_valid(members).all()


def test_restricting_twice_keeps_the_full_cell() -> None:
    twice = RestrictedCell(CELL, CELL.enumerate()[:2])
    assert twice.base is WHOLE
    assert twice.size == 2
    with pytest.raises(ArchitectureError):
        RestrictedCell(CELL, WHOLE.enumerate()[:1])


def test_equality() -> None:
    assert RestrictedCell(WHOLE, CODES[::-1]) == CELL
    assert hash(RestrictedCell(WHOLE, CODES[::-1])) == hash(CELL)
    assert RestrictedCell(WHOLE, CODES[1:]) != CELL
    assert CELL != WHOLE


def test_refuses_nothing_and_nonsense() -> None:
    with pytest.raises(CellError):
        RestrictedCell(WHOLE, np.zeros((0, 5), dtype=int))
    with pytest.raises(ArchitectureError, match=r"\[8, 8, 8, 8, 0\] \(row 1\)"):
        RestrictedCell(cells.get("nas-bench-graph"), [[0, 0, 0, 0, 0], [8, 8, 8, 8, 0]])


def test_storage_is_small() -> None:
    whole = cells.get("nas-bench-201")
    cell = RestrictedCell(whole, whole.enumerate()[::2])
    stored = json.dumps(cell.to_dict())
    assert len(stored) < 8 * cell.size
    assert cells.from_dict(json.loads(stored)) == cell


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"codes": damage}, r"codes of cell 'whole' are damaged")
        for damage in ("", "!!!", "AAAA", base64.b64encode(zlib.compress(bytes(2**25))).decode())
    ]
    + [
        ({"codes": 7}, "codes = 7, not a text"),
        ({"cell": "whole"}, "cell = 'whole', not an object"),
        ({"cell": CELL.to_dict()}, "another one in the place of a full cell"),
    ],
)
def test_refuses_damaged_storage(damage: dict[str, object], message: str) -> None:
    with pytest.raises(CellError, match=message):
        cells.from_dict({**CELL.to_dict(), **damage})
    with pytest.raises(CellError):
        cells.from_dict({"type": "RestrictedCell", "cell": WHOLE.to_dict()})
