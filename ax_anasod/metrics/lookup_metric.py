"""The values that :class:`ax_anasod.runners.LookupRunner` found, as Ax metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ax.api.protocols.metric import IMetric

from ax_anasod.exceptions import UnknownNameError


class LookupMetric(IMetric):
    """One objective or reported quantity of a benchmark.

    ``IMetric`` is Ax's new form of a metric and inherits from the old one, ``Metric``: this
    class serves ``Client.run_trials`` and the ``Orchestrator`` alike. The noise is not
    known, so that models infer it.

    Args:
        name: Name of the quantity, e.g. ``"valid_error"``.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name=name)

    def fetch(
        self, trial_index: int, trial_metadata: Mapping[str, Any]
    ) -> tuple[int, float | tuple[float, float]]:
        """The value of a trial, as its only step 0.

        Raises:
            UnknownNameError: The benchmark has no quantity of this name.
        """
        values = trial_metadata["values"]
        if self.name not in values:
            raise UnknownNameError("quantity", self.name, values)
        return 0, float(values[self.name])
