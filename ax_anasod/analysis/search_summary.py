"""The results of a search: its tables, and the first part of its page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, final

import numpy as np
import pandas as pd
from ax.core.arm import Arm
from ax.core.experiment import Experiment

from ax_anasod import cells
from ax_anasod.analysis.applicability import CardInput, SeriesTable, Table
from ax_anasod.analysis.page import Html, scrollable
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.cells import Architecture, Cell, full_cell
from ax_anasod.cells.drawing import colours_of, draw_graph
from ax_anasod.core import SEARCH_SPACES, RunProperties
from ax_anasod.core.architectures import codes_of, recorded_codes
from ax_anasod.escaping import for_html
from ax_anasod.journal import BETWEEN_LAYERS
from ax_anasod.metadata import column_names
from ax_anasod.objectives import COST
from ax_anasod.plots import style
from ax_anasod.typing import Codes, Indices

_IN_A_ROW: Final = (
    "Blocks are drawn in the order of their numbers: the cell does not say what its wiring means."
)


@final
class SearchSummary(SeriesTable):
    """The best trial of a search, or its Pareto front where there are several objectives.

    The DataFrame computed has one row per best trial, see :func:`trials_frame`.
    """

    def tabulate(self, searched: CardInput) -> Table:
        """Make the table."""
        experiment, series = searched.experiment, searched.series
        front = series.pareto_front()
        several = len(series.objectives) > 1
        return Table(
            title="Pareto front" if several else "Best trial",
            subtitle=f"{_chosen(series, len(front))}, of {progress(experiment, series)}.",
            frame=trials_frame(experiment, series, front).dropna(axis=1, how="all"),
        )


@final
class TrialTable(SeriesTable):
    """All trials with what was measured of them and their architectures.

    The DataFrame computed has one row per trial, see :func:`trials_frame`, with ``status`` and
    ``proposed_by``, the node of the strategy.
    """

    needs_values = False

    def tabulate(self, searched: CardInput) -> Table:
        """Make the table."""
        experiment, series = searched.experiment, searched.series
        frame = trials_frame(experiment, series, np.arange(series.num_trials))
        frame.insert(1, "status", series.statuses)
        frame["proposed_by"] = series.nodes
        return Table(
            title="Trials",
            subtitle=f"{progress(experiment, series)}.",
            frame=frame.dropna(axis=1, how="all"),
        )


def trials_frame(experiment: Experiment, series: SearchSeries, rows: Indices) -> pd.DataFrame:
    """A table of the chosen trials.

    Args:
        experiment: The experiment.
        series: Its series.
        rows: Rows of the series.

    Returns:
        One row per trial: ``trial_index``, each metric that was measured (objectives first;
        ``value(encoding)`` and so on, where one has the name of another column), the parameters
        beside the cell, ``encoding`` (the operation counts), ``architecture`` (the benchmark's own
        string) and ``cost_seconds`` (where the runner or the benchmark told it).
    """
    data = experiment.lookup_data().df
    measured: dict[tuple[int, str], dict[str, float]] = {}
    told = zip(
        data["trial_index"], data["arm_name"], data["metric_name"], data["mean"], strict=True
    )
    for index, arm, metric, value in told:
        measured.setdefault((index, arm), {})[metric] = value
    metrics = dict.fromkeys((*series.objectives, *data["metric_name"]))
    own = SEARCH_SPACES[series.space].from_cell(series.cell).names
    records = []
    for row in rows.tolist():
        index = int(series.trial_indices[row])
        values = measured.get((index, _arm(experiment, series, row).name), {})
        values |= dict(zip(series.objectives, series.values[row].tolist(), strict=True))
        beside = {name: v for name, v in series.parameters[row].items() if name not in own}
        described = {
            **beside,
            "encoding": series.encoding_text(row),
            "architecture": architecture_text(experiment, series, row),
            COST: cost_seconds(experiment, index),
        }
        columns = column_names(metrics, ("trial_index", "status", "proposed_by", *described))
        named = {columns[name]: values.get(name, np.nan) for name in metrics}
        records.append({"trial_index": index, **named, **described})
    return pd.DataFrame(records)


def architecture_text(experiment: Experiment, series: SearchSeries, row: int) -> str | None:
    """The string of a trial's architecture: the one recorded with it, or drawn for it.

    Args:
        experiment: The experiment.
        series: Its series.
        row: The row of the trial in the series.

    Returns:
        The benchmark's string; None where a drawn architecture cannot be drawn again,
        because the experiment does not hold the seed of the run.
    """
    codes = architecture_codes(experiment, series, row)
    return None if codes is None else BETWEEN_LAYERS.join(series.cell.to_strings(codes))


def architecture_codes(experiment: Experiment, series: SearchSeries, row: int) -> Codes | None:
    """The :func:`architecture_text` of codes ``1 x d``, or of one row for each layer."""
    trial, arm = experiment.trials[int(series.trial_indices[row])], _arm(experiment, series, row)
    properties = RunProperties.read(experiment)
    if properties is None:
        return recorded_codes(trial, arm, series.cell)
    return codes_of(trial, arm, series.cell, properties.seed)


def _arm(experiment: Experiment, series: SearchSeries, row: int) -> Arm:
    arms = experiment.trials[int(series.trial_indices[row])].arms
    return next(arm for arm in arms if arm.parameters == series.parameters[row])


def cost_seconds(experiment: Experiment, trial_index: int) -> float:
    """The cost of a trial in seconds, as its runner told it; NaN where it did not."""
    cost = experiment.trials[trial_index].run_metadata.get("cost_seconds")
    return np.nan if cost is None else float(cost)


def _chosen(series: SearchSeries, number: int) -> str:
    """The choice of the trials in the table, in words."""
    names = ", ".join(series.objectives)
    if len(series.objectives) == 1:
        return f"The trial with the best {names}"
    values = "The value" if number == 1 else f"The {number} values"
    return f"{values} of {names} that no other dominates, each with its first trial"


def progress(experiment: Experiment, series: SearchSeries) -> str:
    """The number of trials of each status, and their total cost."""
    by_status = ", ".join(f"{n} {status}" for status, n in Counter(series.statuses).most_common())
    costs = [cost_seconds(experiment, index) for index in experiment.trials]
    total = np.nansum(costs)
    trials = "1 trial" if series.num_trials == 1 else f"{series.num_trials} trials"
    text = f"{trials} ({by_status})"
    return f"{text} that cost {total:,.0f} seconds" if total > 0 else text


def result_part(
    experiment: Experiment,
    series: SearchSeries,
    row: int,
    *,
    called: str = "Best trial",
    units: Mapping[str, str],
    optimum: float | None = None,
) -> Html:
    """The best trial of a search, or the one that is picked of its front.

    Args:
        experiment: The experiment.
        series: Its series.
        row: The row of the trial in it.
        called: What the trial is.
        units: Objective -> its unit, e.g. ``"percent"``.
        optimum: The best possible value of the first objective.

    Returns:
        A section: its value with unit, and how far that is from the optimum or, of several
        objectives, the values of the others; the architecture as a drawing and as a string; and the
        lines of Python that make it.
    """
    values = dict(zip(series.objectives, series.values[row].tolist(), strict=True))
    texts = {o: style.with_unit(value, units.get(o) or "") for o, value in values.items()}
    name, *others = series.objectives
    if others:
        known = ", with " + " and ".join(f"{other} {texts[other]}" for other in others)
    elif optimum is None:
        known = ""
    else:
        known = f", {style.gap_in_words(values[name], optimum, units.get(name) or '')}"
    codes = architecture_codes(experiment, series, row)
    about = [
        f"Trial {series.trial_indices[row]}{known}. Operations: {series.encoding_text(row)}. "
        f"Of {progress(experiment, series)}."
    ]
    if codes is not None and len(codes) > 1:
        about.append(f"This is the first of {len(codes)} layers, which differ.")
    architecture = None if codes is None else series.cell.architecture(codes[0])
    return found_part(called, texts[name], name, about, architecture)


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
