"""Every table and figure of the paper that can be made again, by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ax_anasod.compare import Observer
from ax_anasod.dnas import METHODS
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.nasbench import Benchmark
from ax_anasod.reproduce.distributions import TITLES, reproduce_spread
from ax_anasod.reproduce.one_shot_columns import columns_of
from ax_anasod.reproduce.one_shot_curves import METHODS_SHOWN, OneShotCurves
from ax_anasod.reproduce.one_shot_protocol import OneShotMethod, OneShotProtocol
from ax_anasod.reproduce.one_shot_runs import SEEDS as ONE_SHOT_SEEDS
from ax_anasod.reproduce.one_shot_runs import make_runs
from ax_anasod.reproduce.one_shot_table import OneShotTable
from ax_anasod.reproduce.protocol import SEARCH_TARGETS, SEEDS
from ax_anasod.reproduce.reproduction import Reproduction
from ax_anasod.reproduce.retrained import RETRAINED_TARGETS, reproduce_retrained
from ax_anasod.reproduce.sampled_cells import CELLS_SHOWN, reproduce_cells
from ax_anasod.reproduce.searches import reproduce_searches
from ax_anasod.runs.layout import COMPARISON, check_holds_no_other, check_is_no_file, refusing
from ax_anasod.training import ImageData

ONE_SHOT: Final = ("table3", "figure5")
"""The targets that come from differentiable searches."""

DRAWN: Final = tuple(TITLES)
"""The targets that come from random samples of a benchmark."""

CELLS: Final = "figure7"
"""The one that shows cells of a run."""

FROM_RUNS: Final = (*RETRAINED_TARGETS, CELLS)
"""The targets that show results of existing runs, without training."""

TARGETS: Final = tuple(
    sorted(
        [*TITLES, *SEARCH_TARGETS, *ONE_SHOT, *FROM_RUNS],
        key=lambda name: (name.startswith("figure"), name),
    )
)
"""Their names."""

# The paper's order; what it has no row of stands beside its kin.
_ORDER: Final = (
    "rsps",
    "darts",
    "darts-2",
    "setn",
    "enas",
    "gdas",
    "drnas",
    "beta-darts",
    "gaea",
    "gaea-erm",
)
METHODS_IN_TABLE: Final = (*_ORDER, *(name for name in METHODS if name not in _ORDER))
"""The methods of Table 3, in its order."""


def check_target(target: str) -> None:
    """Check that a name is that of a table or figure.

    Raises:
        UnknownNameError: ``target`` names no table or figure of the paper.
    """
    if target not in TARGETS:
        raise UnknownNameError("table or figure", target, TARGETS)


def reproduce(
    target: str,
    benchmark: Benchmark | Sequence[Benchmark] = (),
    *,
    seeds: int | None = None,
    most_trials: int | None = None,
    jobs: int = 1,
    out: str | Path | None = None,
    observer: Observer | None = None,
    protocol: OneShotProtocol | None = None,
    methods: Sequence[str | OneShotMethod] | None = None,
    images: ImageData | None = None,
    runs: Sequence[str | Path] = (),
) -> Reproduction:
    """Make a table or figure of the paper again, by its own protocol unless told otherwise.

    Args:
        target: One of :data:`TARGETS`.
        benchmark: The benchmark; Tables 4 and 5 and Figure 7 need none. Those of the paper are
            NAS-Bench-201 (validation error after 200 epochs, ``seeds="single"``) and
            NAS-Bench-301; for Table 3 and Figure 5 test errors on NAS-Bench-201, one or
            several objectives or benchmarks over one cell.
        seeds: How many runs each method has, or how many samples are drawn; by default 10, of
            Table 3 and Figure 5 3 (the paper does not say), of Figure 7 3.
        most_trials: Cut every budget of queries to this; None keeps the paper's.
        jobs: How many processes work at a time.
        out: Folder that keeps the searches, so that they can go on.
        observer: Who watches.
        protocol: Of Table 3 and Figure 5: images, network and training of all methods, by
            default `OneShotProtocol.at_scale` ``"cpu"`` on scikit-learn's digits.
        methods: Of Table 3 and Figure 5: the methods, by default all of
            :data:`METHODS_IN_TABLE`, and of the figure ``anasod-dnas``, ``gaea`` and ``darts``.
        images: Of Table 3 and Figure 5: the images of the protocol, if they have been read.
        runs: Of Tables 4 and 5: folders of evaluated networks; of Figure 7: one run.

    Raises:
        UnknownNameError: There is no such target.
        AnasodError: The target cannot be made on this benchmark, or not as asked.
    """
    check_target(target)
    if target in RETRAINED_TARGETS:
        return reproduce_retrained(target, runs)
    if target == CELLS:
        if len(runs) != 1:
            raise OptionError(
                f"{target} shows the encoding of one run, got {len(runs)}",
                "name one with --runs DIR, of ax-anasod train or dnas",
            )
        return reproduce_cells(runs[0], CELLS_SHOWN if seeds is None else seeds)
    benchmarks = list(benchmark) if isinstance(benchmark, Sequence) else [benchmark]
    if not benchmarks or (len(benchmarks) > 1 and target not in ONE_SHOT):
        raise OptionError(f"{target} is of one benchmark, got {len(benchmarks)}")
    for objective in (each for made in benchmarks for each in made.objectives):
        if not objective.minimize:
            raise OptionError(
                f"the paper's tables are of errors; {objective.name!r} is to be maximised",
                "an accuracy in percent can be searched as an error",
            )
    if target in ONE_SHOT:
        columns = columns_of(benchmarks)
        cell = benchmarks[0].cell
        shown = METHODS_SHOWN if target == "figure5" else METHODS_IN_TABLE
        made = make_runs(
            protocol or OneShotProtocol.at_scale("cpu", cell),
            cell,
            shown if methods is None else methods,
            images=images,
            seeds=ONE_SHOT_SEEDS if seeds is None else seeds,
            jobs=jobs,
            out=out,
            observer=observer,
        )
        return (OneShotCurves if target == "figure5" else OneShotTable)(made, columns)
    seeds = SEEDS if seeds is None else seeds
    if target in TITLES:
        if most_trials is not None:
            raise OptionError(
                f"{target} comes from random draws, not from searches, so there are no trials "
                "to cut"
            )
        if out is not None:
            with refusing(Path(out), "used"):
                check_is_no_file(Path(out))
                check_holds_no_other(Path(out), COMPARISON)
        return reproduce_spread(target, benchmarks[0], seeds=seeds, observer=observer)
    return reproduce_searches(
        SEARCH_TARGETS[target],
        benchmarks[0],
        seeds=seeds,
        most_trials=most_trials,
        jobs=jobs,
        out=out,
        observer=observer,
    )
