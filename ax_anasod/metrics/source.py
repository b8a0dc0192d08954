"""Predictions of an earlier search for the architectures of the next one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ax_anasod._ax import experiment_of
from ax_anasod.cells import Cell, as_cell
from ax_anasod.core.architectures import architecture_of, space_of_run
from ax_anasod.core.ax_objectives import objective_signs
from ax_anasod.core.history_reader import read_history
from ax_anasod.core.known import KnownMetric
from ax_anasod.exceptions import AnasodError, OptionError, UnknownNameError
from ax_anasod.files import read_json
from ax_anasod.generation_strategy.one_shot_start import check_same_cell
from ax_anasod.generators.targets import half_ranked, linked, standardized
from ax_anasod.journal import CONFIG, JOURNAL, Completed, read_records
from ax_anasod.objectives import Objective
from ax_anasod.surrogates import LevelFeatures, LevelName, ObservedLevels, TwoLevelGP, levels_of
from ax_anasod.typing import Codes, Values


class EarlierSearch(KnownMetric):
    """A feature of an architecture: the prediction of an earlier search's two-level model.

    The earlier search may have been on other data, with fewer epochs or with smaller networks:
    its predictions are a feature, whose weight the later search fits. Lower is better, in
    standard deviations of the logarithms that were modelled. It holds the trials themselves, so
    that nothing else is needed of the earlier search, and is stored with them.

    Args:
        name: Name of the feature.
        cell: The cell of the later search, or its ``to_dict()``, which is what Ax stores.
        architectures: The architectures of its trials that have a value, as strings.
        targets: Their values, of which less is better.

    Raises:
        OptionError: ``targets`` is empty, or has not one value for each architecture.
        ArchitectureError: A string is not an architecture of the cell.
    """

    def __init__(
        self,
        name: str,
        cell: Cell | Mapping[str, Any],
        architectures: Sequence[str],
        targets: Sequence[float],
    ) -> None:
        restored = as_cell(cell)
        if not len(targets) or len(architectures) != len(targets):
            raise OptionError(
                f"{name}: an earlier search needs a value of each of its trials, got "
                f"{len(targets)} values of {len(architectures)} architectures",
                "a source is a search with trials that have ended",
            )
        super().__init__(name=name)
        self.cell = restored.to_dict()
        self.architectures, self.targets = list(architectures), [float(t) for t in targets]
        self._codes = restored.from_strings(self.architectures)
        self._restored = restored

    def best(self, n: int) -> Codes:
        """Its architectures with the best values, the best first, at most ``n x d``."""
        order = np.argsort(self.targets, kind="stable")
        _, first = np.unique(self._codes[order], axis=0, return_index=True)
        return self._codes[order[np.sort(first)[:n]]]

    def values(self, codes: Codes) -> Values:
        """The posterior means of ``n x d`` codes, ``n``."""
        model = _model(self._restored, tuple(self.architectures), tuple(self.targets))
        return model.predict(codes)


@dataclass(frozen=True)
class _Model:
    cell: Cell
    observed: ObservedLevels
    surrogate: TwoLevelGP

    def predict(self, codes: Codes) -> Values:
        ((mean, _),) = self.observed.predict(LevelFeatures(self.cell, codes), [self.surrogate])
        return mean


def believed(
    cell: Cell, codes: Codes, targets: Values, names: Collection[LevelName] | None = None
) -> Values:
    """The posterior means of trials under the two-level model that is fitted to them.

    A value that was lucky is pulled to those of architectures like it.

    Args:
        cell: The cell.
        codes: ``n x d`` codes, one a trial.
        targets: ``n`` values, of which less is better.
        names: The levels that tell architectures apart; None for all.

    Returns:
        The posterior means ``n``, as for `EarlierSearch`.
    """
    return _fitted(cell, codes, targets, names).predict(cell.canonical(codes))


@lru_cache(maxsize=16)
def _model(cell: Cell, architectures: tuple[str, ...], targets: tuple[float, ...]) -> _Model:
    return _fitted(cell, cell.from_strings(architectures), np.array(targets))


def _fitted(
    cell: Cell, codes: Codes, targets: Values, names: Collection[LevelName] | None = None
) -> _Model:
    levels = [level for n, level in levels_of(cell).items() if names is None or n in names]
    observed = ObservedLevels(cell, levels, cell.canonical(codes))
    modelled, _, _ = linked(targets, log_targets=True)
    return _Model(cell, observed, observed.fit(standardized(half_ranked(modelled))[0]))


def earlier_search(name: str, cell: Cell, source: object, objective: str) -> EarlierSearch:
    """The feature of an earlier search, whose trials may be in a client, a folder, or at hand.

    Args:
        name: Name of the feature.
        cell: The cell that is searched now.
        source: Ax's ``Client``, ``AxClient`` or ``Experiment``; the path of a run folder; an
            `EarlierSearch`; or a pair of one of these and the name of an objective of it.
        objective: What is searched now: of several objectives of the source the one of this
            name counts, unless the pair says which.

    Raises:
        OptionError: The source is none of these, has no value, or is of another cell.
        UnknownNameError: The source has several objectives, none of this name.
        RunError: The folder holds no run, or a damaged one.
    """
    chosen = None
    if isinstance(source, tuple) and len(source) == 2:
        source, chosen = source
    if isinstance(source, EarlierSearch):
        architectures, targets, where = source.architectures, source.targets, source.name
    elif isinstance(source, str | Path):
        where = f"the run {source}"
        architectures, targets = _of_folder(Path(source), cell, chosen, objective)
    else:
        experiment = experiment_of(source)
        where = f"the experiment {experiment.name!r}"
        architectures, targets = _of_experiment(source, cell, chosen, objective)
    if not targets:
        raise OptionError(
            f"{where} has no trial with a value, so that it says nothing", "search it first"
        )
    try:
        return EarlierSearch(name, cell, architectures, targets)
    except AnasodError as error:
        raise OptionError(
            f"{where} is no source for cell {cell.name!r}: {error.message}",
            "a source is an earlier search of the same cell",
        ) from error


@dataclass(frozen=True)
class _Searched:
    """The part of a run's configuration that is needed here."""

    objectives: tuple[Objective, ...]
    benchmark: dict[str, Any]


def _of_folder(
    path: Path, cell: Cell, chosen: str | None, objective: str
) -> tuple[list[str], list[float]]:
    """The architectures and targets of a run folder, without its benchmark."""
    run = read_json(path / CONFIG, _Searched)
    # Benchmarks of one cell do not name it; their strings tell.
    described = run.benchmark.get("cell")
    if isinstance(described, dict):
        check_same_cell(as_cell(described), cell, "source")
    signs = {quantity.name: quantity.sign for quantity in run.objectives}
    name = _one_of(signs, chosen, objective)
    ends = [record.end for record in read_records(path / JOURNAL)]
    done = [end for end in ends if isinstance(end, Completed)]
    return [end.architecture for end in done], [signs[name] * end.values[name] for end in done]


def _of_experiment(
    source: object, cell: Cell, chosen: str | None, objective: str
) -> tuple[list[str], list[float]]:
    """The architectures and targets of what Ax calls a client."""
    experiment, space = experiment_of(source), space_of_run(source)
    check_same_cell(space.cell, cell, "source")
    config = experiment.optimization_config
    signs = {} if config is None else dict(objective_signs(config))
    column = list(signs).index(_one_of(signs, chosen, objective))
    history = read_history(experiment, space)
    targets = history.values[:, column]
    done = np.isfinite(targets)
    trials = history.trial_indices[done].tolist()
    return [str(architecture_of(source, t)) for t in trials], targets[done].tolist()


def _one_of(signs: Mapping[str, float], chosen: str | None, objective: str) -> str:
    """The objective of a source that counts."""
    if chosen is None and len(signs) == 1:
        return next(iter(signs))
    name = objective if chosen is None else chosen
    if name not in signs:
        raise UnknownNameError("objective of the source", name, signs)
    return name
