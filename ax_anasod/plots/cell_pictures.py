"""Cells as graphs: states as circles, operations as arrows whose colours say which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ax_anasod.cells import Cell
from ax_anasod.plots import style
from ax_anasod.plots.figure import new_figure
from ax_anasod.typing import Codes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# In inches: of a panel, and of the legend above all.
_WIDTH: Final = 6.0
_HEIGHT: Final = 3.4
_LEGEND: Final = 1.0


@dataclass(frozen=True)
class CellPanel:
    """One part of one sampled cell.

    Args:
        title: What it is.
        code: ``d``, the architecture.
        part: The number of the part.
    """

    title: str
    code: Codes
    part: int


def draw_cells(
    cell: Cell,
    panels: Sequence[Sequence[CellPanel]],
    operations: Mapping[int, str],
    title: str,
) -> Figure:
    """Draw architectures of a cell, a row for each sample, or one row for single panels.

    Args:
        cell: The cell.
        panels: For each sample, the panels that stand beside each other.
        operations: Number of an operation -> what the legend says of it.
        title: Title of the legend.
    """
    from matplotlib.lines import Line2D

    rows, columns = len(panels), len(panels[0])
    if columns == 1:
        rows, columns = columns, rows
    figure, _ = new_figure(rows=rows, columns=columns)
    figure.set_size_inches(_WIDTH * columns, _HEIGHT * rows + _LEGEND)
    colours = style.operation_colours(cell.num_operations)
    for axes, panel in zip(figure.axes, (each for row in panels for each in row), strict=True):
        _fill_cell(axes, cell, panel, colours)
    handles = [
        Line2D([], [], color=colours[i], linewidth=3, label=f"{words}  {cell.operations[i]}")
        for i, words in operations.items()
    ]
    figure.legend(
        handles=handles,
        title=title.replace("$", r"\$"),
        loc="outside upper center",
        ncols=2 * columns,
        frameon=False,
    )
    return figure


def _fill_cell(axes: Axes, cell: Cell, panel: CellPanel, colours: Sequence[str]) -> None:
    """Draw one part of an architecture: states as circles, operations as arrows."""
    graph, code = cell.block_graph, panel.code[None]
    first = panel.part * graph.blocks_per_part
    blocks = range(first, first + graph.blocks_per_part)
    sources, outputs = cell.sources(code)[0], cell.outputs(code)[0, panel.part]
    given = [state for state in graph.possible_outputs if outputs[state]]
    places = _places(graph.num_inputs, graph.num_states, joined=len(given) > 1)
    names = _names(graph.num_inputs, graph.num_states, given)
    seen: dict[tuple[int, int], int] = {}
    for block, target in zip(blocks, graph.targets, strict=True):
        ends = (int(sources[block]), target)
        beside = seen[ends] = seen.get(ends, -1) + 1
        operation = int(panel.code[block])
        nothing = cell.operations[operation] == "none"
        _arrow(axes, places, ends, colours[operation], beside, faint=nothing)
    if len(given) > 1:
        names[graph.num_states] = "out"
        for state in given:
            _arrow(axes, places, (state, graph.num_states), style.GREY, 0, faint=True)
    for state, name in names.items():
        axes.plot(*places[state], "o", color="white", markeredgecolor="black", markersize=20)
        axes.annotate(name, places[state], ha="center", va="center", fontsize=8)
    axes.set_title(panel.title, loc="left", fontsize=11, fontweight="bold")
    axes.set_ylim(-1.15, 1.15)
    axes.set_xlim(-0.5, max(x for x, _ in places.values()) + 0.5)
    axes.axis("off")


def _places(inputs: int, states: int, *, joined: bool) -> dict[int, tuple[float, float]]:
    """The place of each state: from left to right, in turns above and below the middle."""
    places = {}
    for state in range(inputs):
        places[state] = (0.0, 0.0 if inputs == 1 else 0.3 - 0.6 * state / (inputs - 1))
    for step, state in enumerate(range(inputs, states), start=1):
        is_last = state == states - 1 and not joined
        places[state] = (float(step), 0.0 if is_last else 0.8 if step % 2 else -0.8)
    if joined:
        places[states] = (states - inputs + 1.0, 0.0)
    return places


def _names(inputs: int, states: int, given: Sequence[int]) -> dict[int, str]:
    names = {state: "in" if inputs == 1 else f"in {state + 1}" for state in range(inputs)}
    names |= {state: str(state - inputs + 1) for state in range(inputs, states)}
    if len(given) == 1:
        names[given[0]] = "out"
    return names


def _arrow(
    axes: Axes,
    places: Mapping[int, tuple[float, float]],
    ends: tuple[int, int],
    colour: str,
    beside: int,
    *,
    faint: bool,
) -> None:
    """An arrow between two states; further ones between the same states bend more."""
    start, end = places[ends[0]], places[ends[1]]
    # Towards the middle, so that it passes no other state.
    inwards = 1 if start[1] + end[1] >= 0 else -1
    bend = inwards * (0.2 + 0.2 * beside)
    axes.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={
            "arrowstyle": "-|>",
            "color": colour,
            "linewidth": 1.0 if faint else 2.4,
            "linestyle": ":" if faint else "-",
            "connectionstyle": f"arc3,rad={bend}",
            "shrinkA": 11,
            "shrinkB": 11,
        },
    )
