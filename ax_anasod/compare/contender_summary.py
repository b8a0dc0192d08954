"""The summary of a comparison: one row for each contender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ax_anasod.compare.comparison_plan import SECONDS, Plan
from ax_anasod.compare.run_results import curves
from ax_anasod.compare.significance import holm, signed_rank_p
from ax_anasod.objectives import COST
from ax_anasod.typing import FloatArray, Values

# Relative: values and optima are the same floating-point numbers, but for the digits of a sum.
_EQUAL = 1e-12


@dataclass(frozen=True)
class Summary:
    """The results of the finished runs of a comparison.

    Values are those of the incumbents after all trials of a run. The searched value of an
    incumbent is the best value seen; where single training runs are searched it can lie
    below the optimum of the means over training seeds, and the noise-free regret says how
    far the incumbent really is from that (the paper's Table 2 shows best values seen).

    Args:
        plan: The plan.
        results: From :func:`ax_anasod.compare.run_results.results_frame`.
        failures: Contender -> why runs of it are not finished, for each such run.

    Raises:
        AnasodError: The plan asks what the comparison cannot answer.
    """

    plan: Plan
    results: pd.DataFrame
    failures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.plan.check_questions()

    @property
    def reference(self) -> str:
        """The contender that the others are tested against."""
        return self.plan.reference or self.plan.labels[0]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row for each contender, in the order of the plan; the table ``summary.csv``.

        NaN stands where something is not known: no finished run, no optimum, or an optimum
        that half of the runs or fewer have found.
        """
        rows = pd.DataFrame(
            [self._row(c.label, c.trials, c.spent_before) for c in self.plan.contenders],
        )
        p_values = {
            label: signed_rank_p(differences) for label, differences in self.differences.items()
        }
        adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
        rows["p_value"] = [p_values.get(label, np.nan) for label in self.plan.labels]
        rows["p_holm"] = [adjusted.get(label, np.nan) for label in self.plan.labels]
        return rows

    @cached_property
    def without_incumbent(self) -> dict[str, int]:
        """Contender -> how many of its finished runs found nothing that keeps the limits."""
        found = {label: self.final(label).isna().sum() for label in self.plan.labels}
        return {label: int(number) for label, number in found.items() if number}

    @cached_property
    def differences(self) -> dict[str, pd.Series]:
        """Contender -> how much higher its incumbents are than those of the reference, by seed.

        The seeds are those that both have finished; a contender with none is left out. Where
        the budgets differ, both are taken after as many trials as the smaller one has.
        """
        reference = self._curves(self.reference, "incumbent")
        differences = {}
        for label in self.plan.labels:
            ours = self._curves(label, "incumbent")
            last = min(ours.shape[1], reference.shape[1]) - 1
            between = (ours[last] - reference[last]).dropna()
            if label != self.reference and len(between):
                differences[label] = between
        return differences

    def final(self, label: str, column: str = "incumbent") -> pd.Series:
        """A column of the finished runs of a contender after their last trial, by seed."""
        return self._curves(label, column).iloc[:, -1]

    def _curves(self, label: str, column: str) -> pd.DataFrame:
        trials = next(c.trials for c in self.plan.contenders if c.label == label)
        return curves(self.results, label, column, trials)

    def _row(self, label: str, trials: int, before: float) -> dict[str, Any]:
        incumbents = self._curves(label, "incumbent")
        final = incumbents.iloc[:, -1].to_numpy()
        objective = self.plan.objective
        to_optimum = _queries(incumbents, objective.optimum, objective.sign)
        row: dict[str, Any] = {
            "strategy": label,
            "mean": _mean(final),
            "standard_error": _standard_error(final),
            "median": _median(np.where(np.isnan(final), objective.sign * np.inf, final)),
            "queries_to_optimum": _median(to_optimum),
            "trials": trials,
            "seeds": len(final),
            "seeds_at_optimum": _number_reached(to_optimum),
        }
        if self.plan.screens:
            row["cost"] = before + trials
        if objective.optimum is not None:
            row["regret"] = objective.regret(row["mean"])
        if self.plan.regret is not None:
            near = _queries(incumbents, self._target(), objective.sign)
            row |= {
                "queries_to_regret": _median(near),
                "seeds_at_regret": _number_reached(near),
            }
        row |= self._noise_free(label)
        for quantity in self.plan.reported:
            values = self.final(label, self.plan.columns[quantity.name]).to_numpy()
            row[f"mean({quantity.name})"] = _mean(values)
            row[f"standard_error({quantity.name})"] = _standard_error(values)
        costs = self._curves(label, COST)
        if costs.notna().any(axis=None):
            row["cost_seconds"] = _mean(costs.sum(axis=1).to_numpy())
        row["seconds_per_trial"] = _median(self._curves(label, SECONDS).to_numpy().ravel())
        return row

    def _noise_free(self, label: str) -> dict[str, Any]:
        quantity = self.plan.noise_free
        if quantity is None or quantity.optimum is None:
            return {}
        values = self._curves(label, self.plan.columns[quantity.name])
        reached = _queries(values, quantity.optimum, quantity.sign)
        return {
            "noise_free_regret": quantity.regret(_mean(values.iloc[:, -1].to_numpy())),
            "noise_free_queries_to_optimum": _median(reached),
        }

    def _target(self) -> float | None:
        objective, regret = self.plan.objective, self.plan.regret
        if objective.optimum is None or regret is None:
            return None
        return objective.optimum + objective.sign * regret


def _queries(values: pd.DataFrame, target: float | None, sign: float) -> FloatArray:
    """The queries that each run needs to reach a target; inf where it has not reached it.

    NaN for all of them where there is no target.
    """
    if target is None:
        return np.full(len(values), np.nan)
    reached = sign * values.to_numpy() <= sign * target + _EQUAL * abs(target)
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, np.inf)


def _number_reached(queries: FloatArray) -> float:
    return np.nan if np.isnan(queries).any() else float(np.isfinite(queries).sum())


def _mean(values: Values) -> float:
    return float(values.mean()) if len(values) else np.nan


def _standard_error(values: Values) -> float:
    """The standard error of the mean, from the sample deviation; NaN for fewer than two values."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan


def _median(values: Values) -> float:
    if not len(values):
        return np.nan
    # With an even number of runs the median is NaN if one of the two in the middle is inf.
    middle = float(np.median(values))
    return middle if np.isfinite(middle) else np.nan
