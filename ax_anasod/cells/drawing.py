"""Cells and architectures as pictures: SVG that stands in a page as it is, without scripts.

Time flows from left to right; a column is a step of the longest path. An edge over several
columns bends around the blocks between them, as Sugiyama, Tagawa and Toda lay out graphs
("Methods for visual understanding of hierarchical system structures", 1981).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from ax_anasod.cells.graph import ZERO_OPERATIONS, BlockGraph, to_networkx
from ax_anasod.escaping import for_html

if TYPE_CHECKING:
    import networkx

# Eleven that colour-blind people tell apart as well (CARTO's Safe), then its Bold and Pastel.
_PALETTE: Final = (
    *("#88ccee", "#cc6677", "#ddcc77", "#117733", "#332288", "#aa4499", "#44aa99", "#999933"),
    *("#882255", "#661100", "#888888", "#7f3c8d", "#11a579", "#3969ac", "#f2b701", "#e73f74"),
    *("#80ba5a", "#e68310", "#008695", "#cf1c90", "#f97b72", "#a5aa99", "#66c5cc", "#f6cf71"),
    *("#f89c74", "#dcb0f2", "#87c55f", "#9eb9f3", "#fe88b1", "#c9db74", "#8be0a4", "#b497e7"),
    "#b3b3b3",
)
_CHARACTER: Final = 6.6  # average width of a letter, in pixels
_HEIGHT: Final = 24
_ROW, _LANE, _GAP, _PAD = 34, 14, 40, 8
# What is shown of a longer name; the whole of it is the tip of the box.
_LONGEST: Final = 16
# Rounds of ordering by neighbours, of which later ones change little.
_ROUNDS: Final = 8


def operation_colours(num_operations: int) -> list[str]:
    """Colours of the operations as ``#rrggbb``; safe for the colour-blind up to eleven."""
    return [_PALETTE[i % len(_PALETTE)] for i in range(num_operations)]


def architecture_html(
    text: str, cell: str, operations: Sequence[str], counts: Sequence[int], graph: networkx.DiGraph
) -> str:
    """The HTML of an architecture in a notebook: its string, its counts, and its picture.

    Args:
        text: The string of the architecture.
        cell: The name of the cell.
        operations: The operations of the cell.
        counts: How many blocks have each of them.
        graph: From :func:`ax_anasod.cells.graph.to_networkx`.
    """
    chips = [f"{n} × {name}" if n else "" for n, name in zip(counts, operations, strict=True)]
    picture = draw_graph(graph, colours_of(operations), text)
    return block_html(text, f"of the cell {cell}", _chips(operations, chips), picture)


def cell_html(title: str, facts: str, operations: Sequence[str], graph: BlockGraph) -> str:
    """The HTML of a cell in a notebook: its operations, its blocks, and all they may read.

    Args:
        title: What it is called.
        facts: A line about it.
        operations: The operations of the cell.
        graph: Its blocks.
    """
    return block_html(title, facts, _chips(operations, operations), draw_blocks(graph, title))


def block_html(title: str, facts: str, *parts: str) -> str:
    """A heading and a line of facts, as text, above parts that are HTML already."""
    return (
        f'<div style="font-family:system-ui,sans-serif"><p><strong>{for_html(title)}</strong><br/>'
        f"{for_html(facts)}</p>{''.join(parts)}</div>"
    )


def _chips(operations: Sequence[str], texts: Sequence[str]) -> str:
    """A text beside the colour of each operation; empty ones are left out."""
    chips = "".join(
        '<span style="margin-right:1em;white-space:nowrap">'
        f'<span style="color:{colour}">■</span> {for_html(text)}</span> '
        for text, colour in zip(texts, operation_colours(len(operations)), strict=True)
        if text
    )
    return f"<p>{chips}</p>"


def colours_of(operations: Sequence[str]) -> dict[str, str]:
    """Operation -> its colour, the same in all pictures of a cell."""
    return dict(zip(operations, operation_colours(len(operations)), strict=True))


def draw_blocks(graph: BlockGraph, title: str) -> str:
    """A cell without operations as SVG: numbered blocks, and all that each may read.

    Args:
        graph: Its blocks.
        title: What a screen reader says of the picture.

    Returns:
        An ``<svg>`` element.
    """
    import networkx as nx

    parts = len(graph.part_names)
    numbers = [str(number + 1) for number in range(parts * graph.blocks_per_part)]
    outputs = np.zeros((parts, graph.num_states), dtype=bool)
    outputs[:, list(graph.possible_outputs)] = True
    # Between them, graphs that each take another alternative have all edges.
    drawn = []
    for choice in range(max(map(len, graph.possible_sources))):
        read = [each[min(choice, len(each) - 1)] for each in graph.possible_sources]
        drawn.append(to_networkx(graph, numbers, np.array(read * parts), outputs))
    return draw_graph(nx.compose_all(drawn), {}, title)


def draw_graph(graph: networkx.DiGraph, colours: Mapping[str, str], title: str) -> str:
    """A graph of operations as SVG.

    Args:
        graph: From :func:`ax_anasod.cells.graph.to_networkx`.
        colours: Operation -> colour; what has none is a grey frame.
        title: What a screen reader says of the picture.

    Returns:
        An ``<svg>`` element, which fits the width that it is given. Parts of a cell lie below
        each other.
    """
    drawn, top, width = [], float(_PAD), 0.0
    for part in sorted({part for _, part in graph.nodes(data="part")}):
        nodes = [node for node, data in graph.nodes(data=True) if data["part"] == part]
        shapes, right, bottom = _draw_part(graph.subgraph(nodes), colours, top)
        drawn += shapes
        width, top = max(width, right), bottom + _PAD
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{for_html(title)}" '
        f'viewBox="0 0 {width:.0f} {top:.0f}" width="{width:.0f}" height="{top:.0f}" '
        'style="max-width:100%;height:auto" font-family="system-ui,sans-serif" font-size="12">'
        f"{''.join(drawn)}</svg>"
    )


def _draw_part(
    graph: networkx.DiGraph, colours: Mapping[str, str], top: float
) -> tuple[list[str], float, float]:
    """The shapes of one part, and where they end to the right and below."""
    columns, chains = _columns(graph)
    texts = {node: _short(graph.nodes[node]["operation"]) for node in graph.nodes}
    heights = [sum(_ROW if node in texts else _LANE for node in column) for column in columns]
    left, x, y, half = float(_PAD), dict[Hashable, float](), dict[Hashable, float](), {}
    for column, height in zip(columns, heights, strict=True):
        above = top + (max(heights) - height) / 2
        own = [texts[node] for node in column if node in texts]
        half_width = (_CHARACTER * max(map(len, own), default=1) + 16) / 2
        for node in column:
            own_height = _ROW if node in texts else _LANE
            x[node], y[node] = left + half_width, above + own_height / 2
            above += own_height
            half[node] = (_CHARACTER * len(texts[node]) + 16) / 2 if node in texts else half_width
        left += 2 * half_width + _GAP
    shapes = [_curve([(x[node], y[node], half[node]) for node in chain]) for chain in chains]
    for node, text in texts.items():
        operation = graph.nodes[node]["operation"]
        is_block = isinstance(node, int)
        shapes.append(_box(x[node], y[node], half[node], text, operation, colours, is_block))
    return shapes, left - _GAP + _PAD, top + max(heights)


def _columns(
    graph: networkx.DiGraph,
) -> tuple[list[list[Hashable]], list[list[Hashable]]]:
    """Columns of nodes in their order, and the chain of each edge through the columns.

    Between the ends of an edge over several columns a chain has a place in each of them, which
    is no node of the graph; edges from the same node go together as far as they can.
    """
    import networkx as nx

    columns: list[list[Hashable]] = [list(g) for g in nx.topological_generations(graph)]
    number = {node: i for i, column in enumerate(columns) for node in column}
    chains, layered = [], nx.Graph()
    for source, target in graph.edges:
        between = [(source, i) for i in range(number[source] + 1, number[target])]
        chain = [source, *between, target]
        for place in between:
            if place not in layered:
                columns[place[1]].append(place)
        nx.add_path(layered, chain)
        chains.append(chain)
    order = {node: float(i) for column in columns for i, node in enumerate(column)}
    for sweep in range(_ROUNDS):
        forward = sweep % 2 == 0
        # Each column by the one before it, and on the way back by the one behind it.
        steps = [*itertools.pairwise(columns)]
        pairs = steps if forward else [(after, column) for column, after in reversed(steps)]
        for beside, column in pairs:
            known, weight = {*beside}, {}
            for rank, node in enumerate(column):
                near = [order[other] for other in layered.adj.get(node, ()) if other in known]
                weight[node] = (sum(near) / len(near) if near else order[node], rank)
            column.sort(key=weight.__getitem__)
            middle = (len(column) - 1) / 2
            order.update({node: rank - middle for rank, node in enumerate(column)})
    return columns, chains


def _curve(points: Sequence[tuple[float, float, float]]) -> str:
    """An edge: level through each place, and bent between two."""
    (x, y, half), *others = points
    path, x = f"M{x + half:.1f} {y:.1f}", x + half
    for i, (next_x, next_y, half) in enumerate(others):
        end, bend = next_x - half, (next_x - half - x) / 2
        path += f"C{x + bend:.1f} {y:.1f} {end - bend:.1f} {next_y:.1f} {end:.1f} {next_y:.1f}"
        x, y = end, next_y
        if i < len(others) - 1:
            x = next_x + half
            path += f"H{x:.1f}"
    return f'<path d="{path}" fill="none" stroke="#8a8f98" stroke-width="1.3"/>'


def _box(
    x: float,
    y: float,
    half: float,
    text: str,
    operation: str,
    colours: Mapping[str, str],
    is_block: bool,
) -> str:
    """A node: blocks are coloured boxes, what goes in and out is plain text in a pale frame."""
    colour = colours.get(operation) if is_block else None
    fill = colour or ("#ffffff" if is_block else "#eef0f3")
    dashes = ' stroke-dasharray="4 3"' if operation in ZERO_OPERATIONS else ""
    return (
        f'<g><title>{for_html(operation)}</title><rect x="{x - half:.1f}" '
        f'y="{y - _HEIGHT / 2:.1f}" width="{2 * half:.1f}" height="{_HEIGHT}" rx="5" '
        f'fill="{fill}" stroke="#5c6370" stroke-width="{1 if is_block else 0.5}"{dashes}/>'
        f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" fill="{_ink(fill)}">'
        f"{for_html(text)}</text></g>"
    )


def _short(operation: str) -> str:
    return operation if len(operation) <= _LONGEST else operation[: _LONGEST - 1] + "…"


def _ink(fill: str) -> str:
    """Black or white, whichever stands out more from a colour (contrast as in WCAG 2)."""
    parts = [int(fill[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else math.pow((p + 0.055) / 1.055, 2.4) for p in parts]
    luminance = float(np.dot(linear, [0.2126, 0.7152, 0.0722]))
    return "#000000" if luminance > 0.179 else "#ffffff"
