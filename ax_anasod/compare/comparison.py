"""Comparing strategies in one call."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self

import pandas as pd

from ax_anasod.compare.comparison_folder import ComparisonFolder, damage_in_words, read_runs
from ax_anasod.compare.comparison_plan import Plan
from ax_anasod.compare.contender import Contender
from ax_anasod.compare.contender_summary import Summary
from ax_anasod.compare.progress import ComparisonReporter, Observer
from ax_anasod.compare.run_results import csv_text, results_frame, to_csv
from ax_anasod.compare.texts import markdown
from ax_anasod.exceptions import OptionError, RunError, RunLostError, UnknownNameError
from ax_anasod.files import write_whole
from ax_anasod.runs.layout import COMPARISON, REPORT, holds_comparison
from ax_anasod.settings import Count, check_value

if TYPE_CHECKING:
    from ax_anasod.nasbench import Benchmark
    from ax_anasod.tracking.tracker import Tracker

RESULTS: Final = "results.csv"
SUMMARY_TABLE: Final = "summary.csv"
SUMMARY_TEXT: Final = "summary.md"


@dataclass(frozen=True)
class Comparison:
    """The runs of several strategies on one benchmark, as far as they are.

    Args:
        plan: What is compared.
        results: One row for each trial, see
            :func:`ax_anasod.compare.run_results.results_frame`.
        failures: Contender -> why runs of it are not finished, for each such run.
        finished: Whether every run has ended or failed; False where it was stopped.
        out: Its folder, None where nothing was written.
        damage: What has to be said of journals with a damaged end, a sentence each.
    """

    plan: Plan
    results: pd.DataFrame
    failures: dict[str, tuple[str, ...]] = field(default_factory=dict)
    finished: bool = True
    out: Path | None = None
    damage: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Self:
        """A comparison as its folder has it; it may still be going on.

        Raises:
            RunError: The folder holds none, or a damaged one.
        """
        if not holds_comparison(path):
            raise RunError(f"the folder {path} holds no comparison")
        plan = Plan.read(path / COMPARISON)
        runs = read_runs(path, plan)
        plan = plan.judging(record.end for run in runs for record in run.records)
        return cls(
            plan,
            results_frame(plan, runs),
            finished=all(run.finished for run in runs),
            out=path,
            damage=tuple(damage_in_words(runs)),
        )

    @cached_property
    def summary(self) -> Summary:
        """The summary of the finished runs."""
        return Summary(self.plan, self.results, self.failures)

    def write(self) -> None:
        """Write the tables, the pictures and the page into the folder.

        Raises:
            OptionError: The comparison has no folder.
            RunError: A file cannot be written.
        """
        if self.out is None:
            raise OptionError("the comparison has no folder", "compare with out=FOLDER")
        from ax_anasod.compare.comparison_pictures import write_comparison_pictures
        from ax_anasod.compare.report_page import write_page

        write_whole(self.out / RESULTS, to_csv(self.results))
        write_whole(self.out / SUMMARY_TABLE, csv_text(self.summary.frame))
        write_whole(self.out / SUMMARY_TEXT, markdown(self.summary))
        write_comparison_pictures(self.plan, self.results, self.out)
        write_page(self.summary, self.out / REPORT)


def compare_strategies(
    benchmark: Benchmark,
    strategies: Sequence[str | Contender],
    *,
    trials: int = 150,
    seeds: int = 10,
    jobs: int | None = None,
    out: str | Path | None = None,
    regret: float | None = None,
    reference: str | None = None,
    observer: Observer | None = None,
    limits: Sequence[str] = (),
    known: Sequence[str] = (),
    runner: Literal["local", "ray"] = "local",
    address: str | None = None,
    constraints: Sequence[str] = (),
    trackers: Sequence[Tracker] = (),
) -> Comparison:
    """Run strategies on a benchmark, each with several seeds, in processes of their own.

    Runs that the folder has already are not made again, and those that it has in part go on
    where they were, to the same trials as without the interruption. Each process has one
    thread, and imports the modules of strategies and benchmarks of your own. Since it also
    imports the script that calls this, that does so below ``if __name__ == "__main__":``.

    Args:
        benchmark: The benchmark. Of several objectives the share of the hypervolume is judged.
        strategies: Names, or contenders with options and a budget of their own.
        trials: The budget of those given by name.
        seeds: Each strategy runs with the seeds 0, 1, ..., ``seeds`` - 1.
        jobs: How many processes work at a time. By default one; with Ray, one a processor.
        out: Folder of the comparison, a new one or one to go on with or to extend. Without
            it nothing is kept.
        regret: Also count the queries until the incumbent is this close to the optimum.
        reference: The strategy that the others are tested against; the first by default.
        observer: Who watches.
        limits: What trials must keep, such as ``"latency <= 5"``; what breaks one is no incumbent.
        known: Quantities of the benchmark that need no model.
        runner: ``"local"``, or ``"ray"``: a run is a task of a Ray cluster, and goes on on another
            machine where its own is lost, if both see the folder.
        address: Address of the cluster; None uses this machine, or the cluster that
            ``RAY_ADDRESS`` names.
        constraints: What the counts of the operations must keep, such as ``"n_skip <= 3"``; the
            optimum is then not known.
        trackers: Who is told of the trials, each run being one of its own.

    Returns:
        The comparison. A run that fails, also one whose process dies, is among its failures;
        the others are not affected.

    Raises:
        AnasodError: Something cannot run as asked; then nothing has been written.
        RunError: The folder holds something else, cannot be written, or was deleted or replaced
            during the comparison; the message says where the trials are then.
    """
    from ax_anasod.compare.run_worker import make_worker_input, own_modules

    check_value("jobs", jobs, Count | None)
    if isinstance(strategies, Set):
        raise OptionError("the strategies are a set, which has no order", "give a list")
    contenders = [s if isinstance(s, Contender) else Contender(s, {}, trials) for s in strategies]
    plan = Plan.of(
        benchmark,
        contenders,
        seeds,
        regret,
        reference,
        limits=limits,
        known=known,
        constraints=constraints,
    )
    own_modules(benchmark, contenders)  # refuses before there is a folder
    # The processes of a cluster may work elsewhere.
    place = Path(out).absolute() if out is not None and runner == "ray" else out
    with _runner(runner, address) as run_tasks, _folder(place, plan) as folder:
        reporter = ComparisonReporter(folder, plan.labels, observer or Observer(), trackers)
        reporter.begin()
        worker_input = make_worker_input(benchmark, folder.plan.contenders)
        try:
            run_tasks(
                reporter.unfinished,
                worker_input,
                jobs,
                reporter.on_trial,
                reporter.on_end,
                reporter.should_stop,
            )
            folder.check()
        except RunLostError as lost:
            raise (lost if lost.moved else folder.rescue(lost, reporter.records)) from lost
        reporter.write_lost_journals()
        if out is not None:
            reporter.write_details(folder.path)
        runs = read_runs(folder.path, folder.plan)
        judged = folder.plan.judging(record.end for run in runs for record in run.records)
        return Comparison(
            judged,
            results_frame(judged, runs),
            reporter.failures,
            finished=not reporter.stopped,
            out=None if out is None else folder.path,
        )


@contextmanager
def _runner(name: str, address: str | None) -> Iterator[Callable[..., None]]:
    if name == "ray":
        from ax_anasod.compare.ray_pool import on_cluster

        with on_cluster(address) as run_on_ray:
            yield run_on_ray
        return
    from ax_anasod.compare.pool import run_tasks

    if name != "local":
        raise UnknownNameError("runner", name, ("local", "ray"))
    if address is not None:
        raise OptionError(f"the address {address!r} is for the runner 'ray'")
    yield run_tasks


@contextmanager
def _folder(out: str | Path | None, plan: Plan) -> Iterator[ComparisonFolder]:
    if out is not None:
        with ComparisonFolder.open(Path(out), plan) as folder:
            yield folder
        return
    with (
        tempfile.TemporaryDirectory(prefix="ax-anasod-") as temporary,
        ComparisonFolder.open(Path(temporary), plan) as folder,
    ):
        yield folder
