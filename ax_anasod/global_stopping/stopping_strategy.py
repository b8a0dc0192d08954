"""Stop once the next trials are expected to improve the best value by too little."""

from __future__ import annotations

from typing import Any

from ax.core.experiment import Experiment
from ax.global_stopping.strategies.base import BaseGlobalStoppingStrategy

from ax_anasod.exceptions import OptionError
from ax_anasod.generation_strategy import STRATEGIES, get
from ax_anasod.global_stopping.rule import WINDOW, promises_too_little, stop_reason
from ax_anasod.settings import (
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    check_value,
    checked,
)


@checked
class ExpectedImprovementStoppingStrategy(BaseGlobalStoppingStrategy):
    """Ax's question whether to stop, answered from what ``two-level-bo`` expects.

    A trial that the strategy proposes carries its expected improvement, in percent of the
    best value, as ``gen_metadata["expected_improvement_percent"]``. The search is over once
    this was below the threshold for several trials in a row. Trials of another origin (the
    random ones at the start, a user's own) expect nothing, so that no search stops before
    the model has proposed as many trials.

    For Ax's ``Orchestrator``: ``OrchestratorOptions(global_stopping_strategy=...)``; with
    ask-and-tell, ``should_stop_optimization(experiment)`` is asked before each trial.

    Args:
        improvement_below: The threshold, in percent of the best value.
        window_size: How many trials in a row.
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
    """Refuse a threshold that is none, or that a strategy does not know how to meet.

    Args:
        strategy: Name of the strategy.
        percent: The threshold; None where there is no rule.

    Raises:
        UnknownNameError: There is no such strategy.
        OptionError: The threshold is negative, or the strategy expects nothing.
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
