"""An ordinary Ax experiment over a cell, in one call."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ax.api.client import Client
from ax.api.configs import StorageConfig
from ax.api.types import TOutcome
from ax.core.experiment import Experiment
from ax.core.metric import Metric
from ax.early_stopping.strategies import BaseEarlyStoppingStrategy

from ax_anasod import storage  # noqa: F401  (registers our classes)
from ax_anasod._ax import experiment_of, save_trial
from ax_anasod.cells import Architecture, Cell
from ax_anasod.core import SEARCH_SPACES, AnasodSearchSpace, CellSearchSpace, RunProperties
from ax_anasod.core.architectures import ARCHITECTURE, space_of_run
from ax_anasod.core.ax_objectives import (
    check_metric_names,
    check_objective_name,
    directions,
    metrics_by_name,
    optimization_config,
    warn_if_minimised,
)
from ax_anasod.core.ax_parameters import AnyConstraint, AnyParameter
from ax_anasod.core.bound_space import require_cell_bound
from ax_anasod.core.search_experiment import NAME, SearchExperiment, free_name
from ax_anasod.core.seeding import check_seed
from ax_anasod.dnas import OneShotResult
from ax_anasod.early_stopping import stop_worst
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.generation_strategy import Start, check_objectives, check_takes_features, get, make
from ax_anasod.generators.two_level_generator import FEATURE_SEPARATOR
from ax_anasod.metrics.known_quantities import check_mapping, known_metric
from ax_anasod.metrics.prior import Prior, given_architectures
from ax_anasod.objectives import Limit, name_list

if TYPE_CHECKING:
    from ax.service.ax_client import AxClient


def make_search_space(
    cell: Cell,
    strategy: str,
    parameters: Sequence[AnyParameter] = (),
    parameter_constraints: Sequence[AnyConstraint] = (),
) -> AnasodSearchSpace | CellSearchSpace:
    """The search space that a strategy needs on a cell.

    Args:
        cell: The cell.
        strategy: Name of the strategy.
        parameters: Hyperparameters searched beside the cell, as for
            :meth:`ax_anasod.core.AnasodSearchSpace.from_cell`.
        parameter_constraints: Linear constraints on counts or ranges, as for the same method.

    Raises:
        UnknownNameError: There is no such strategy.
        OptionError: A parameter or constraint cannot be searched.
    """
    return SEARCH_SPACES[get(strategy).space].from_cell(cell, parameters, parameter_constraints)


def make_experiment(
    search_space: AnasodSearchSpace | CellSearchSpace,
    objectives: str | Sequence[str] | None = None,
    *,
    maximize: str | Sequence[str] = (),
    reported: str | Sequence[str] = (),
    metrics: Metric | Sequence[Metric] = (),
    known: Mapping[str, object] | None = None,
    limits: str | Sequence[str] = (),
    seed: int = 0,
    strategy: str | None = None,
    options: dict[str, Any] | None = None,
    name: str = NAME,
) -> Experiment:
    """An Ax ``Experiment`` that remembers its cell and seed through JSON and SQL.

    Its objectives may be changed (``Client.configure_optimization``) before the first trial,
    and not after it: Ax then need not store them again with each trial.

    Args:
        search_space: The search space.
        objectives: Names of the metrics to minimise (``"-error"``, Ax's way to say so, is the
            same as ``"error"``); several search for a Pareto front. By default ``"error"``,
            where nothing is maximised.
        maximize: Names of the metrics to maximise, which need not be among the objectives too.
        reported: Names of metrics that are recorded but not searched.
        metrics: Ax metrics that fetch some of these by themselves, where a runner is used;
            one may be given as it is.
        known: Names of metrics that are computed from an architecture and need no reporting ->
            how: a :class:`ax_anasod.core.known.KnownMetric`, a benchmark with a quantity of the
            name, operation -> cost (or one such mapping for each block), or a function from
            codes ``n x d`` to ``n`` values. Metrics neither searched nor limited are reported.
        limits: Limits that trials must keep, such as ``"latency <= 5"`` or ``"accuracy >= 90"``,
            in the units of the metric: they are Ax's outcome constraints; a limit on one of
            several objectives is its threshold.
        seed: The seed of the run, stored with it.
        strategy: Name of the strategy, stored with it.
        options: The strategy's options, stored with it.
        name: Name of the experiment.

    Raises:
        OptionError: No objective is given, a name is given twice, Ax cannot take the name of
            an objective or limit, a metric is no Ax metric or has a name that is none of these,
            a limit is invalid or on the only objective, a known quantity cannot be computed, or
            the seed is invalid.

    Warns:
        ObjectiveWarning: A minimised metric has the name of an accuracy.
    """
    require_cell_bound(search_space)
    lower, recorded = directions(objectives, maximize), name_list("reported", reported)
    names, by_name = tuple(lower), metrics_by_name(metrics)
    bounds = [Limit.parse(text) for text in name_list("limits", limits)]
    for limit in bounds:
        check_objective_name(limit.name)
    limited = [limit.name for limit in bounds if limit.name not in names]
    check_mapping("known", known or {})
    given = [name for name in known or {} if name not in (*names, *limited, *recorded)]
    recorded = (*recorded, *dict.fromkeys(n for n in limited if n not in recorded), *given)
    for computed, how in (known or {}).items():
        if computed in by_name:
            raise OptionError(f"{computed!r} is among the known quantities and the metrics")
        by_name[computed] = known_metric(computed, search_space.cell, how, tried=True)
    check_metric_names(names, recorded, by_name)
    warn_if_minimised(name for name in names if lower[name])
    experiment = SearchExperiment(
        name=name,
        search_space=search_space,
        optimization_config=optimization_config(lower, bounds),
        tracking_metrics=[
            by_name.get(n, Metric(n, lower_is_better=lower.get(n, True)))
            for n in (*names, *recorded)
        ],
        # Storing both again with each trial would take twice the time, growing with the run.
        properties={"immutable_search_space_and_opt_config": True},
    )
    RunProperties(
        cell=search_space.cell.to_dict(),
        space=search_space.kind,
        seed=check_seed(seed),
        strategy=strategy,
        options=options or {},
    ).write(experiment)
    return experiment


def make_client(
    cell: Cell,
    strategy: str = "anasod-bo",
    *,
    objectives: str | Sequence[str] | None = None,
    maximize: str | Sequence[str] = (),
    reported: str | Sequence[str] = (),
    metrics: Metric | Sequence[Metric] = (),
    known: Mapping[str, object] | None = None,
    limits: str | Sequence[str] = (),
    seed: int = 0,
    name: str | None = None,
    storage_config: StorageConfig | None = None,
    early_stopping: float | BaseEarlyStoppingStrategy = 50.0,
    start: Start | OneShotResult | str | Path | None = None,
    start_with: Iterable[Architecture | str] | Mapping[Architecture | str, TOutcome | None] = (),
    features: Mapping[str, object] | Sequence[str] = (),
    sources: Sequence[object] = (),
    parameters: Sequence[AnyParameter] = (),
    parameter_constraints: Sequence[AnyConstraint] = (),
    **options: Any,
) -> Client:
    """An Ax ``Client`` ready for ``get_next_trials`` and ``complete_trial``.

    Args:
        cell: The cell to search.
        strategy: Name of the strategy.
        objectives: Names of the metrics to minimise, as for :func:`make_experiment`.
        maximize: Names of the metrics to maximise.
        reported: Names of metrics that are recorded but not searched.
        metrics: Ax metrics that fetch some of these by themselves.
        known: Metrics that are computed from an architecture, as for :func:`make_experiment`.
        limits: Limits that trials must keep, as for :func:`make_experiment`.
        seed: Every random number of the run is derived from it.
        name: Name of the experiment; by default one that is not in the database,
            ``"ax_anasod"``, ``"ax_anasod 2"``, ...
        storage_config: Save to a database after every call
            (:func:`ax_anasod.storage.storage_config`).
        early_stopping: The rule of ``should_stop_trial_early``, for loops that attach data with
            a ``progression``: a trial stops if it is among this share of the worst, in percent,
            compared with five others or more; or Ax's strategy. Ax keeps it in JSON, and not
            in a database.
        start: The result of a differentiable search, as for
            :func:`ax_anasod.generation_strategy.make`: its best cells are the first trials. Or
            the name of a feature, known quantity or proxy: the first trials are the five cells of
            distinct function for which it is largest (``"-name"``: smallest).
        start_with: Architectures that are the first trials, before those of ``start``. Or
            architecture -> values of earlier work, as for :func:`attach_architecture`, which are
            trials from the beginning; None for architectures to try.
        features: Quantities known of an architecture before its trial that may help to predict the
            objectives (``two-level-bo``): name -> how, as for ``known``; a function may also give
            ``n x f`` values. Or names of proxies (:data:`ax_anasod.proxies.PROXIES`). The
            weight of each is fitted.
        sources: Earlier searches of the same cell, on other data or with shorter trainings, whose
            predictions are features, and whose five best cells are the first trials
            (random ones follow up to ``num_initial``): clients, experiments, run folders, or pairs
            of one of these and the name of its objective.
        parameters: Hyperparameters searched beside the cell, such as a learning rate: Ax's
            ``RangeParameter``, ``ChoiceParameter`` and ``FixedParameter``, and configurations of
            ``ax.api``. They are in the parameters of each trial.
        parameter_constraints: Linear constraints on counts, such as ``"n_skip <= 3"``, or on these
            ranges.
        options: Options of the strategy.

    Raises:
        UnknownNameError: The strategy or an option is unknown.
        OptionError: The strategy cannot search several objectives, or obey limits, the share is
            invalid, the start or a source is of another cell, a feature is not finite, constant,
            of another length or an objective, or `make_experiment` raises it.
        CellError: ``cell`` is no cell.
        RunError: The database has an experiment of this name, or the start or a source cannot be
            read.
    """
    searched = list(directions(objectives, maximize))
    check_objectives(strategy, searched, name_list("limits", limits))
    search_space = make_search_space(cell, strategy, parameters, parameter_constraints)
    prior = Prior.of(cell, features, sources, searched, known or {}, check_seed(seed))
    given = given_architectures(cell, start_with)
    tried = [architecture.code for architecture, data in given if data is None]
    first = np.concatenate([*([np.stack(tried)] if tried else []), prior.first_trials(start)])
    known = {**(known or {}), **prior.metrics}
    if prior.metrics:
        check_takes_features(strategy, "features and sources")
        options["features"] = FEATURE_SEPARATOR.join(prior.metrics)
    try:
        generation_strategy = make(
            strategy,
            search_space,
            seed,
            start=None if prior.names_feature(start) else start,
            first=first,
            at_least=len(given),
            **options,
        )
    except UnknownNameError as error:
        arguments = inspect.signature(make_client).parameters
        if not difflib.get_close_matches(str(error.name), arguments, n=1):
            raise
        raise UnknownNameError(error.kind, error.name, [*error.known, *arguments]) from None
    if not isinstance(early_stopping, BaseEarlyStoppingStrategy):
        early_stopping = stop_worst(early_stopping)
    if not isinstance(storage_config, StorageConfig | None):
        raise OptionError(
            f"storage_config is {storage_config!r}",
            "make one with ax_anasod.storage.storage_config(path)",
        )
    client = Client(storage_config=storage_config)
    client.set_experiment(
        make_experiment(
            search_space,
            objectives,
            maximize=maximize,
            reported=reported,
            metrics=metrics,
            known=known,
            limits=limits,
            seed=seed,
            strategy=strategy,
            options=options,
            name=free_name(client, name),
        )
    )
    client.set_generation_strategy(generation_strategy)
    client.set_early_stopping_strategy(early_stopping)
    for architecture, data in given:
        if data is not None:
            attach_architecture(client, architecture, data)
    return client


def attach_architecture(
    client: Client | AxClient,
    architecture: Architecture | str,
    data: TOutcome | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> int:
    """Add a trial of an architecture of your own, such as a published one.

    Args:
        client: The client of the search.
        architecture: The architecture, or its string.
        data: Its values, metric -> value or (value, standard error), which complete the trial;
            without them it is running.
        parameters: The values of the hyperparameters.

    Returns:
        The index of the trial, for ``complete_trial``.

    Raises:
        OptionError: The client has no experiment of this package.
        ArchitectureError: The architecture is of another cell.
        EncodingError: The parts of the architecture have different operation distributions,
            so that no encoding of the space is exact.
    """
    experiment, space = experiment_of(client), space_of_run(client)
    if isinstance(architecture, str):
        architecture = space.cell.architecture(architecture)
    arm: dict[str, Any] = {**space.encode(architecture), **(parameters or {})}
    own = {ARCHITECTURE: str(architecture)}
    _, index = experiment.attach_trial([arm], run_metadata=own)
    save_trial(client, index)
    if data is not None:
        client.complete_trial(index, raw_data=data)
    return index
