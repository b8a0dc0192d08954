"""Our Ax experiments: fast for thousands of trials, and aware of their cell and seed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ax.core.data import Data
from ax.core.experiment import Experiment
from ax.core.metric import Metric

from ax_anasod._ax import data_rows, is_stored, properties_of
from ax_anasod.exceptions import RunError

if TYPE_CHECKING:
    from ax.api.client import Client

KEY: Final = "ax_anasod"
NAME: Final = "ax_anasod"
"""The name of an experiment that was given none."""


@dataclass(frozen=True)
class RunProperties:
    """The part of an experiment's properties that belongs to this package.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        space: ``"encoding"`` (:class:`AnasodSearchSpace`) or ``"architecture"``
            (:class:`CellSearchSpace`).
        seed: The seed from which every random number of the run is derived.
        strategy: The name of the strategy, where one of ours was used.
        options: Its options.
    """

    cell: dict[str, Any]
    space: str
    seed: int = 0
    strategy: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, experiment: Experiment) -> RunProperties | None:
        """The properties of an experiment, or None where it is not one of ours."""
        stored = properties_of(experiment).get(KEY)
        return None if stored is None else cls(**stored)

    def write(self, experiment: Experiment) -> None:
        """Store the properties on an experiment."""
        properties_of(experiment)[KEY] = asdict(self)


class ComputedMetric(Metric):
    """A metric that needs nothing but the arms of a trial to be fetched."""


class SearchExperiment(Experiment):
    """Ax's ``Experiment``, which looks the data of a trial up without sorting those of all.

    Ax does so whenever a trial is completed. With the first data of a trial it also attaches
    its known quantities (:class:`ax_anasod.core.known.KnownMetric`), which Ax's own fronts and
    reports then have. It is stored as an ``Experiment``; read from a database it is one of these
    again.

    Args:
        args: As for Ax's ``Experiment``.
        kwargs: As for Ax's ``Experiment``.
    """

    def lookup_data(self, trial_indices: Iterable[int] | None = None) -> Data:
        """The data of some trials.

        Args:
            trial_indices: Their indices; None for all trials.
        """
        if trial_indices is None:
            return self.data
        wanted, rows = set(trial_indices), data_rows(self.data)
        found = [row for row in rows if row.trial_index in wanted]
        return self.data if len(found) == len(rows) else Data(data_rows=found)

    def attach_data(self, data: Data, **kwargs: Any) -> None:
        """Attach data, and what is known of the trials that they are of.

        Args:
            data: As for Ax's ``Experiment``.
            kwargs: As for Ax's ``Experiment``.
        """
        known = [metric for metric in self.metrics.values() if isinstance(metric, ComputedMetric)]
        if known:
            told = {(row.trial_index, row.metric_signature) for row in data_rows(data)}
            told |= {(row.trial_index, row.metric_signature) for row in data_rows(self.data)}
            rows = list(data_rows(data))
            for index in sorted({index for index, _ in told} & self.trials.keys()):
                for metric in known:
                    if (index, metric.signature) not in told:
                        rows += data_rows(metric.fetch_trial_data(self.trials[index]).unwrap())
            data = Data(data_rows=rows)
        super().attach_data(data, **kwargs)


def free_name(client: Client, name: str | None) -> str:
    """The name of a new experiment in the client's database.

    Args:
        client: The client.
        name: The name that is wanted; None for one that is free, ``"ax_anasod"``,
            ``"ax_anasod 2"``, ...

    Raises:
        RunError: The name is taken.
    """
    numbered = (f"{NAME} {number}" for number in itertools.count(2))
    for candidate in itertools.chain([NAME], numbered) if name is None else [name]:
        if not is_stored(client, candidate):
            return candidate
    raise RunError(
        f"the database holds an experiment {name!r} already",
        f"Client.load_from_database({name!r}, storage_config) goes on with it; or choose another "
        "name",
    )
