from __future__ import annotations

import html
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.analysis.result_section import found_part, python_of
from ax_anasod.cells import Cell, RestrictedCell, constrained
from ax_anasod.plots import style
from ax_anasod.simplex import CountConstraint

SVG = "{http://www.w3.org/2000/svg}"


def drawing_of(part: str) -> ElementTree.Element:
    (svg,) = re.findall(r"<svg.*?</svg>", part, re.DOTALL)
    return ElementTree.fromstring(svg)


@pytest.mark.parametrize("name", cells.names())
def test_every_built_in_cell_is_drawn_and_made_again(name):
    cell = cells.get(name)
    architecture = cell.architecture(cell.sample(1, np.random.default_rng(0))[0])
    part = found_part("Best", "5 %", "error", ["found"], architecture)
    colours = dict(zip(cell.operations, style.operation_colours(cell.num_operations), strict=True))
    fills = [box.get("fill") for box in drawing_of(part).iter(f"{SVG}rect")]
    for operation, count in zip(cell.operations, architecture.counts, strict=True):
        assert fills.count(colours[operation]) == count
    assert html.escape(str(architecture)) in part
    assert "<div class='value'>5 % <small>error</small></div>" in part
    assert f"cells.get({cells.get(name).name!r})" in html.unescape(part)


@pytest.mark.parametrize("kind", ["own", "restricted", "constrained", "operations"])
def test_the_code_makes_the_architecture(kind):
    full = Cell("mine", operations=["conv", "it's"], num_blocks=3, wiring=[2], parts=1)
    cell = {
        "own": full,
        "restricted": RestrictedCell(full, full.enumerate()[:5]),
        "constrained": constrained(full, [CountConstraint((-1.0, 0.0), -1.0)]),
        "operations": cells.NASNetCell(["conv", "pool"], num_nodes=2, name="small"),
    }[kind]
    architecture = cell.architecture(cell.sample(1, np.random.default_rng(0))[0])
    made: dict[str, object] = {}
    exec(python_of(cell, str(architecture)).rpartition("\n")[0], made)
    assert str(made["architecture"]) == str(architecture)
    assert made["cell"] == cells.full_cell(cell)


def test_a_wiring_that_nobody_knows_is_said():
    for wiring, said in (([2], True), ([], False)):
        cell = Cell("mine", operations=["conv", "pool"], num_blocks=3, wiring=wiring)
        architecture = cell.architecture([0, 1, 0, *(0 for _ in wiring)])
        part = found_part("Best", "", "", [], architecture)
        assert ("the cell does not say what its wiring means" in part) == said


def test_names_do_nothing_in_the_page():
    cell = Cell("mine", operations=["<script>", "b"], num_blocks=2)
    part = found_part("<b>", "1", "<i>", ["<u>"], cell.architecture([0, 1]))
    assert not re.search("<(script|b|i|u)>", part)
