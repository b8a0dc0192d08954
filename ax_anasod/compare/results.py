"""What the runs of a comparison have found, trial by trial."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from ax_anasod.compare.folder import Run
from ax_anasod.compare.plan import COLUMNS, SECONDS, Plan
from ax_anasod.escaping import for_csv
from ax_anasod.journal import Completed
from ax_anasod.objectives import COST, Objective


def results_frame(plan: Plan, runs: Iterable[Run]) -> pd.DataFrame:
    """One row for each ended trial, in the order of the runs.

    Args:
        plan: The plan.
        runs: The runs, as they are.

    Returns:
        Columns ``strategy``, ``seed``, ``trial``, ``value`` (NaN where the trial failed),
        ``incumbent`` (the best value so far), ``cost_seconds`` (simulated cost of this trial,
        NaN where unknown), one for each reported quantity (its value of the incumbent; see
        :attr:`Plan.columns`), and ``seconds`` (wall time).
    """
    names = [quantity.name for quantity in plan.reported]
    rows = [row for run in runs for row in _rows(plan.objective, names, run)]
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


def _rows(searched: Objective, reported: list[str], run: Run) -> list[tuple[Any, ...]]:
    objective, best = searched.name, None
    rows = []
    for end in (record.end for record in run.records):
        if end is None:
            continue
        completed = end if isinstance(end, Completed) else None
        # The earlier one where two tie.
        if completed is not None and (
            best is None
            or searched.sign * completed.values[objective] < searched.sign * best.values[objective]
        ):
            best = completed
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
