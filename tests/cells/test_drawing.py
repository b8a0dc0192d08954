from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.cells.drawing import colours_of, draw_graph

SVG = "{http://www.w3.org/2000/svg}"


def svg_of(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(re.search("<svg.*</svg>", html)[0])


def boxes(svg: ElementTree.Element) -> list[tuple[str, str, float, float, float, float]]:
    """Tip, colour and place of each box: left, top, right, bottom."""
    found = []
    for group in svg.iter(f"{SVG}g"):
        box = group.find(f"{SVG}rect")
        x, y, w, h = (float(box.get(name)) for name in ("x", "y", "width", "height"))
        found.append((group.find(f"{SVG}title").text, box.get("fill"), x, y, x + w, y + h))
    return found


@pytest.mark.parametrize("name", cells.names())
def test_each_block_is_a_box_of_its_operation_and_none_covers_another(name: str) -> None:
    cell = cells.get(name)
    colours = colours_of(cell.operations)
    for code in cell.sample(3, np.random.default_rng(0)):
        architecture = cell.architecture(code)
        svg = svg_of(architecture._repr_html_())
        drawn = boxes(svg)
        coloured = sorted((tip, fill) for tip, fill, *_ in drawn if tip in colours)
        assert coloured == sorted((o, colours[o]) for o in architecture.operations)
        for (*_, left, top, right, bottom), (*_, x, y, x2, y2) in itertools.combinations(drawn, 2):
            assert right <= x or x2 <= left or bottom <= y or y2 <= top
        width, height = (float(svg.get(side)) for side in ("width", "height"))
        for *_, left, top, right, bottom in drawn:
            assert left >= 0 and top >= 0 and right <= width and bottom <= height  # noqa: PT018


@pytest.mark.parametrize("name", cells.names())
def test_edges_lead_from_left_to_right_between_their_boxes(name: str) -> None:
    cell = cells.get(name)
    graph = cell.graph(cell.architecture(cell.sample(1, np.random.default_rng(1))[0]))
    svg = ElementTree.fromstring(draw_graph(graph, {}, "x"))
    paths = [path.get("d") for path in svg.iter(f"{SVG}path")]
    assert len(paths) == graph.number_of_edges()
    ends = {(left, (top + bottom) / 2) for _, _, left, top, _, bottom in boxes(svg)}
    starts = {(right, (top + bottom) / 2) for _, _, _, top, right, bottom in boxes(svg)}
    near = {(round(x), round(y)) for x, y in ends}, {(round(x), round(y)) for x, y in starts}
    for path in paths:
        numbers = [float(number) for number in re.findall(r"[\d.]+", path)]
        first, last = numbers[:2], numbers[-2:]
        assert first[0] < last[0]
        assert min(abs(last[0] - x) + abs(last[1] - y) for x, y in near[0]) < 3
        assert min(abs(first[0] - x) + abs(first[1] - y) for x, y in near[1]) < 3


def test_names_are_text_and_no_markup() -> None:
    evil = '<script>alert("1")</script>'
    cell = Cell("<b>&", operations=[evil, "a&b"], num_blocks=3)
    architecture = cell.architecture(f"{evil}|a&b|{evil}")
    for html in (cell._repr_html_(), architecture._repr_html_()):
        assert "<script" not in html
        assert "<b>" not in html
        ElementTree.fromstring(f"<x>{html}</x>")
    assert [tip for tip, *_ in boxes(svg_of(architecture._repr_html_()))].count(evil) == 2


def test_reprs_are_one_short_line() -> None:
    cell = Cell("mine", operations=["conv", "skip"], num_blocks=3, wiring=[2])
    assert repr(cell) == "Cell('mine': 3 blocks of conv | skip, wiring 2)"
    assert repr(cell.architecture("conv|skip|conv@1")) == (
        "Architecture('conv|skip|conv@1' of 'mine')"
    )


def test_a_cell_has_all_that_its_blocks_may_read() -> None:
    cell = cells.get("darts")
    svg = svg_of(cell._repr_html_())
    assert [tip for tip, *_ in boxes(svg)].count("16") == 1
    possible = cell.block_graph.possible_sources
    edges = len([*svg.iter(f"{SVG}path")])
    assert edges > 2 * sum(map(len, possible))
