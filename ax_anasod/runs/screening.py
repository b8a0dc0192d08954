"""Screen, then train: a search of a cheap column before that of the one that matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ax_anasod.exceptions import OptionError
from ax_anasod.generation_strategy import check_takes_features
from ax_anasod.journal import Completed, Record
from ax_anasod.metrics import EarlierSearch
from ax_anasod.nasbench import Benchmark, TableBenchmark
from ax_anasod.runs.loop import Search
from ax_anasod.runs.planning import plan_run
from ax_anasod.runs.run_config import Screening

# The best of the cheap search come first; random trials beside them would only cost.
_NUM_INITIAL: Final = 5


def check_screening(screening: Screening, benchmark: Benchmark, strategy: str) -> TableBenchmark:
    """Check that a benchmark can be screened, and return the benchmark of the cheap search.

    Raises:
        OptionError: The benchmark is no table, its objective is the cheap column, or the strategy
            makes nothing of an earlier search.
        UnknownNameError: There is no such column, or strategy.
    """
    if not isinstance(benchmark, TableBenchmark):
        raise OptionError(
            f"only tables are screened by a column, not {benchmark.name!r}",
            "search the cheap form into a folder, and name that with --source",
        )
    check_takes_features(strategy, "a search of a cheap column")
    if benchmark.hyperparameters:
        raise OptionError(
            f"a search with {', '.join(benchmark.hyperparameters.names)} beside the cell is not "
            "screened",
            "leave out one of the two",
        )
    cheap = benchmark.for_column(screening.column)
    if cheap.objectives[0].name == benchmark.objectives[0].name:
        raise OptionError(
            f"{screening.column!r} is the objective itself",
            "name a cheaper column that leads to it",
        )
    return cheap


def screened(
    screening: Screening,
    benchmark: Benchmark,
    strategy: str,
    options: Mapping[str, Any],
    *,
    seed: int,
    constraints: Sequence[str] = (),
    after_trial: Callable[[Record], None] = lambda record: None,
) -> EarlierSearch:
    """Search the cheap column.

    Args:
        screening: The cheap column, and the number of trials.
        benchmark: The benchmark of the search that follows.
        strategy: The strategy of both.
        options: Its options.
        seed: The seed of both.
        constraints: Constraints on the counts of the operations in both.
        after_trial: Called with each trial.

    Returns:
        What the search that follows begins with: its best architectures, and its model as a
        feature.

    Raises:
        AnasodError: `check_screening` refuses the arguments, or the cheap search fails.
    """
    cheap = check_screening(screening, benchmark, strategy)
    config = plan_run(
        cheap, strategy, options, trials=screening.trials, seed=seed, constraints=constraints
    )
    run = Search(config, cheap)
    run.run(screening.trials, after_trial)
    ends = [record.end for record in run.records if isinstance(record.end, Completed)]
    (objective,) = config.objectives
    return EarlierSearch(
        "source",
        cheap.cell,
        [end.architecture for end in ends],
        [objective.sign * end.values[objective.name] for end in ends],
    )


def options_after(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the search that follows: fewer initial trials, unless a number is given."""
    return {"num_initial": _NUM_INITIAL, **options}
