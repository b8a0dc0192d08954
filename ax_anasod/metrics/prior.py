"""The knowledge of a user before a search: features, and earlier searches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from ax_anasod.cells import Architecture, Cell
from ax_anasod.cells.keys import LISTED
from ax_anasod.core.known import KnownMetric
from ax_anasod.core.seeding import start_rng
from ax_anasod.exceptions import OptionError
from ax_anasod.generation_strategy.one_shot_start import check_same_cell
from ax_anasod.generators.known_features import KnownFeatures, best_architectures
from ax_anasod.generators.two_level_generator import FEATURE_SEPARATOR
from ax_anasod.metrics.known_quantities import check_mapping, known_metric
from ax_anasod.metrics.proxy import KnownProxy
from ax_anasod.metrics.source import EarlierSearch, earlier_search
from ax_anasod.proxies import PROXIES
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
        seed: The seed of the run.
    """

    cell: Cell
    metrics: Mapping[str, KnownMetric]
    known: Mapping[str, object]
    seed: int = 0

    @classmethod
    def of(
        cls,
        cell: Cell,
        features: Mapping[str, object] | Sequence[str],
        sources: Sequence[object],
        objectives: Sequence[str],
        known: Mapping[str, object],
        seed: int = 0,
    ) -> Prior:
        """The features of a search, from what its user gives.

        Args:
            cell: The cell that is searched.
            features: Name -> how, see :func:`ax_anasod.metrics.known_quantities.known_metric`; or
                names of proxies.
            sources: Earlier searches, see :func:`ax_anasod.metrics.source.earlier_search`. The
                feature of the first is called ``source``, those of others ``source_2``, ...
            objectives: Names of what is searched.
            known: Name -> how, of the quantities that are known: a known objective may be a
                feature for the others.
            seed: The seed of the run, and of its proxies.

        Raises:
            OptionError: A feature is an objective or cannot be computed, there are two of a
                name, or the cell has too many architectures for a proxy of each.
            AnasodError: A source cannot be read or is of another cell.
        """
        check_mapping("known", known)
        if isinstance(sources, str | Path) or not isinstance(sources, Sequence):
            raise OptionError(f"sources is {sources!r}", "give a list of earlier searches")
        is_listed = isinstance(features, Mapping | Sequence) and not isinstance(features, str)
        if not is_listed or not all(isinstance(name, str) for name in features):
            raise OptionError(
                f"features is {features!r}",
                "give {name: how, ...}, or a list of names of proxies",
            )
        if not isinstance(features, Mapping):
            features = {name: name for name in features}
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
            metrics[name] = known_metric(name, cell, how, seed=seed)
            _check_is_listed(metrics[name], cell)
        for number, source in enumerate(sources, start=1):
            name = "source" if number == 1 else f"source_{number}"
            if name in metrics or name in objectives:
                raise OptionError(f"{name!r} is the name of a source: call the other one otherwise")
            metrics[name] = earlier_search(name, cell, source, objectives[0])
        # What cannot be used is refused now, not at the first trial with a model.
        KnownFeatures(cell, metrics.values())
        return cls(cell, metrics, known, seed)

    def names_feature(self, start: object) -> bool:
        """Return True if a start names a feature, another known quantity, or a proxy."""
        names = {*self.metrics, *self.known, *PROXIES}
        return isinstance(start, str) and bool(names & {start, start.removeprefix("-")})

    def first_trials(self, start: object) -> Codes:
        """The architectures to begin with, codes ``n x d``.

        The best of each source, then those that a feature chooses.

        Args:
            start: The name of that feature, after a minus where less is better; anything else
                chooses none.
        """
        first = [m.best(_FIRST) for m in self.metrics.values() if isinstance(m, EarlierSearch)]
        if isinstance(start, str) and self.names_feature(start):
            hows = {**{name: name for name in PROXIES}, **self.known, **self.metrics}
            name = start if start in hows else start.removeprefix("-")
            metric = known_metric(name, self.cell, hows[name], seed=self.seed)
            first.append(chosen_by(metric, self.cell, self.seed, smallest=name != start))
        return np.concatenate([np.empty((0, len(self.cell.code_sizes)), dtype=np.int64), *first])


def chosen_by(metric: KnownMetric, cell: Cell, seed: int, *, smallest: bool) -> Codes:
    """The first trials that a known quantity chooses, codes ``n x d``.

    Args:
        metric: What computes it.
        cell: The cell.
        seed: The seed of the run, which chooses among equals.
        smallest: True if less is better.

    Raises:
        OptionError: As :func:`ax_anasod.generators.known_features.best_architectures`.
    """
    return best_architectures(cell, metric, _FIRST, start_rng(seed), smallest=smallest)


def _check_is_listed(metric: KnownMetric, cell: Cell) -> None:
    """Check that a feature builds no network for each of very many candidates.

    Raises:
        OptionError: The metric builds a network for each architecture, and the cell has too many.
    """
    if isinstance(metric, KnownProxy) and cell.num_listed > LISTED and not metric.is_sum:
        raise OptionError(
            f"the proxy {metric.proxy!r} cannot be a feature on cell {cell.name!r}: each of "
            f"thousands of candidates a trial would need a network; it is for cells of at most "
            f"{LISTED:,} codes",
            "let it choose the first trials (a start)",
        )


def given_architectures(
    cell: Cell, start_with: Iterable[Architecture | str] | Mapping[Architecture | str, Any]
) -> list[tuple[Architecture, Any]]:
    """The architectures to start with, and their values where these are known.

    Args:
        cell: The cell that is searched.
        start_with: Architectures, or architecture -> what Ax is told of it, None for nothing.

    Raises:
        OptionError: The value is neither, or has an architecture of another cell.
        ArchitectureError: A text is no architecture of the cell.
    """
    data = start_with if isinstance(start_with, Mapping) else {}
    if isinstance(start_with, str) or not isinstance(start_with, Iterable):
        raise OptionError(
            f"start_with is {start_with!r}", "give architectures, or {architecture: values}"
        )
    given = []
    for each in start_with:
        architecture = cell.architecture(each) if isinstance(each, str) else each
        if not isinstance(architecture, Architecture):
            raise OptionError(f"start_with has {each!r}, which is no architecture")
        if architecture.cell != cell:
            check_same_cell(cast(Cell, architecture.cell), cell, "architecture")
        given.append((architecture, data.get(each)))
    return given
