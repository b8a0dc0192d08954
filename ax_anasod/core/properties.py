"""What a run must remember besides its trials: the cell, the seed, the strategy.

Kept in ``Experiment.properties``, which Ax stores in JSON and in SQL as they are.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

from ax.core.experiment import Experiment

KEY: Final = "ax_anasod"


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
        stored = experiment._properties.get(KEY)
        return None if stored is None else cls(**stored)

    def write(self, experiment: Experiment) -> None:
        """Store the properties on an experiment."""
        experiment._properties[KEY] = asdict(self)
