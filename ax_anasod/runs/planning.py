"""A run before its first trial: its configuration, made of what was asked for."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from ax.utils.common.string_utils import SYMPY_GLOBALS

from ax_anasod.cells import Cell
from ax_anasod.core.ax_parameters import to_ax
from ax_anasod.environment import environment
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.experiment import make_search_space
from ax_anasod.generation_strategy import Start, check_objectives, check_searched_beside, get
from ax_anasod.generators.two_level_generator import FEATURE_SEPARATOR
from ax_anasod.global_stopping import check_until_improvement_below
from ax_anasod.hyperparameters import Hyperparameters
from ax_anasod.metrics import KnownProxy
from ax_anasod.metrics.prior import chosen_by
from ax_anasod.metrics.source import earlier_search
from ax_anasod.nasbench.benchmark import searched_beside
from ax_anasod.objectives import Limit, Objective, find_quantity
from ax_anasod.picking import parse_pick
from ax_anasod.proxies import PROXIES, ProxyConfig
from ax_anasod.runs.given import proxy_metric, proxy_values, read_given
from ax_anasod.runs.run_config import GivenArchitecture, ProxyFeature, RunConfig, Screening, Source
from ax_anasod.settings import Count, check_value
from ax_anasod.training.task import TrainingTask, find_operations
from ax_anasod.truth import KnowsAllValues, best_value, refuse_hopeless_limits

# What Ax's tables of trials, and our own of the best ones, call their columns.
_COLUMNS: Final = (
    *("trial_index", "arm_name", "trial_status", "status", "failure_reason", "generation_node"),
    *("generation_method", "metadata", "metric_name", "metric_signature", "mean", "sem", "step"),
    *("start_time", "end_time", "encoding", "architecture", "cost_seconds"),
)


class Subject(KnowsAllValues, Protocol):
    """The subject of a run: a benchmark, or networks that it trains."""

    @property
    def name(self) -> str:
        """The name in results."""
        ...

    @property
    def dataset(self) -> str | None:
        """Its data set, where there is one."""
        ...

    @property
    def cell(self) -> Cell:
        """The cell whose architectures it has."""
        ...

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The objectives."""
        ...

    @property
    def reported(self) -> tuple[Objective, ...]:
        """The quantities that are recorded but not searched."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description from which it is restored."""
        ...


def plan_run(
    benchmark: Subject,
    strategy: str,
    options: Mapping[str, Any] | None = None,
    *,
    trials: int,
    seed: int = 0,
    parallel: int = 1,
    execution: Mapping[str, Any] | None = None,
    until_improvement_below: float | None = None,
    start: Start | None = None,
    limits: Sequence[str] = (),
    constraints: Sequence[str] = (),
    hyperparameters: Hyperparameters | None = None,
    known: Sequence[str] = (),
    features: Sequence[str] = (),
    first: str = "",
    sources: Sequence[object] = (),
    start_with: Sequence[Path] = (),
    pick: str = "",
    screen: Screening | None = None,
) -> RunConfig:
    """The configuration of a new run.

    A strategy with a schedule over the planned number of trials is told ``trials``,
    unless its option ``num_trials`` says otherwise; a run that is continued beyond it
    keeps the schedule that it was started with. The trials of earlier work in ``start_with`` come
    in addition to ``trials``. A feature or start that is no quantity of the benchmark may be a
    proxy. What is searched beside the cell is, by default, what the benchmark has there.

    Raises:
        UnknownNameError: There is no such strategy, or what is limited, known, a feature or a
            start is no quantity of the benchmark.
        OptionError: A number is out of range, the benchmark has several objectives that the
            strategy cannot search, it cannot obey limits, one of these is none, the strategy does
            not say what improvement it expects, or no encoding keeps the constraints.
    """
    check_until_improvement_below(strategy, until_improvement_below)
    check_objectives(strategy, [objective.name for objective in benchmark.objectives], limits)
    for name, value in (("trials", trials), ("parallel", parallel)):
        check_value(name, value, Count)
    if start is not None and first:
        raise OptionError(
            f"the first trials are to be those of {start.source} and those with the best {first}",
            "give --from or --start",
        )
    quantities = (*benchmark.objectives, *benchmark.reported)
    bounds = tuple(map(Limit.parse, limits))
    beside = hyperparameters or searched_beside(benchmark)
    check_searched_beside(strategy, beside.names)
    options = dict(options or {})
    joined = options.pop("features", "").split(FEATURE_SEPARATOR)
    features = tuple(dict.fromkeys([*features, *filter(None, joined)]))
    features, proxies, known, first_of_all = _sort_known(
        benchmark, known, features, first, beside, seed
    )
    given = read_given(start_with, benchmark.cell, [q.name for q in quantities], beside.names)
    given += first_of_all
    for bound in bounds:
        find_quantity(bound.name, quantities)
    refuse_hopeless_limits(benchmark, benchmark.objectives, bounds)
    parse_pick(pick, benchmark.objectives, benchmark.reported)  # refuses
    cell, searched = benchmark.cell, benchmark.objectives[0].name
    found = [earlier_search("source", cell, source, searched) for source in sources]
    space = make_search_space(cell, strategy, to_ax(beside), tuple(constraints))
    metrics = metric_names((quantity.name for quantity in quantities), space.parameters)
    described = tuple(
        replace(
            q,
            metric=metrics[q.name],
            # The best of all architectures may break a constraint: it is no optimum then.
            optimum=None if constraints else best_value(benchmark, q, bounds),
        )
        for q in quantities
    )
    return RunConfig(
        environment=environment(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        benchmark=benchmark.to_dict(),
        benchmark_name=benchmark.name,
        dataset=benchmark.dataset,
        strategy=strategy,
        options=planned_options(strategy, options, trials),
        seed=seed,
        trials=trials + sum(bool(each.values) for each in given),
        parallel=parallel,
        objectives=described[: len(benchmark.objectives)],
        reported=described[len(benchmark.objectives) :],
        execution=dict(execution or {}),
        until_improvement_below=until_improvement_below,
        start={} if start is None else start.to_dict(),
        limits=bounds,
        constraints=tuple(constraints),
        hyperparameters=beside.to_dict() if beside else {},
        known=known,
        features=features,
        first="" if first_of_all else first,
        sources=tuple(Source(tuple(s.architectures), tuple(s.targets)) for s in found),
        proxies=tuple(
            ProxyFeature(name, proxy_values(proxy_metric(name, benchmark.cell, seed)))
            for name in proxies
        ),
        start_with=tuple(given),
        pick=pick,
        screen=screen,
    )


def _sort_known(
    benchmark: Subject,
    known: Sequence[str],
    features: Sequence[str],
    first: str,
    beside: Hyperparameters,
    seed: int,
) -> tuple[tuple[str, ...], list[str], tuple[str, ...], list[GivenArchitecture]]:
    """Sort the known quantities by the source of their values.

    Args:
        benchmark: The subject of the run.
        known: Quantities whose values are known.
        features: Quantities and proxies that help to predict.
        first: Quantity or proxy that chooses the first trials; a minus: less is better.
        beside: The hyperparameters that are searched beside the cell.
        seed: The seed of the run, and of its proxies.

    Returns:
        Features that are quantities, those that are proxies, all that is known, and first trials.

    Raises:
        UnknownNameError: There is no such quantity or proxy.
        OptionError: An objective would be known, or a proxy cannot be computed again.
    """
    start = first.removeprefix("-")
    starting = [start] if first else []
    _check_known_before([*features, *starting], known, [o.name for o in benchmark.objectives])
    quantities = (*benchmark.objectives, *benchmark.reported)
    # Of networks that are to be trained only costs are known.
    is_trained = isinstance(benchmark, TrainingTask)
    columns = [*known] if is_trained else [quantity.name for quantity in quantities]
    if beside and known and not is_trained:
        raise OptionError(
            f"the known quantities {[*known]} are those of architectures, and {[*beside.names]} is "
            "searched, too",
            "leave --known out",
        )
    for name in (*features, *starting):
        if name not in columns and name not in PROXIES:
            raise UnknownNameError("quantity or proxy", name, [*columns, *PROXIES])
    for name in known:
        find_quantity(name, quantities)
    proxies = [name for name in features if name not in columns]
    if proxies and getattr(benchmark, "operations", None) is not None:
        raise OptionError(
            f"the proxy {proxies[0]!r} of operations of your own cannot be a feature of a run, "
            "which may go on when they are other ones",
            "let it choose the first trials (--start)",
        )
    own = tuple(name for name in features if name in columns)
    chosen: list[GivenArchitecture] = []
    if starting and start not in columns:
        chosen, starting = _chosen_by_proxy(first, benchmark, seed), []
    both = dict.fromkeys([*known, *(name for name in starting if name not in own)])
    return own, proxies, tuple(both), chosen


def _chosen_by_proxy(first: str, benchmark: Subject, seed: int) -> list[GivenArchitecture]:
    """The architectures that a proxy chooses, which a run that goes on need not compute again.

    Args:
        first: Its name, after a minus where less is better.
        benchmark: The subject of the run.
        seed: The seed of the run.
    """
    cell, name = benchmark.cell, first.removeprefix("-")
    operations = getattr(benchmark, "operations", None)
    metric = KnownProxy(name, cell, ProxyConfig(seed=seed), operations=find_operations(operations))
    codes = chosen_by(metric, cell, seed, smallest=name != first)
    return [GivenArchitecture(text, {}) for text in cell.to_strings(codes)]


def _check_known_before(
    names: Sequence[str], known: Sequence[str], objectives: Sequence[str]
) -> None:
    """Raise an error if an objective, or its accuracy, is among the known quantities.

    Raises:
        OptionError: A known quantity or feature is an objective, or the accuracy of one.
    """
    for name in names:
        for objective in (name, f"{name}_error"):
            if objective in objectives and objective not in known:
                raise OptionError(
                    f"{name!r} is the objective itself, which is not known before a trial",
                    "leave it out",
                )
    if {each.removesuffix("_error") for each in objectives} <= {
        name.removesuffix("_error") for name in known
    }:
        raise OptionError(
            f"{', '.join(known)}: all that is searched would be known without a trial",
            "known may be what is limited, or one of several objectives",
        )


def planned_options(strategy: str, options: Mapping[str, Any], trials: int) -> dict[str, Any]:
    """The options of a run, with the planned number of trials where a schedule needs it.

    Args:
        strategy: Name of the strategy.
        options: Its options as they were given.
        trials: Number of planned trials.

    Raises:
        UnknownNameError: There is no such strategy.
    """
    wants_number = "num_trials" in get(strategy).options
    return {"num_trials": trials, **options} if wants_number else dict(options)


def metric_names(quantities: Iterable[str], parameters: Iterable[str] = ()) -> dict[str, str]:
    """A name that Ax can read for each quantity; its own where that will do.

    Args:
        quantities: Different names of objectives and reported quantities.
        parameters: Names of the parameters that are searched, which no metric can have.

    Returns:
        Quantity -> metric name, all different.

    Example:
        >>> metric_names(["valid_error", "val acc", "I"])
        {'valid_error': 'valid_error', 'val acc': 'metric_val_acc', 'I': 'metric_I'}
    """
    names, reserved = list(quantities), {*parameters, *_COLUMNS}
    own = {name for name in names if _is_variable(name) and name not in reserved}
    taken = own | reserved
    metrics = {}
    for name in names:
        metric = name
        if name not in own:
            stem = re.sub(r"[\W_]+", "_", f"metric_{name}", flags=re.ASCII)
            metric = stem
            number = 2
            while metric in taken:
                metric, number = f"{stem}_{number}", number + 1
            taken.add(metric)
        metrics[name] = metric
    return metrics


def _is_variable(name: str) -> bool:
    return (
        name.isascii()
        and name.isidentifier()
        and not keyword.iskeyword(name)
        # Sympy's own functions and constants, such as beta, N, S, E, zeta or test.
        and name not in SYMPY_GLOBALS
        and not hasattr(builtins, name)
        # A builtin, too, once an interactive session has computed something.
        and name != "_"
        # Ax writes dots and other characters as such marks, and reads the marks back.
        and "__" not in name
    )
