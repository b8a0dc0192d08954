"""An Ax experiment for runs of thousands of trials."""

from __future__ import annotations

from collections.abc import Iterable

from ax.core.data import Data
from ax.core.experiment import Experiment


class SearchExperiment(Experiment):
    """Ax's ``Experiment``, which looks the data of a trial up without sorting those of all.

    Ax does so whenever a trial is completed. It is stored as an ``Experiment``; read from a
    database it is one of these again.

    Args:
        args: As for Ax's ``Experiment``.
        kwargs: Likewise.
    """

    def lookup_data(self, trial_indices: Iterable[int] | None = None) -> Data:
        """The data of some trials.

        Args:
            trial_indices: Their indices; None for all trials.
        """
        if trial_indices is None:
            return self.data
        wanted, rows = set(trial_indices), self.data._data_rows
        found = [row for row in rows if row.trial_index in wanted]
        return self.data if len(found) == len(rows) else Data(data_rows=found)
