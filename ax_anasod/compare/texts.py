"""A comparison for people: a table in Markdown or on the terminal, and notes below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ax_anasod.compare.comparison_plan import Plan
from ax_anasod.compare.contender_summary import Summary
from ax_anasod.compare.significance import LEVEL, seeds_needed
from ax_anasod.escaping import for_markdown
from ax_anasod.metadata import column_names


def table(summary: Summary) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of the table."""
    plan, frame = summary.plan, summary.frame
    unit = plan.objective.unit
    columns: dict[str, list[str]] = {
        "strategy": frame["strategy"].tolist(),
        "runs": [f"{n} of {plan.seeds}" for n in frame["seeds"]],
        "trials": [str(trials) for trials in frame["trials"]],
        "mean ± s.e.": _plus_minus(frame, "mean", "standard_error", unit),
        "median": [table_value(value, unit) for value in frame["median"]],
    }
    if plan.screens:
        columns["cost"] = [f"{cost:.6g}" for cost in frame["cost"]]
    if plan.objective.optimum is not None:
        columns["queries to optimum"] = _queries(frame, "queries_to_optimum", "seeds_at_optimum")
    if plan.regret is not None:
        columns[f"queries to regret {plan.regret:g}{_unit_of_regret(unit)}"] = _queries(
            frame, "queries_to_regret", "seeds_at_regret"
        )
    if "noise_free_regret" in frame:
        columns["noise-free regret"] = [table_value(v, unit) for v in frame["noise_free_regret"]]
    names = column_names((q.name for q in plan.reported), (*columns, "p", "s a trial"))
    for quantity in plan.reported:
        columns[names[quantity.name]] = _plus_minus(
            frame, f"mean({quantity.name})", f"standard_error({quantity.name})", quantity.unit
        )
    if len(plan.contenders) > 1:
        columns["p"] = [_p_value(value) for value in frame["p_holm"]]
    columns["s a trial"] = [_significant(value, 2) for value in frame["seconds_per_trial"]]
    # A budget that all have in common is said once, below.
    if frame["trials"].nunique() == 1:
        del columns["trials"]
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    return list(columns), rows


def notes(summary: Summary) -> list[str]:
    """Sentences that explain the table."""
    plan = summary.plan
    trials = sorted({contender.trials for contender in plan.contenders})
    after = f"{trials[0]} trials" if len(trials) == 1 else "all trials of a run"
    optimum = plan.objective.optimum
    sentences = [_values_in_words(plan, after), *_limits_in_words(summary)]
    if optimum is not None:
        sentences.append(
            f"Optimum: {table_value(optimum, plan.objective.unit)}. Queries to it: the median over "
            "the runs, and in how many it was found; a dash where in half of them or fewer."
        )
    if plan.noise_free is not None:
        sentences.append(
            "Single training runs are searched, so the lowest value seen can lie below the "
            "optimum of the means over training seeds"
            + (
                ""
                if plan.noise_free.optimum is None
                else f" ({table_value(plan.noise_free.optimum, plan.noise_free.unit)})"
            )
            + "; the noise-free regret is the mean error of the incumbent above "
            f"that optimum{_unit_of_regret(plan.noise_free.unit, ', in')}."
        )
    if plan.screens:
        sentences.append(
            "Cost: of a run in all, in evaluations of what is judged; that of a search of a cheap "
            "column before it is spent before its first trial."
        )
    if plan.reported:
        names = ", ".join(quantity.name for quantity in plan.reported)
        sentences.append(f"Of the incumbent, not searched: {names}.")
    return sentences + _test_in_words(summary) + _failures_in_words(summary)


def _values_in_words(plan: Plan, after: str) -> str:
    mean = "mean over the seeds ± one standard error"
    front = plan.front
    if front is None:
        return (
            f"Values: the {plan.objective.extreme} {plan.objective.name} seen in a run after "
            f"{after}, {mean}; {_unit_in_words(plan.objective.unit)}."
        )
    whole = "of the true front" if front.is_true else "of the front of all runs together"
    point = ", ".join(f"{name} = {value:.6g}" for name, value in front.reference.items())
    why = "limits, or the 95 % quantile over all architectures" if front.is_true else "as in search"
    return (
        f"Values: the share of the hypervolume {whole} that the front of a run dominates after "
        f"{after}, in percent, {mean}; before the reference point {point or 'of no trial'} ({why})."
    )


def _limits_in_words(summary: Summary) -> list[str]:
    constraints = summary.plan.constraints
    searched = [f"Searched is what keeps {' and '.join(constraints)}."] if constraints else []
    if not summary.plan.limits:
        return searched
    lacking = [f"{label}: {n}" for label, n in summary.without_incumbent.items()]
    nothing = f" Runs that found nothing so: {', '.join(lacking)}." if lacking else ""
    limits = " and ".join(map(str, summary.plan.limits))
    return [*searched, f"Only what has {limits} counts.{nothing}"]


def markdown(summary: Summary) -> str:
    """The content of ``summary.md``."""
    header, rows = table(summary)
    marks = ["---", *("---:" for _ in header[1:])]
    title = f"Strategies on {summary.plan.subject}"
    return markdown_page(title, header, marks, rows, notes(summary))


def markdown_page(
    title: str,
    header: Sequence[str],
    marks: Sequence[str],
    rows: Sequence[Sequence[str]],
    sentences: Sequence[str],
) -> str:
    """A page in Markdown with a table and sentences below it, in which no name acts.

    Args:
        title: Its heading.
        header: Names of the columns.
        marks: ``---`` or ``---:`` for each of them.
        rows: The rows of the table.
        sentences: What stands below.
    """
    lines = [f"# {for_markdown(title)}", "", _markdown_row(header), f"| {' | '.join(marks)} |"]
    lines += [_markdown_row(row) for row in rows]
    return "\n".join([*lines, "", *(f"- {for_markdown(s)}" for s in sentences)]) + "\n"


def as_dict(summary: Summary) -> dict[str, Any]:
    """The object that ``--json`` prints; null stands where something is not known."""
    plan = summary.plan
    records = summary.frame.to_dict(orient="records")
    return {
        "benchmark": plan.benchmark_name,
        "dataset": plan.dataset,
        "objective": {
            "name": plan.objective.name,
            "unit": plan.objective.unit,
            "minimize": plan.objective.minimize,
        },
        "optimum": plan.objective.optimum,
        "objectives": [o.name for o in (plan.front.objectives if plan.front else [plan.objective])],
        "limits": [str(limit) for limit in plan.limits],
        "constraints": list(plan.constraints),
        "reference_point": plan.front.reference if plan.front else None,
        "seeds": plan.seeds,
        "regret": plan.regret,
        "reference": summary.reference,
        "notes": notes(summary),
        "summary": [{name: _or_null(v) for name, v in row.items()} for row in records],
        "failures": {label: list(reasons) for label, reasons in summary.failures.items()},
    }


def table_value(value: float, unit: str) -> str:
    """A value in a table, whose unit is said elsewhere."""
    if np.isnan(value):
        return "-"
    return f"{value:.2f}" if unit == "percent" else _significant(value, 4)


def _significant(value: float, digits: int) -> str:
    return "-" if np.isnan(value) else f"{value:.{digits}g}"


def _plus_minus(frame: pd.DataFrame, mean: str, error: str, unit: str) -> list[str]:
    return [
        table_value(m, unit) if np.isnan(e) else f"{table_value(m, unit)} ± {table_value(e, unit)}"
        for m, e in zip(frame[mean], frame[error], strict=True)
    ]


def _queries(frame: pd.DataFrame, queries: str, reached: str) -> list[str]:
    return [
        "-" if np.isnan(r) or not s else f"{_significant(q, 4)} ({r:.0f} of {s})"
        for q, r, s in zip(frame[queries], frame[reached], frame["seeds"], strict=True)
    ]


def _p_value(value: float) -> str:
    if np.isnan(value):
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _unit_in_words(unit: str) -> str:
    return f"in {unit}" if unit else "in the unit of the table"


def _unit_of_regret(unit: str, before: str = "") -> str:
    """A difference of two percentages is one of percentage points."""
    unit = "percentage points" if unit == "percent" else unit
    return f"{before} {unit}" if unit else ""


def _test_in_words(summary: Summary) -> list[str]:
    tests = summary.differences
    if not tests:
        return []
    correction = "" if len(tests) == 1 else f", after Holm's correction for {len(tests)}"
    sentences = [
        "p: two-sided Wilcoxon signed-rank test of these values, paired by seed, against "
        f"{summary.reference}{correction}."
    ]
    if len({contender.trials for contender in summary.plan.contenders}) > 1:
        sentences.append(
            "Where the budgets of two strategies differ, both are tested after as many trials as "
            "the smaller one has."
        )
    needed = seeds_needed(len(tests))
    pairs = max(map(len, tests.values()))
    if pairs < needed:
        sentences.append(
            f"With {pairs} {'pair' if pairs == 1 else 'pairs'} no difference can be "
            f"significant at {LEVEL:g}; that takes {needed} seeds or more."
        )
    return sentences


def _failures_in_words(summary: Summary) -> list[str]:
    return [
        f"Not finished: {label}, {reason}"
        for label, reasons in summary.failures.items()
        for reason in reasons
    ]


def _markdown_row(entries: Sequence[str]) -> str:
    return f"| {' | '.join(map(for_markdown, entries))} |"


def _or_null(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value
