"""The results of the runs of a comparison, trial by trial."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from ax_anasod.compare.comparison_folder import Run
from ax_anasod.compare.comparison_plan import COLUMNS, SECONDS, Plan
from ax_anasod.escaping import for_csv
from ax_anasod.journal import Completed
from ax_anasod.objectives import COST


def results_frame(plan: Plan, runs: Iterable[Run]) -> pd.DataFrame:
    """One row for each ended trial, in the order of the runs.

    Args:
        plan: The plan.
        runs: The runs, as they are.

    Returns:
        Columns ``strategy``, ``seed``, ``trial``, ``value`` (NaN where the trial failed),
        ``incumbent`` (the best value so far that keeps the limits), ``cost_seconds`` (simulated
        cost of this trial, NaN where unknown), one for each reported quantity (its value of the
        incumbent; see :attr:`Plan.columns`), and ``seconds`` (wall time). With several objectives
        ``incumbent`` is the share of the hypervolume so far, ``value`` by how much the trial has
        raised it, and the objectives have columns, too: these and reported quantities are those
        of the trial itself.
    """
    names = [quantity.name for quantity in plan.recorded]
    of_run = _rows if plan.front is None else _front_rows
    rows = [row for run in runs for row in of_run(plan, names, run)]
    own = plan.columns.values()
    columns = [*COLUMNS, *own, SECONDS]
    frame = pd.DataFrame.from_records(rows, columns=columns)
    numbers = dict.fromkeys(("value", "incumbent", COST, *own, SECONDS), np.float64)
    return frame.astype({"seed": np.int64, "trial": np.int64, **numbers})


def to_csv(results: pd.DataFrame) -> str:
    """The content of ``results.csv``: all digits, empty where there is no value.

    Wall times are left out: the file of a comparison is the same on every machine.
    """
    return csv_text(results.drop(columns=SECONDS))


def csv_text(frame: pd.DataFrame) -> str:
    """A table as the text of a CSV file, in which no name is a formula."""
    texts = frame.select_dtypes(exclude="number")
    shown = frame.assign(**{str(name): texts[name].map(for_csv) for name in texts})
    return str(shown.rename(columns=for_csv).to_csv(index=False, lineterminator="\n"))


def curves(results: pd.DataFrame, label: str, column: str, trials: int) -> pd.DataFrame:
    """One column of the finished runs of a contender.

    Args:
        results: From :func:`results_frame`.
        label: The contender.
        column: The column.
        trials: How many trials a finished run has.

    Returns:
        A row for each seed with a finished run and a column for each trial,
        ``seeds x trials``.
    """
    rows = results[results["strategy"] == label]
    table = rows.pivot(index="seed", columns="trial", values=column)
    ended = rows.groupby("seed").size()
    return table.loc[ended.index[ended >= trials]].reindex(columns=range(trials))


def _front_rows(plan: Plan, recorded: list[str], run: Run) -> list[tuple[Any, ...]]:
    front = plan.front
    assert front is not None  # who calls has looked
    ends = [record.end for record in run.records if record.end is not None]
    nowhere = (math.inf,) * len(front.objectives)
    shares = front.shares([front.point(e.values) if plan.counts(e) else nowhere for e in ends])
    growth = np.diff(shares, prepend=0.0)
    return [
        (
            run.label,
            run.seed,
            end.trial,
            grown if isinstance(end, Completed) else None,
            share,
            end.cost_seconds if isinstance(end, Completed) else None,
            *(end.values[name] if isinstance(end, Completed) else None for name in recorded),
            end.seconds,
        )
        for end, share, grown in zip(ends, shares.tolist(), growth.tolist(), strict=True)
    ]


def _rows(plan: Plan, reported: list[str], run: Run) -> list[tuple[Any, ...]]:
    searched, best = plan.objective, None
    objective = searched.name
    rows = []
    for end in (record.end for record in run.records):
        if end is None:
            continue
        completed = end if isinstance(end, Completed) else None
        # The earlier one where two tie.
        if plan.counts(end) and (
            best is None
            or searched.sign * end.values[objective] < searched.sign * best.values[objective]
        ):
            best = end
        rows.append(
            (
                run.label,
                run.seed,
                end.trial,
                None if completed is None else completed.values[objective],
                None if best is None else best.values[objective],
                None if completed is None else completed.cost_seconds,
                *(None if best is None else best.values[name] for name in reported),
                end.seconds,
            )
        )
    return rows
