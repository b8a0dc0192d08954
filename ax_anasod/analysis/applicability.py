"""What a card needs, and the sentence that says why it has nothing to show yet."""

from __future__ import annotations

from typing import TypeVar

from ax.core.experiment import Experiment

from ax_anasod.analysis.series import SearchSeries
from ax_anasod.exceptions import AnasodError, OptionError

Value = TypeVar("Value")


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
    """Why no card can be made of an experiment, or None where one can.

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
