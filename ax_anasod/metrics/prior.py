"""What a user knows before a search: features, and earlier searches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.core.known import KnownMetric
from ax_anasod.core.seeding import start_rng
from ax_anasod.exceptions import OptionError
from ax_anasod.generators.known_features import KnownFeatures, best_architectures
from ax_anasod.generators.two_level import FEATURE_SEPARATOR
from ax_anasod.metrics.known import known_metric
from ax_anasod.metrics.source import EarlierSearch, earlier_search
from ax_anasod.typing import Codes

# How many of the first trials a feature chooses, and each source.
_FIRST: Final = 5


@dataclass(frozen=True)
class Prior:
    """The features of a search.

    Args:
        cell: The cell that is searched.
        metrics: What computes each feature, by name; those of earlier searches among them.
        known: Name -> how, of other quantities that are known.
    """

    cell: Cell
    metrics: Mapping[str, KnownMetric]
    known: Mapping[str, object]

    @classmethod
    def of(
        cls,
        cell: Cell,
        features: Mapping[str, object],
        sources: Sequence[object],
        objectives: Sequence[str],
        known: Mapping[str, object],
    ) -> Prior:
        """The features of a search, from what its user gives.

        Args:
            cell: The cell that is searched.
            features: Name -> how, see :func:`ax_anasod.metrics.known.known_metric`.
            sources: Earlier searches, see :func:`ax_anasod.metrics.source.earlier_search`. The
                feature of the first is called ``source``, those of others ``source_2``, ...
            objectives: Names of what is searched.
            known: Name -> how, of the quantities that are known: a known objective may be a
                feature for the others.

        Raises:
            OptionError: A feature is an objective or cannot be computed, or there are two of a
                name.
            AnasodError: A source cannot be read or is of another cell.
        """
        if not isinstance(features, Mapping):
            raise OptionError(
                f"features is {features!r}, which is no mapping", "give {name: how, ...}"
            )
        metrics: dict[str, KnownMetric] = {}
        for name, how in features.items():
            if name in objectives and name not in known:
                raise OptionError(
                    f"the feature {name!r} is the objective itself, which is not known before a "
                    "trial",
                    "leave it out",
                )
            if FEATURE_SEPARATOR in name:
                raise OptionError(f"the name of the feature {name!r} has a {FEATURE_SEPARATOR!r}")
            if known.get(name, how) is not how:
                raise OptionError(f"{name!r} is among the known quantities and the features")
            metrics[name] = known_metric(name, cell, how)
        for number, source in enumerate(sources, start=1):
            name = "source" if number == 1 else f"source_{number}"
            if name in metrics or name in objectives:
                raise OptionError(f"{name!r} is the name of a source: call the other one otherwise")
            metrics[name] = earlier_search(name, cell, source, objectives[0])
        # What cannot be used is refused now, not at the first trial with a model.
        KnownFeatures(cell, metrics.values())
        return cls(cell, metrics, known)

    def names_feature(self, start: object) -> bool:
        """Whether a start is the name of a feature, or of another known quantity."""
        names = {*self.metrics, *self.known}
        return isinstance(start, str) and bool(names & {start, start.removeprefix("-")})

    def first_trials(self, start: object, seed: int) -> Codes | None:
        """The architectures to begin with, codes ``n x d``; None where nothing says any.

        The best of each source, then those that a feature chooses.

        Args:
            start: The name of that feature, after a minus where less is better; anything else
                chooses none.
            seed: The seed of the run, which chooses among equals.
        """
        first = [m.best(_FIRST) for m in self.metrics.values() if isinstance(m, EarlierSearch)]
        if isinstance(start, str) and self.names_feature(start):
            hows = {**self.known, **self.metrics}
            name = start if start in hows else start.removeprefix("-")
            metric, smallest = known_metric(name, self.cell, hows[name]), name != start
            rng = start_rng(seed)
            first.append(best_architectures(self.cell, metric, _FIRST, rng, smallest=smallest))
        return np.concatenate(first) if first else None
