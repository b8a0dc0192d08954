"""The card of what the features of a search have carried."""

from __future__ import annotations

from typing import Any, final

import pandas as pd
from ax.adapter.base import Adapter
from ax.analysis.analysis import Analysis
from ax.core.analysis_card import AnalysisCard
from ax.core.experiment import Experiment
from ax.core.trial import Trial
from ax.generation_strategy.generation_strategy import GenerationStrategy

from ax_anasod.analysis.applicability import given, why_not_series
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.metadata import feature_summary


@final
class FeatureTable(Analysis):
    """How much each feature of ``two-level-bo`` carried, and whether it misled.

    The DataFrame computed has one row per feature: ``feature``, ``share`` (of the prior variance,
    on average over the trials that had it), ``agreement`` (Spearman's correlation with the first
    objective, of which less is better, over all trials with values) and ``warning``, where there
    is one.
    """

    def validate_applicable_state(
        self,
        experiment: Experiment | None = None,
        generation_strategy: GenerationStrategy | None = None,
        adapter: Adapter | None = None,
    ) -> str | None:
        """A sentence where no proposal had a feature."""
        reason = why_not_series(experiment)
        if reason is not None:
            return reason
        if _summary(given(experiment, "an experiment")) is None:
            return "No trial was proposed by a model with features."
        return None

    def compute(
        self,
        experiment: Experiment | None = None,
        generation_strategy: GenerationStrategy | None = None,
        adapter: Adapter | None = None,
    ) -> AnalysisCard:
        """Make the table."""
        summary = _summary(given(experiment, "an experiment")) or {}
        rows = [
            {"feature": name, **carried, "warning": carried["warning"] or ""}
            for name, carried in summary.items()
        ]
        return self._create_analysis_card(
            title="What was known before",
            subtitle="The share of each feature in the prior variance of the surrogate, and how it "
            "ranks what was observed.",
            df=pd.DataFrame(rows),
        )


def _summary(experiment: Experiment) -> dict[str, dict[str, Any]] | None:
    observed = int(SearchSeries.from_experiment(experiment).observed.sum())
    return feature_summary([_metadata(trial) for trial in experiment.trials.values()], observed)


def _metadata(trial: object) -> dict[str, Any]:
    run = trial.generator_run if isinstance(trial, Trial) else None
    return {} if run is None else run.gen_metadata or {}
