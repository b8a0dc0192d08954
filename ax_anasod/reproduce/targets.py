"""Every table and figure of the paper that can be made again, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ax_anasod.compare import Observer
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.nasbench import Benchmark
from ax_anasod.reproduce.distributions import TITLES, reproduce_spread
from ax_anasod.reproduce.protocol import SEARCH_TARGETS, SEEDS
from ax_anasod.reproduce.searches import reproduce_searches
from ax_anasod.reproduce.view import Reproduction
from ax_anasod.runs.layout import check_holds_no_run, check_is_no_file, refusing

TARGETS: Final = ("table1", "table2", "table6", "figure2", "figure3", "figure6")
"""Their names."""

DRAWN: Final = tuple(TITLES)
"""Those that come from random samples; the others come from searches."""


def check_target(target: str) -> None:
    """Refuse a name that no table or figure has.

    Raises:
        UnknownNameError: So it is.
    """
    if target not in TARGETS:
        raise UnknownNameError("table or figure", target, TARGETS)


def reproduce(
    target: str,
    benchmark: Benchmark,
    *,
    seeds: int = SEEDS,
    most_trials: int | None = None,
    jobs: int = 1,
    out: str | Path | None = None,
    observer: Observer | None = None,
) -> Reproduction:
    """Make a table or figure of the paper again, by its own protocol unless told otherwise.

    Args:
        target: One of :data:`TARGETS`.
        benchmark: The benchmark. Those of the paper are NAS-Bench-201 (validation error after
            200 epochs, ``seeds="single"``) and NAS-Bench-301.
        seeds: How many runs each method has, or how many samples are drawn.
        most_trials: Cut every budget to this; None keeps the paper's.
        jobs: How many processes work at a time.
        out: Folder that keeps the searches, so that they can go on.
        observer: Who watches.

    Raises:
        UnknownNameError: There is no such target.
        AnasodError: It cannot be made on this benchmark, or not as asked.
    """
    check_target(target)
    for objective in benchmark.objectives:
        if not objective.minimize:
            raise OptionError(
                f"the paper's tables are of errors; {objective.name!r} is to be maximised",
                "an accuracy in percent can be searched as an error",
            )
    if target in TITLES:
        if most_trials is not None:
            raise OptionError(
                f"{target} comes from random draws, not from searches, so there are no trials "
                "to cut"
            )
        if out is not None:
            with refusing(Path(out), "used"):
                check_is_no_file(Path(out))
                check_holds_no_run(Path(out))
        return reproduce_spread(target, benchmark, seeds=seeds, observer=observer)
    return reproduce_searches(
        SEARCH_TARGETS[target],
        benchmark,
        seeds=seeds,
        most_trials=most_trials,
        jobs=jobs,
        out=out,
        observer=observer,
    )
