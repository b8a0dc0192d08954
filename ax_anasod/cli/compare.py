"""``ax-anasod compare``: strategies side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from annotated_types import Ge

from ax_anasod.cli import options as opt
from ax_anasod.cli.option_groups import Given, OptionGroup, option
from ax_anasod.exceptions import CellError, OptionError
from ax_anasod.settings import Count

if TYPE_CHECKING:
    from ax_anasod.compare import Contender
    from ax_anasod.nasbench import Benchmark

_COMPARISON: Final = "Comparison"


def compare(
    *,
    benchmark: opt.BenchmarkName,
    given: Annotated[Given, opt.BENCHMARK],
    limit: opt.Limits,
    constrain: opt.Constraints,
    known: opt.Known,
    strategies: Annotated[
        str,
        option(
            _COMPARISON,
            "Strategies, each with options that differ from the defaults as "
            "NAME:OPTION=VALUE:... (and from=DIR, as --from of search, or "
            "screen=COLUMN:screen_cost=X, as --screen); "
            "'all' for every one; see: ax-anasod strategies.",
            "--strategies",
            metavar="NAME,NAME,...",
        ),
    ],
    trials: Annotated[Count, option(_COMPARISON, "How many trials each run has.")] = 150,
    seeds: Annotated[
        Count,
        option(_COMPARISON, "How many runs each strategy has: with the seeds 0, 1, ..., N - 1."),
    ] = 10,
    jobs: Annotated[
        Count | None,
        option(
            _COMPARISON,
            "How many processes work at a time, each with one thread; by default one, with "
            "--runner ray one a processor.",
        ),
    ] = None,
    runner: Annotated[
        Literal["local", "ray"],
        option(_COMPARISON, "Where runs are made: on this machine, or on a Ray cluster."),
    ] = "local",
    address: Annotated[
        str | None,
        option(
            _COMPARISON,
            "Address of the Ray cluster; without it Ray runs on this machine.",
            metavar="HOST:PORT",
        ),
    ] = None,
    regret: Annotated[
        float | None,
        Ge(0),
        option(
            _COMPARISON,
            "Also count the queries until the incumbent is within R of the optimum.",
            metavar="R",
        ),
    ] = None,
    reference: Annotated[
        str | None,
        option(
            _COMPARISON,
            "Strategy that the others are tested against; by default the first.",
            metavar="NAME",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        option(
            "Output",
            "Folder of the comparison; one that was stopped goes on, and more trials, seeds or "
            "strategies extend it. Without it nothing is written.",
            metavar="DIR",
        ),
    ] = None,
    track: opt.Track,
    json: opt.Json = False,
) -> int:
    """Run several strategies with several seeds, and say which is better.

    Stopped or killed at any instant, it goes on with the same command.
    """
    from ax_anasod.cli.terminal import note, waiting

    with waiting("loading Ax"):
        from ax_anasod.cli.comparison_view import finish, watched
        from ax_anasod.cli.parsing import make_benchmark, with_columns
        from ax_anasod.compare import compare_strategies
        from ax_anasod.tracking.tracker import LOG
        from ax_anasod.tracking.trackers import make_trackers

    trackers = make_trackers(track, None if out is None else out / LOG)
    contenders = parse_contenders(strategies, trials)
    with waiting("reading the benchmark"):
        columns = with_columns(benchmark, given, limit, known)
        chosen = make_benchmark(benchmark, columns)
        contenders, unfit = leave_out_unfit(strategies, contenders, chosen, limit, constrain)
    if unfit:
        named = (f"{', '.join(names)} ({reason})" for reason, names in unfit.items())
        note(f"left out: {'; '.join(named)}")
    with watched("comparing") as observer:
        comparison = compare_strategies(
            chosen,
            contenders,
            seeds=seeds,
            jobs=jobs,
            out=out,
            regret=regret,
            reference=reference,
            observer=observer,
            limits=limit,
            known=known,
            runner=runner,
            address=address,
            constraints=constrain,
            trackers=trackers,
        )
    return finish(comparison, as_json=json)


def parse_contenders(text: str, trials: int) -> list[Contender]:
    """Read the strategies of a comparison.

    Args:
        text: Names, separated by commas, each followed by options that differ from the
            defaults, ``NAME:OPTION=VALUE:OPTION=VALUE``; ``"all"`` stands for every strategy
            (see `leave_out_unfit`). ``from=DIR`` is the differentiable search that a strategy
            starts from, with ``from_cells=N`` and ``from_uniform=SHARE`` as in ``search``.
        trials: The budget of each.

    Raises:
        UnknownNameError: There is no such strategy, or it has no such option.
        OptionError: An entry is empty, or an option has no value or one of the wrong type.
        RunError: The search that a strategy starts from is missing or damaged.
    """
    from ax_anasod.cli.parsing import ALL, named_options, parse_options, read_screening, read_start
    from ax_anasod.compare import Contender
    from ax_anasod.generation_strategy import STRATEGIES, get

    contenders = []
    for name, texts in named_options(text, "--strategies"):
        if name == ALL and not texts:
            contenders += [Contender(each, {}, trials) for each in STRATEGIES]
            continue
        strategy = get(name)
        start, texts = _parse_group(opt.START, texts)
        screen, texts = _parse_group(opt.SCREEN, texts)
        options = parse_options(strategy, texts)
        contenders.append(
            Contender(name, options, trials, read_start(start), read_screening(screen))
        )
    return contenders


def _parse_group(group: OptionGroup, texts: list[str]) -> tuple[Given, list[str]]:
    """Read the texts ``NAME=VALUE`` that are options of a group; the fields, and the other texts.

    Raises:
        OptionError: A text has no value, one of the wrong type, or a name comes twice.
    """
    from ax_anasod.cli.parsing import parse_texts

    fields = {flag.removeprefix("--").replace("-", "_"): n for n, flag in group.flags.items()}
    own = [text for text in texts if text.partition("=")[0] in fields]
    types = {name: group.types[field] for name, field in fields.items()}
    values = parse_texts(own, types, "--strategies", "option:")
    return {fields[n]: v for n, v in values.items()}, [t for t in texts if t not in own]


def leave_out_unfit(
    text: str,
    contenders: list[Contender],
    benchmark: Benchmark,
    limits: Sequence[str] = (),
    constraints: Sequence[str] = (),
) -> tuple[list[Contender], dict[str, list[str]]]:
    """Drop from ``"all"`` the strategies that cannot search the benchmark; named ones stay.

    Args:
        text: The text that `parse_contenders` has read.
        contenders: The contenders that it has made of the text.
        benchmark: The benchmark on which they are compared.
        limits: Limits that trials must keep.
        constraints: Constraints on the counts of the operations.

    Returns:
        The contenders that can, and for the others: reason -> labels.

    Raises:
        AnasodError: A strategy cannot run for another reason than the cell, what is beside it,
            several objectives or limits.
    """
    from ax_anasod.cli.parsing import ALL, entries

    named = list(entries(text))
    if ALL not in named:
        return contenders, {}
    fit: list[Contender] = []
    unfit: dict[str, list[str]] = {}
    for contender in contenders:
        reason = _why_unfit(contender, benchmark, limits, constraints)
        if reason is None or contender.label in named:
            fit.append(contender)
        else:
            for who in (f"strategy {contender.strategy!r} ", f"{contender.label}: "):
                reason = reason.removeprefix(who)
            unfit.setdefault(reason, []).append(contender.label)
    return fit, unfit


def _why_unfit(
    contender: Contender, benchmark: Benchmark, limits: Sequence[str], constraints: Sequence[str]
) -> str | None:
    from ax_anasod.generation_strategy import check_objectives, check_searched_beside
    from ax_anasod.nasbench.benchmark import searched_beside

    try:
        check_objectives(contender.strategy, [o.name for o in benchmark.objectives], limits)
        check_searched_beside(contender.strategy, searched_beside(benchmark).names)
    except OptionError as error:
        return error.message
    try:
        contender.check(benchmark, limits, constraints=constraints)
    except CellError as error:
        return error.message
    return None
