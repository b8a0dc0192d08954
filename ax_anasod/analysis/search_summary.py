"""The card of what a search has found."""

from __future__ import annotations

from collections import Counter
from typing import final

import numpy as np
import pandas as pd
from ax.adapter.base import Adapter
from ax.analysis.analysis import Analysis
from ax.core.analysis_card import AnalysisCard
from ax.core.experiment import Experiment
from ax.generation_strategy.generation_strategy import GenerationStrategy

from ax_anasod.analysis.applicability import given, why_not_series
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.core import SEARCH_SPACES, RunProperties
from ax_anasod.core.architectures import codes_of, recorded_codes
from ax_anasod.journal import BETWEEN_LAYERS
from ax_anasod.metadata import column_names
from ax_anasod.objectives import COST


@final
class SearchSummary(Analysis):
    """The best trial of a search, or its Pareto front where there are several objectives.

    The DataFrame computed has one row per best trial: ``trial_index``, each metric that was
    measured (objectives first; ``value(encoding)`` and so on, where one has the name of another
    column), the parameters beside the cell, ``encoding`` (the operation counts),
    ``architecture`` (the benchmark's own string) and ``cost_seconds`` (where the runner or the
    benchmark told it).
    """

    def validate_applicable_state(
        self,
        experiment: Experiment | None = None,
        generation_strategy: GenerationStrategy | None = None,
        adapter: Adapter | None = None,
    ) -> str | None:
        """A sentence where no trial has a value and keeps the limits."""
        return why_not_series(experiment)

    def compute(
        self,
        experiment: Experiment | None = None,
        generation_strategy: GenerationStrategy | None = None,
        adapter: Adapter | None = None,
    ) -> AnalysisCard:
        """Make the table."""
        experiment = given(experiment, "an experiment")
        series = SearchSeries.from_experiment(experiment)
        front = series.pareto_front()
        frame = pd.DataFrame([_row(experiment, series, int(row)) for row in front])
        several = len(series.objectives) > 1
        return self._create_analysis_card(
            title="Pareto front" if several else "Best trial",
            subtitle=f"{_chosen(series, len(front))}, of {_progress(experiment, series)}.",
            df=frame.dropna(axis=1, how="all"),
        )


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
    trial = experiment.trials[int(series.trial_indices[row])]
    arm = next(arm for arm in trial.arms if arm.parameters == series.parameters[row])
    properties = RunProperties.read(experiment)
    codes = (
        recorded_codes(trial, arm, series.cell)
        if properties is None
        else codes_of(trial, arm, series.cell, properties.seed)
    )
    return None if codes is None else BETWEEN_LAYERS.join(series.cell.to_strings(codes))


def cost_seconds(experiment: Experiment, trial_index: int) -> float:
    """The cost of a trial in seconds, as its runner told it; NaN where it did not."""
    cost = experiment.trials[trial_index].run_metadata.get("cost_seconds")
    return np.nan if cost is None else float(cost)


def _row(experiment: Experiment, series: SearchSeries, row: int) -> dict[str, object]:
    index = int(series.trial_indices[row])
    data = experiment.lookup_data(trial_indices=[index]).df
    # The objectives first.
    measured = dict(zip(series.objectives, series.values[row].tolist(), strict=True))
    for name, value in zip(data["metric_name"], data["mean"], strict=True):
        measured.setdefault(name, value)
    own = SEARCH_SPACES[series.space].from_cell(series.cell).names
    described = {
        **{name: value for name, value in series.parameters[row].items() if name not in own},
        "encoding": series.encoding_text(row),
        "architecture": architecture_text(experiment, series, row),
        COST: cost_seconds(experiment, index),
    }
    columns = column_names(measured, ("trial_index", *described))
    values = {columns[name]: value for name, value in measured.items()}
    return {"trial_index": index, **values, **described}


def _chosen(series: SearchSeries, number: int) -> str:
    """Which trials the table has."""
    names = ", ".join(series.objectives)
    if len(series.objectives) == 1:
        return f"The trial with the best {names}"
    values = "The value" if number == 1 else f"The {number} values"
    return f"{values} of {names} that no other dominates, each with its first trial"


def _progress(experiment: Experiment, series: SearchSeries) -> str:
    """How many trials there are, of which status, and what they cost together."""
    by_status = ", ".join(f"{n} {status}" for status, n in Counter(series.statuses).most_common())
    costs = [cost_seconds(experiment, index) for index in experiment.trials]
    total = np.nansum(costs)
    trials = "1 trial" if series.num_trials == 1 else f"{series.num_trials} trials"
    text = f"{trials} ({by_status})"
    return f"{text} that cost {total:,.0f} seconds" if total > 0 else text
