"""Stop once the next trials are expected to improve the best value by too little."""

from __future__ import annotations

from typing import Any

from ax.core.experiment import Experiment
from ax.global_stopping.strategies.base import BaseGlobalStoppingStrategy

from ax_anasod.exceptions import OptionError
from ax_anasod.generation_strategy import STRATEGIES, get
from ax_anasod.global_stopping.rule import WINDOW, promises_too_little, stop_reason
from ax_anasod.settings import NonNegativeFloat, NonNegativeInt, PositiveInt, check_value, checked


@checked
class ExpectedImprovementStoppingStrategy(BaseGlobalStoppingStrategy):
    """Stops a search once ``two-level-bo`` expects too little improvement.

    A trial that the strategy proposes carries its expected improvement, in percent of the
    best value, as ``gen_metadata["expected_improvement_percent"]``. The search is over once
    this was below the threshold for several trials in a row. Trials of another origin (the
    random ones at the start, a user's own) carry none, so that no search stops before
    the model has proposed this number of trials.

    For Ax's ``Orchestrator``: ``OrchestratorOptions(global_stopping_strategy=...)``; with
    ask-and-tell, ``should_stop_optimization(experiment)`` is asked before each trial.

    Args:
        improvement_below: The threshold, in percent of the best value.
        window_size: The number of trials in a row.
        min_trials: Completed trials before which the search is not stopped.
        inactive_when_pending_trials: Never stop while trials are running.

    Raises:
        OptionError: A number is out of range.
    """

    def __init__(
        self,
        improvement_below: NonNegativeFloat,
        window_size: PositiveInt = WINDOW,
        min_trials: NonNegativeInt = 0,
        inactive_when_pending_trials: bool = True,
    ) -> None:
        super().__init__(
            min_trials=min_trials, inactive_when_pending_trials=inactive_when_pending_trials
        )
        self.improvement_below = improvement_below
        self.window_size = window_size

    def __repr__(self) -> str:
        return (
            f"ExpectedImprovementStoppingStrategy(improvement_below={self.improvement_below}, "
            f"window_size={self.window_size}, min_trials={self.min_trials})"
        )

    def _should_stop_optimization(self, experiment: Experiment) -> tuple[bool, str]:
        metadata = [
            run.gen_metadata
            for _, trial in sorted(experiment.trials.items())
            for run in trial.generator_runs[-1:]
        ]
        if promises_too_little(metadata, self.improvement_below, self.window_size):
            return True, stop_reason(self.improvement_below, self.window_size)
        return False, f"an improvement of {self.improvement_below:g} % or more is still expected"


def stopping_strategy_to_dict(strategy: ExpectedImprovementStoppingStrategy) -> dict[str, Any]:
    """The strategy in Ax's JSON storage, which reads it back by its constructor."""
    return {
        "__type": type(strategy).__name__,
        "improvement_below": strategy.improvement_below,
        "window_size": strategy.window_size,
        "min_trials": strategy.min_trials,
        "inactive_when_pending_trials": strategy.inactive_when_pending_trials,
    }


def check_until_improvement_below(strategy: str, percent: float | None) -> None:
    """Check that a threshold is valid and that it can stop a search by the strategy.

    Args:
        strategy: Name of the strategy.
        percent: The threshold; None for no rule.

    Raises:
        UnknownNameError: There is no such strategy.
        OptionError: The threshold is negative, or the trials of the strategy carry no expected
            improvement.
    """
    if percent is None:
        return
    check_value("until_improvement_below", percent, NonNegativeFloat)
    if not get(strategy).generator.expects_improvement:
        able = [n for n, known in STRATEGIES.items() if known.generator.expects_improvement]
        raise OptionError(
            f"strategy {strategy!r} does not say what improvement it expects, so that no search "
            "can be stopped by it",
            f"strategies that do: {', '.join(able)}",
        )
