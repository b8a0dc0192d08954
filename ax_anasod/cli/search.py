"""``ax-anasod search``, a new run, and ``resume``, which goes on with one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ax_anasod.cli import options as opt
from ax_anasod.cli.option_groups import Given
from ax_anasod.cli.option_groups import option as option_of
from ax_anasod.dnas import result_files as dnas
from ax_anasod.exceptions import OptionError
from ax_anasod.settings import Count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ax_anasod.metrics import EarlierSearch
    from ax_anasod.nasbench import Benchmark
    from ax_anasod.runs import RunFolder, Search, TrainingSearch
    from ax_anasod.runs.run_config import Screening


def search(
    *,
    benchmark: opt.BenchmarkName,
    given: Annotated[Given, opt.BENCHMARK],
    limit: opt.Limits,
    constrain: opt.Constraints,
    known: opt.Known,
    feature: opt.Features,
    first: opt.First = "",
    source: opt.Sources,
    start_with: opt.StartWith,
    screen: Annotated[Given, opt.SCREEN],
    pick: opt.Pick = None,
    strategy: opt.StrategyName = "anasod-bo",
    option: opt.StrategyOptions,
    start: Annotated[Given, opt.START],
    trials: Annotated[Count, option_of("Search", "How many trials.")] = 150,
    seed: opt.Seed = 0,
    parallel: opt.Parallel = 1,
    until_improvement_below: opt.UntilImprovementBelow = None,
    out: opt.Out = None,
    track: opt.Track,
    json: opt.Json = False,
) -> int:
    """Search a benchmark for its best architecture.

    Killed at any instant, a run with --out goes on with: ax-anasod resume DIR
    """
    from ax_anasod.cli.terminal import waiting

    with waiting("loading Ax"):
        from ax_anasod.cli.parsing import (
            make_benchmark,
            parse_options,
            read_screening,
            read_start,
            with_columns,
        )
        from ax_anasod.cli.running import run_search, trackers_of
        from ax_anasod.generation_strategy import get
        from ax_anasod.runs import RunFolder, Search, plan_run
        from ax_anasod.runs.layout import check_free
        from ax_anasod.runs.screening import options_after

    # Everything is checked before anything is written.
    start_from = read_start(start)
    screening = read_screening(screen)
    options = parse_options(get(strategy), option)
    if out is not None:
        check_free(out)
    trackers = trackers_of(track, out)
    with waiting("reading the benchmark"):
        columns = [*known, *feature, *([first.removeprefix("-")] if first else [])]
        chosen = make_benchmark(benchmark, with_columns(benchmark, given, limit, columns))
    sources: list[object] = [*(source)]
    if screening is not None:
        sources.append(_screen(screening, chosen, strategy, options, seed, constrain))
        options = options_after(options)
    with waiting("computing what is known"):
        config = plan_run(
            chosen,
            strategy,
            options,
            trials=trials,
            seed=seed,
            parallel=parallel,
            until_improvement_below=until_improvement_below,
            start=start_from,
            limits=limit,
            constraints=constrain,
            known=known,
            features=feature,
            first=first,
            sources=sources,
            start_with=start_with,
            screen=screening,
            pick=pick or "",
        )
        run = Search(config, chosen)
    if out is None:
        return run_search(run, None, config.trials, as_json=json, trackers=trackers)
    with RunFolder.create(out, config) as folder:
        run.keep_in(folder.journal)
        return run_search(run, folder, config.trials, as_json=json, trackers=trackers)


def _screen(
    screening: Screening,
    benchmark: Benchmark,
    strategy: str,
    options: Mapping[str, Any],
    seed: int,
    constraints: Sequence[str],
) -> EarlierSearch:
    """Search the cheap column, with its progress on the terminal."""
    from ax_anasod.cli.terminal import SearchProgress
    from ax_anasod.runs.screening import screened
    from ax_anasod.threads import one_thread

    title = f"screening by {screening.column}"
    with one_thread(), SearchProgress(title, screening.trials, 0) as progress:
        return screened(
            screening,
            benchmark,
            strategy,
            options,
            seed=seed,
            constraints=constraints,
            after_trial=lambda record: progress.show(record.trial + 1, ""),
        )


def resume(
    *,
    directory: opt.RunDirectory,
    trials: Annotated[
        Count | None,
        typer.Option(
            help="How many trials in all, those so far included; by default as many as were "
            "planned.",
        ),
    ] = None,
    until_improvement_below: opt.UntilImprovementBelow = None,
    python: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Interpreter with the package nasbench301 for a run that you did not start "
            "here; it loads the ensemble that the run names.",
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Address of the Ray cluster for a run that you did not start here, or that has "
            "moved.",
        ),
    ] = None,
    track: opt.Track,
    json: opt.Json = False,
) -> int:
    """Go on with a run that was stopped or killed, or that should be longer.

    The trials are those that the run would have had without the interruption, and those of a
    longer run as well. The exception is anasod-biased-random, whose schedule depends on the
    planned number of trials. Trackers get the earlier trials that they do not have.
    """
    from ax_anasod.cli.terminal import note, note_changes, waiting

    if (directory / dnas.CONFIG).exists():
        return _resume_dnas(directory, trials, until_improvement_below, track, json)
    with waiting("loading Ax"):
        from ax_anasod.cli.running import run_search, trackers_of
        from ax_anasod.runs import RunFolder
    with RunFolder.open(directory) as folder:
        config, records = folder.config, folder.journal.records
        if folder.journal.set_aside is not None:
            note(
                "the end of the journal was damaged, as after a power failure, and counts as "
                f"never written; it is kept in {folder.journal.set_aside}"
            )
        note_changes(config.environment)
        planned = trials or max(config.trials, len(records))
        if planned < len(records):
            raise OptionError(
                f"the run has {len(records)} trials already, more than --trials {planned}",
                "give a larger number of trials, those so far included",
            )
        trackers = trackers_of(track, directory, trains=bool(config.execution))
        run = _restore(folder, python, address)
        if planned == len(records) and all(record.end is not None for record in records):
            note(f"all {planned} trials are done, nothing is left; for a longer run: --trials N")
        folder.plan(planned, until_improvement_below)
        run.config = folder.config
        schedule = config.options.get("num_trials")
        if schedule is not None and planned > schedule:
            note(
                f"the schedule of {config.strategy} was planned for {schedule} trials and "
                "stays as it is at its end"
            )
        return run_search(run, folder, planned, as_json=json, trackers=trackers)


def _resume_dnas(
    directory: Path,
    trials: int | None,
    until_improvement_below: float | None,
    track: list[str],
    as_json: bool,
) -> int:
    for flag, value in (
        ("--trials", trials),
        ("--until-improvement-below", until_improvement_below),
        ("--track", track or None),
    ):
        if value is not None:
            raise OptionError(f"{flag} is not for a differentiable search, which has no trials")
    from ax_anasod.cli.dnas import continue_search

    return continue_search(directory, as_json=as_json)


def _restore(folder: RunFolder, python: str | None, address: str | None) -> Search | TrainingSearch:
    """Restore the search of a run folder, as it was when it stopped.

    Args:
        folder: The folder.
        python: The program that the user allows its benchmark to start.
        address: The address that the user allows it to connect to.

    Raises:
        AnasodError: Its benchmark or its images are no longer what they were; or it asks for
            what its reader does not trust (see `ax_anasod.trust`).
    """
    from ax_anasod.cli.image_reading import read_data
    from ax_anasod.cli.terminal import waiting
    from ax_anasod.nasbench import from_dict
    from ax_anasod.runs import Search, TrainingSearch
    from ax_anasod.trust import own_description

    config = folder.config
    if python is not None and "python" not in config.benchmark:
        raise OptionError(
            f"--python is for runs on nas-bench-301, this one is on {config.benchmark_name}"
        )
    if address is not None and config.execution.get("runner") != "ray":
        raise OptionError("--address is for runs of ax-anasod train with Ray")
    if not config.execution:
        with waiting("reading the benchmark"):
            if python is None:
                benchmark = from_dict(config.benchmark)
            else:
                with own_description():
                    benchmark = from_dict({**config.benchmark, "python": python})
        with waiting("restoring the trials"):
            return Search(config, benchmark, folder.journal)
    with waiting("restoring the trials"):
        search = TrainingSearch.of(config, folder.path, folder.journal, address=address)
    search.task.hardware.check()
    search.runner.use_data(read_data(search.task.data, download=False))
    return search
