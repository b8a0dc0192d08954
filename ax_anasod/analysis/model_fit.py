"""The cards of how good the surrogate is: its fit to what it has not seen, and its features."""

from __future__ import annotations

from typing import Any, Final, final

import numpy as np
import pandas as pd
from ax.analysis.plotly.color_constants import AX_BLUE
from ax.analysis.plotly.cross_validation import CrossValidationPlot
from ax.analysis.plotly.utils import get_scatter_point_color
from ax.core.analysis_card import AnalysisCard
from ax.core.experiment import Experiment
from ax.core.trial import Trial
from ax.utils.stats.model_fit_stats import coefficient_of_determination
from plotly import graph_objects as go
from scipy.stats import spearmanr

from ax_anasod.analysis.applicability import CardInput, Drawing, SeriesTable, Table
from ax_anasod.analysis.axis import ValueAxis
from ax_anasod.analysis.predictions import SurrogatePlot
from ax_anasod.metadata import feature_summary
from ax_anasod.plots import style

# Leaving out one trial at a time would condition as many models as there are trials.
_FOLDS: Final = 10
# From which R^2, and rank correlation, there is something to be said for the model.
_SOME: Final = 0.1
_SOME_ORDER: Final = 0.3
_LEVELS: Final = ((0.8, "nearly all"), (0.5, "much"), (_SOME, "some"))


@final
class ModelFitPlot(SurrogatePlot):
    """Cross-validation of the surrogate in the objective's own units, and what it means.

    Ax's ``CrossValidationPlot`` makes the predictions, each from a model that has not seen the
    trial. The DataFrame computed is Ax's: one row per arm with ``observed``, ``predicted`` and
    their 95 % intervals.
    """

    def draw(self, searched: CardInput) -> Drawing:
        """Validate, and draw what was predicted against what was seen."""
        series, experiment = searched.series, searched.experiment
        column = series.column(self.objective)
        name, minimize = series.objectives[column], series.minimize[column]
        folds = _folds(experiment)
        ax_card, *_ = (
            CrossValidationPlot(metric_names=[name], folds=folds, untransform=True)
            .compute(experiment, searched.generation_strategy, self.fitted(searched))
            .flatten()
        )
        assert isinstance(ax_card, AnalysisCard)
        frame = ax_card.df
        observed, predicted = frame["observed"].to_numpy(), frame["predicted"].to_numpy()
        r_squared = float(coefficient_of_determination(y_obs=observed, y_pred=predicted))
        constant = np.ptp(observed) == 0 or np.ptp(predicted) == 0
        order = 0.0 if constant else float(spearmanr(observed, predicted).statistic)
        parts = f"{folds} parts" if folds > 0 else "parts of one cell each"
        return Drawing(
            title=f"How well the model predicts {name}: {fit_in_words(r_squared, order)}",
            subtitle=(
                f"The trials in {parts}: what a model of the others predicts of each part, against "
                f"what was seen. R² = {r_squared:.2f} of the values "
                f"(1: all of the variance, 0: as good as their mean), {order:.2f} of the order "
                "(Spearman's rank correlation). Bars are 95% intervals; on the dotted line "
                "predictions are exact."
            ),
            frame=frame,
            figure=_figure(frame, name, self.unit, minimize=minimize),
        )


def fit_in_words(r_squared: float, order: float) -> str:
    """The result of the cross-validation of a model.

    Args:
        r_squared: Coefficient of determination of the values; may be negative.
        order: Rank correlation of what was predicted with what was seen.

    Example:
        >>> fit_in_words(-0.01, 0.1)
        'the model explains nothing here; random search is as good'
    """
    for least, words in _LEVELS:
        if r_squared >= least:
            return f"the model explains {words} of the variance"
    if order >= _SOME_ORDER:
        return "the model orders the cells, but does not explain the size of their values"
    return "the model explains nothing here; random search is as good"


def _folds(experiment: Experiment) -> int:
    """Folds of the cross-validation; one for each arm (-1) where there are fewer."""
    return _FOLDS if experiment.lookup_data().df["arm_name"].nunique() >= _FOLDS else -1


def _figure(frame: pd.DataFrame, name: str, unit: str, *, minimize: bool) -> go.Figure:
    axis = ValueAxis.fit(frame[["observed", "predicted"]].to_numpy(), minimize=minimize)
    limits = [axis.lower, axis.upper]
    label = style.axis_label(name, unit)
    pale = get_scatter_point_color(AX_BLUE, ci_transparency=True)
    figure = go.Figure(
        [
            go.Scatter(
                x=limits,
                y=limits,
                mode="lines",
                line={"color": style.GREY, "dash": "dot", "width": 1.5},
                hoverinfo="skip",
            ),
            go.Scatter(
                x=frame["observed"].tolist(),
                y=frame["predicted"].tolist(),
                mode="markers",
                marker={"color": AX_BLUE, "size": 8},
                error_y={"type": "data", "array": frame["predicted_95_ci"].tolist(), "color": pale},
                customdata=frame["arm_name"].tolist(),
                hovertemplate=(
                    "arm %{customdata}<br>seen %{x:.5g}<br>predicted %{y:.5g}<extra></extra>"
                ),
            ),
        ]
    )
    return figure.update_layout(
        xaxis={"title": {"text": style.plotly_text(f"seen: {label}")}, "range": limits},
        yaxis={"title": {"text": style.plotly_text(f"predicted: {label}")}, "range": limits},
        showlegend=False,
    )


@final
class FeatureTable(SeriesTable):
    """The weight of each feature of ``two-level-bo``, and whether the feature misled.

    The DataFrame computed has one row per feature: ``feature``, ``share`` (of the prior variance,
    on average over the trials that had it), ``agreement`` (Spearman's correlation with the first
    objective, of which less is better, over all trials with values) and ``warning``, where there
    is one.
    """

    def why_not(self, searched: CardInput) -> str | None:
        """A sentence where no proposal had a feature."""
        if _features_of(searched) is None:
            return "No trial was proposed by a model with features."
        return None

    def tabulate(self, searched: CardInput) -> Table:
        """Make the table."""
        features = _features_of(searched) or {}
        rows = [
            {"feature": name, **carried, "warning": carried["warning"] or ""}
            for name, carried in features.items()
        ]
        return Table(
            title="What was known before",
            subtitle="The share of each feature in the prior variance of the surrogate, and how it "
            "ranks what was observed.",
            frame=pd.DataFrame(rows),
        )


def _features_of(searched: CardInput) -> dict[str, dict[str, Any]] | None:
    trials = searched.experiment.trials.values()
    return feature_summary(
        [_metadata(trial) for trial in trials], int(searched.series.observed.sum())
    )


def _metadata(trial: object) -> dict[str, Any]:
    run = trial.generator_run if isinstance(trial, Trial) else None
    return {} if run is None else run.gen_metadata or {}
