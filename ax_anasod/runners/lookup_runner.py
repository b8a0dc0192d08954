"""A runner that looks results up instead of training."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from ax.api.protocols.runner import IRunner
from ax.api.types import TParameterization
from ax.core.base_trial import BaseTrial
from ax.core.trial_status import TrialStatus

from ax_anasod.core import TrialKind
from ax_anasod.exceptions import OptionError
from ax_anasod.nasbench import Benchmark, from_dict
from ax_anasod.runners.query import BenchmarkQuery


class LookupRunner(IRunner):
    """Runs a trial by looking its architecture up in a benchmark.

    ``IRunner`` is Ax's new form of a runner and inherits from the old one, ``Runner``: this
    class serves ``Client.run_trials`` and the ``Orchestrator`` alike.

    Args:
        benchmark: The benchmark, or its ``to_dict()``, which is what Ax stores.
        space: What a trial's parameters are, ``"encoding"`` or ``"architecture"``; None tells
            by their names.
        seed: The seed of the run (see :class:`BenchmarkQuery`).
        seconds_per_trial: How long a trial pretends to run, in seconds, to rehearse
            asynchronous parallel searches.

    Raises:
        OptionError: ``benchmark`` is none, ``seconds_per_trial`` is negative or not finite, or
            the seed is no whole number of at least 0.
        UnknownNameError: The kind of space is unknown.
    """

    def __init__(
        self,
        benchmark: Benchmark | Mapping[str, Any],
        space: TrialKind | None = None,
        seed: int = 0,
        seconds_per_trial: float = 0.0,
    ) -> None:
        if not 0 <= seconds_per_trial < math.inf:
            raise OptionError(
                f"seconds_per_trial must be a finite number of at least 0, got {seconds_per_trial}"
            )
        restored = from_dict(benchmark) if isinstance(benchmark, Mapping) else benchmark
        if not hasattr(restored, "query"):
            raise OptionError(
                f"LookupRunner looks values up in a benchmark, got {benchmark!r}",
                "ax_anasod.nasbench.make builds one by its name",
            )
        # Ax stores the arguments under the names of the attributes.
        self.benchmark = restored.to_dict()
        self.space: TrialKind | None = space
        self.seed = seed
        self.seconds_per_trial = seconds_per_trial
        self._query = BenchmarkQuery(restored, space, seed)

    def run(self, trial: BaseTrial) -> dict[str, Any]:
        """Look the trial up; the result is the trial's ``run_metadata``."""
        return self._started(self._query.of(trial))

    def run_trial(self, trial_index: int, parameterization: TParameterization) -> dict[str, Any]:
        """Look parameters up, without an experiment; the result as for :meth:`run`."""
        return self._started(self._query(trial_index, parameterization))

    def _started(self, result: dict[str, Any]) -> dict[str, Any]:
        return {**result, "ready_at": time.time() + self.seconds_per_trial}

    def poll_trial(self, trial_index: int, trial_metadata: Mapping[str, Any]) -> TrialStatus:
        """Completed once the trial has run for ``seconds_per_trial``."""
        ready = time.time() >= float(trial_metadata["ready_at"])
        return TrialStatus.COMPLETED if ready else TrialStatus.RUNNING

    def stop_trial(self, trial_index: int, trial_metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Do nothing: a look-up has ended when it begins."""
        return {}
