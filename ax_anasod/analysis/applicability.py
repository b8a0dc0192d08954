"""The data that a card needs, and the sentence that says why it has nothing to show yet."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import pandas as pd
from ax.adapter.base import Adapter
from ax.analysis.analysis import Analysis
from ax.analysis.plotly.plotly_analysis import PlotlyAnalysisCard, create_plotly_analysis_card
from ax.core.analysis_card import AnalysisCard
from ax.core.experiment import Experiment
from ax.generation_strategy.generation_strategy import GenerationStrategy
from plotly import graph_objects as go

from ax_anasod.analysis.series import SearchSeries
from ax_anasod.exceptions import AnasodError, OptionError

Value = TypeVar("Value")


@dataclass(frozen=True)
class CardInput:
    """The data that a card is drawn from.

    Args:
        experiment: The experiment.
        series: Its trials.
        generation_strategy: Its strategy, where that is known.
        adapter: A fitted adapter, which is preferred to that of the strategy.
    """

    experiment: Experiment
    series: SearchSeries
    generation_strategy: GenerationStrategy | None
    adapter: Adapter | None


@dataclass(frozen=True)
class Table:
    """The content of a table: its title, subtitle and data."""

    title: str
    subtitle: str
    frame: pd.DataFrame


@dataclass(frozen=True)
class Drawing(Table):
    """The content of a figure: that of a table, and the figure itself."""

    figure: go.Figure


class SeriesCard(Analysis, ABC):
    """A card of Ax's about the trials of a search; the base of figures and tables."""

    objective: str | None = None
    """The objective that the card is about; None for the first one."""
    needs_values: ClassVar[bool] = True
    """True if the card needs a trial that has values and keeps the limits, not just any trial."""

    def validate_applicable_state(
        self,
        experiment: Experiment | None = None,
        generation_strategy: GenerationStrategy | None = None,
        adapter: Adapter | None = None,
    ) -> str | None:
        """A sentence where there is nothing to show yet."""
        reason = why_not_series(experiment, self.objective, need_values=self.needs_values)
        if reason is not None:
            return reason
        return self.why_not(_searched(experiment, generation_strategy, adapter))

    def why_not(self, searched: CardInput) -> str | None:
        """A sentence where trials are not enough."""
        return None


class SeriesPlot(SeriesCard):
    """A figure of the trials of a search.

    Subclasses implement :meth:`draw`, and :meth:`why_not` where they need more than trials.
    """

    def compute(
        self,
        experiment: Experiment | None = None,
        generation_strategy: GenerationStrategy | None = None,
        adapter: Adapter | None = None,
    ) -> PlotlyAnalysisCard:
        """Draw the card."""
        drawing = self.draw(_searched(experiment, generation_strategy, adapter))
        return create_plotly_analysis_card(
            name=type(self).__name__,
            title=drawing.title,
            subtitle=drawing.subtitle,
            df=drawing.frame,
            fig=drawing.figure,
        )

    @abstractmethod
    def draw(self, searched: CardInput) -> Drawing:
        """Draw what there is."""


class SeriesTable(SeriesCard):
    """A table of the trials of a search.

    Subclasses implement :meth:`tabulate`, and :meth:`why_not` where they need more than trials.
    """

    def compute(
        self,
        experiment: Experiment | None = None,
        generation_strategy: GenerationStrategy | None = None,
        adapter: Adapter | None = None,
    ) -> AnalysisCard:
        """Make the card."""
        table = self.tabulate(_searched(experiment, generation_strategy, adapter))
        return self._create_analysis_card(
            title=table.title, subtitle=table.subtitle, df=table.frame
        )

    @abstractmethod
    def tabulate(self, searched: CardInput) -> Table:
        """Make the table."""


def _searched(
    experiment: Experiment | None,
    generation_strategy: GenerationStrategy | None,
    adapter: Adapter | None,
) -> CardInput:
    experiment = given(experiment, "an experiment")
    series = SearchSeries.from_experiment(experiment)
    return CardInput(experiment, series, generation_strategy, adapter)


def given(value: Value | None, what: str) -> Value:
    """A value that ``validate_applicable_state`` has made sure of.

    Raises:
        OptionError: The value is None: ``compute`` was called without asking first.
    """
    if value is None:
        raise OptionError(
            f"the card needs {what}", "validate_applicable_state says why it has none"
        )
    return value


def why_not_series(
    experiment: Experiment | None,
    objective: str | None = None,
    *,
    need_values: bool = True,
) -> str | None:
    """The reason why no card can be made of an experiment; None where one can.

    Args:
        experiment: The experiment.
        objective: The objective that the card is about; the first where None is named.
        need_values: Whether a card needs an observed trial, or just any trial.
    """
    if experiment is None:
        return "An experiment must be given."
    try:
        series = SearchSeries.from_experiment(experiment)
        series.column(objective)
    except AnasodError as error:
        return f"{error}."
    if series.num_trials == 0:
        return "There are no trials yet."
    if not need_values or series.feasible.any():
        return None
    if series.observed.any():
        return f"No trial so far ({series.num_trials}) keeps the limits."
    if series.failed.all():
        return f"All trials so far ({series.num_trials}) failed or were abandoned."
    return f"No trial has a value of {' and '.join(series.objectives)} yet."
