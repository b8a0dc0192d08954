"""What a search has found, as the first part of its page: value, drawing, and code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ax.core.experiment import Experiment

from ax_anasod import cells
from ax_anasod.analysis.page import Html, scrollable
from ax_anasod.analysis.search_summary import architecture_codes, progress
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.cells import Architecture, Cell, full_cell
from ax_anasod.cells.drawing import colours_of, draw_graph
from ax_anasod.escaping import for_html
from ax_anasod.plots import style

_IN_A_ROW: Final = (
    "Blocks are drawn in the order of their numbers: the cell does not say what its wiring means."
)


def result_part(
    experiment: Experiment,
    series: SearchSeries,
    row: int,
    *,
    called: str = "Best trial",
    unit: str = "",
    optimum: float | None = None,
) -> Html:
    """The best trial of a search.

    Args:
        experiment: The experiment.
        series: Its series.
        row: The row of the trial in it.
        called: What the trial is.
        unit: Unit of the first objective, e.g. ``"percent"``.
        optimum: The best possible value of the first objective.

    Returns:
        A section: its value with unit, and how far that is from the optimum; the architecture as a
        drawing and as a string; and the lines of Python that make it.
    """
    name, value = series.objectives[0], float(series.values[row, 0])
    known = "" if optimum is None else f", {style.gap_in_words(value, optimum, unit)}"
    codes = architecture_codes(experiment, series, row)
    about = [
        f"Trial {series.trial_indices[row]}{known}. Operations: {series.encoding_text(row)}. "
        f"Of {progress(experiment, series)}."
    ]
    if codes is not None and len(codes) > 1:
        about.append(f"This is the first of {len(codes)} layers, which differ.")
    architecture = None if codes is None else series.cell.architecture(codes[0])
    return found_part(called, f"{style.with_unit(value, unit)}", name, about, architecture)


def found_part(
    called: str,
    value: str,
    name: str,
    about: Sequence[str],
    architecture: Architecture | None,
) -> Html:
    """An architecture that was found, as a section.

    Args:
        called: The heading.
        value: Its value, with unit; empty where it has none.
        name: What the value is of.
        about: What else has to be said, a paragraph each.
        architecture: The architecture; None where it is not known.
    """
    parts = [f"<section class='result'>\n<h3>{for_html(called)}</h3>"]
    if value:
        shown = f"{for_html(value)} <small>{for_html(name)}</small>"
        parts.append(f"<div class='value'>{shown}</div>")
    parts += [f"<p>{for_html(sentence)}</p>" for sentence in about]
    if architecture is not None:
        cell = architecture.cell
        assert isinstance(cell, Cell)
        colours = colours_of(cell.operations)
        drawing = draw_graph(cell.graph(architecture), colours, str(architecture))
        if cell.wiring and not cell.graph_shows_wiring:
            parts.append(f"<p>{_IN_A_ROW}</p>")
        parts += [
            f"<div class='drawing' {scrollable('drawing of the architecture')}>{drawing}</div>",
            f"<div class='architecture'>{for_html(str(architecture))}</div>",
            f"<pre {scrollable('its code')}>{for_html(python_of(cell, str(architecture)))}</pre>",
        ]
    return Html("\n".join([*parts, "</section>"]))


def python_of(cell: Cell, architecture: str) -> str:
    """The lines of Python that make an architecture.

    Args:
        cell: Its cell.
        architecture: Its string.

    Example:
        >>> print(python_of(Cell("mine", operations=["a", "b"], num_blocks=2), "a|b"))
        from ax_anasod import Cell
        <BLANKLINE>
        cell = Cell(name='mine', operations=['a', 'b'], num_blocks=2, wiring=[], parts=1)
        architecture = cell.architecture('a|b')
        print(architecture.operations, architecture.wiring)
    """
    # What is ruled out of a space is no part of an architecture.
    whole = full_cell(cell)
    built_in = [name for name in cells.names() if cells.get(name) == whole]
    imported = "from ax_anasod import cells"
    if built_in:
        made = f"cells.get({built_in[0]!r})"
    elif type(whole) is Cell:
        imported = "from ax_anasod import Cell"
        made = f"Cell({', '.join(f'{k}={v!r}' for k, v in whole.arguments().items())})"
    else:
        made = f"cells.from_dict({whole.to_dict()!r})"
    return (
        f"{imported}\n\ncell = {made}\narchitecture = cell.architecture({architecture!r})\n"
        "print(architecture.operations, architecture.wiring)"
    )
