"""The pictures of a comparison: incumbents against queries and against simulated time.

They show mean curves of the contenders with their standard errors.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from ax_anasod.compare.comparison_plan import Plan
from ax_anasod.compare.run_results import curves
from ax_anasod.exceptions import OptionError
from ax_anasod.objectives import COST, Objective
from ax_anasod.plots import style
from ax_anasod.plots.figure import new_figure, plain_text, save
from ax_anasod.plots.mean_curve import MeanCurve, count_in_plain_numbers, draw_mean_curves
from ax_anasod.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LONGEST_STEM: Final = 100
_TIMES: Final = 200


def write_comparison_pictures(plan: Plan, results: pd.DataFrame, directory: Path) -> list[Path]:
    """Draw all pictures of a comparison into its folder.

    ``incumbent_queries.png``; ``incumbent_cost.png`` where some contender screens a cheap column
    first; ``incumbent_seconds.png`` where the data has costs; and
    ``incumbent_<column>.png`` for each reported quantity: its value of the incumbent, which
    was chosen without it. Where two columns would share a name, a number tells them apart.

    Args:
        plan: The plan.
        results: From :func:`ax_anasod.compare.run_results.results_frame`.
        directory: The folder.

    Returns:
        The paths of the pictures.

    Raises:
        RunError: A picture cannot be written.
    """
    figures = {"incumbent_queries": draw_queries(plan, results)}
    if plan.screens:
        figures["incumbent_cost"] = draw_cost(plan, results)
    if results["cost_seconds"].notna().any():
        figures["incumbent_seconds"] = draw_seconds(plan, results)
    for quantity in plan.reported:
        column = plan.columns[quantity.name]
        figures[_free_stem(quantity.name, figures)] = draw_queries(plan, results, column)
    paths = [directory / f"{name}.png" for name in figures]
    for path, figure in zip(paths, figures.values(), strict=True):
        save(figure, path)
    return paths


def _free_stem(name: str, taken: Collection[str]) -> str:
    """The name of the picture of a reported quantity, unlike those of others."""
    stem = "incumbent_" + re.sub(r"[^\w-]+", "_", name)[:_LONGEST_STEM]
    # Some file systems do not tell small letters from capitals.
    folded = {other.casefold() for other in taken}
    numbered = (f"{stem}_{number}" for number in itertools.count(2))
    return next(s for s in itertools.chain([stem], numbered) if s.casefold() not in folded)


def draw_queries(plan: Plan, results: pd.DataFrame, column: str = "incumbent") -> Figure:
    """The incumbents against the number of queries.

    Args:
        plan: The plan.
        results: From :func:`ax_anasod.compare.run_results.results_frame`.
        column: ``"incumbent"``, or the column of a reported quantity.
    """
    figure, axes = new_figure()
    fill_queries(axes, plan, results, column)
    return figure


def draw_seconds(plan: Plan, results: pd.DataFrame) -> Figure:
    """The incumbents against the simulated cost so far.

    Args:
        plan: The plan.
        results: From :func:`ax_anasod.compare.run_results.results_frame`.
    """
    figure, axes = new_figure()
    fill_seconds(axes, plan, results)
    return figure


def draw_cost(plan: Plan, results: pd.DataFrame) -> Figure:
    """The incumbents against what was spent, screening included; arguments as above."""
    figure, axes = new_figure()
    curves = {}
    for contender in plan.contenders:
        curve = over_queries(results, contender.label, "incumbent", contender.trials)
        curves[contender.label] = curve and replace(curve, x=curve.x + contender.spent_before)
    draw_mean_curves(axes, curves, plan.objective, plan.subject, "cost [evaluations]")
    count_in_plain_numbers(axes)
    return figure


def fill_queries(axes: Axes, plan: Plan, results: pd.DataFrame, column: str = "incumbent") -> None:
    """Draw the picture of :func:`draw_queries` into axes; its other arguments are the same."""
    quantity = _quantity(plan, column)
    curves = {c.label: over_queries(results, c.label, column, c.trials) for c in plan.contenders}
    draw_mean_curves(axes, curves, quantity, plan.subject, "queries")
    count_in_plain_numbers(axes)
    if quantity is not plan.objective:
        label = style.axis_label(quantity.name, quantity.unit)
        axes.set_ylabel(plain_text(f"{label} of the incumbent"))


def fill_seconds(axes: Axes, plan: Plan, results: pd.DataFrame) -> None:
    """Draw the picture of :func:`draw_seconds` into axes; its other arguments are the same."""
    curves = {c.label: over_seconds(results, c.label, c.trials) for c in plan.contenders}
    draw_mean_curves(axes, curves, plan.objective, plan.subject, "simulated GPU time [s]")


def _quantity(plan: Plan, column: str) -> Objective:
    if column == "incumbent":
        return plan.objective
    found = [quantity for quantity in plan.reported if plan.columns[quantity.name] == column]
    if not found:
        raise OptionError(f"the comparison has no column {column!r} to draw")
    return found[0]


def over_queries(results: pd.DataFrame, label: str, column: str, trials: int) -> MeanCurve | None:
    """The mean of a column of the incumbents after each query.

    Args:
        results: From :func:`ax_anasod.compare.run_results.results_frame`.
        label: The contender.
        column: ``"incumbent"`` or a reported quantity.
        trials: How many trials a finished run has.

    Returns:
        From the first query on after which all runs have an incumbent; None where there is
        no finished run.
    """
    values = curves(results, label, column, trials).to_numpy()
    return _mean_curve(np.arange(1.0, trials + 1), values)


def over_seconds(results: pd.DataFrame, label: str, trials: int) -> MeanCurve | None:
    """The mean incumbent over the simulated cost of the queries so far, in seconds.

    At each time the mean is over what every run has found by then; a run that has spent its
    budget keeps what it has. The curve begins where all have found something and ends where
    the last run ends, with the mean of the summary.

    Args:
        results: From :func:`ax_anasod.compare.run_results.results_frame`.
        label: The contender.
        trials: How many trials a finished run has.

    Returns:
        The curve, or None where costs are not known, there is no finished run, or one that
        has found nothing.
    """
    values = curves(results, label, "incumbent", trials).to_numpy()
    # A failed query has no cost in the data.
    costs = curves(results, label, COST, trials)
    if costs.isna().all(axis=None):
        return None
    spent = np.cumsum(costs.fillna(0.0).to_numpy(), axis=1)
    found = ~np.isnan(values)
    if not found[:, -1].all():
        return None
    start = spent[np.arange(len(spent)), found.argmax(axis=1)].max()
    end = spent[:, -1].max()
    if not 0 < start < end:
        return None
    times = np.geomspace(start, end, _TIMES)
    # Rounding must not put the ends outside.
    times[0], times[-1] = start, end
    seen = np.stack(
        [
            run[np.searchsorted(time, times, side="right") - 1]
            for run, time in zip(values, spent, strict=True)
        ]
    )
    return _mean_curve(times, seen)


def _mean_curve(x: FloatArray, values: FloatArray) -> MeanCurve | None:
    if not len(values):
        return None
    known = ~np.isnan(values).any(axis=0)
    kept = values[:, known]
    error = (
        kept.std(axis=0, ddof=1) / np.sqrt(len(kept)) if len(kept) > 1 else np.zeros(kept.shape[1])
    )
    return MeanCurve(x[known], kept.mean(axis=0), error)
