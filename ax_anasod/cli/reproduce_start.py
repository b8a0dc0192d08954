"""What each table and figure of the paper needs of the command line, and how it is made."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import ax_anasod.reproduce as room
from ax_anasod.cli.benchmark_arguments import FLAGS, Given
from ax_anasod.cli.benchmark_options import make_benchmark
from ax_anasod.cli.comparison_view import finish_reproduction, watched
from ax_anasod.cli.contenders import ALL, named_options
from ax_anasod.cli.session import waiting
from ax_anasod.cli.strategy_options import field_types, parse_texts
from ax_anasod.cli.train_view import read_images
from ax_anasod.dnas import MethodConfig, method
from ax_anasod.exceptions import OptionError
from ax_anasod.nasbench import Benchmark, NASBench201Benchmark, get_class
from ax_anasod.reproduce import OneShotMethod, OneShotProtocol, Reproduction
from ax_anasod.reproduce.one_shot_columns import columns_of

_OFFICIAL: Final = "nas-bench-201"
# Options of benchmarks that say nothing of what a differentiable search has found.
_NOT_JUDGED: Final = ("report", "cost", "seeds")


def start_reproduction(
    target: str,
    *,
    benchmark: str | None,
    given: Given,
    seeds: int | None,
    trials: int | None,
    jobs: int,
    searches: Mapping[str, Any],
    runs: Sequence[Path],
    out: Path | None,
    as_json: bool,
) -> int:
    """Make a table or figure and show it.

    Args:
        target: Its name.
        benchmark: Name of the benchmark, None where none was given.
        given: The options of benchmarks.
        seeds: How many runs or samples, None where that was not given.
        trials: What budgets are cut to.
        jobs: How many processes work at a time.
        searches: The options of differentiable searches; None is one that was not given.
        runs: Folders of runs.
        out: The folder of the results.
        as_json: Print it as JSON.

    Returns:
        The exit code.

    Raises:
        AnasodError: Something that was asked for is wrong; nothing was written.
        Failure: A file cannot be written.
    """
    room.check_target(target)
    answered = {
        FLAGS[name]: value
        for name, value in given.items()
        if value is not None and value is not False and value != []
    }
    of_searches = {f"--{name.replace('_', '-')}": value for name, value in searches.items()}
    if target in room.FROM_RUNS:
        _refuse(target, {"--benchmark": benchmark, **answered, "--trials": trials, **of_searches})
        _refuse(target, {} if target == room.CELLS else {"--seeds": seeds})
        made = room.reproduce(target, seeds=seeds, runs=runs)
        return finish_reproduction(made, out, as_json=as_json)
    _refuse(target, {"--runs": runs or None})
    name = benchmark or _OFFICIAL
    if target in room.ONE_SHOT:
        unused = {FLAGS[n]: answered.get(FLAGS[n]) for n in _NOT_JUDGED}
        _refuse(target, {"--trials": trials, **unused})
        made = _search(target, name, given, searches, seeds, jobs, out)
        return finish_reproduction(made, out, as_json=as_json)
    _refuse(target, of_searches)
    if name == _OFFICIAL and not given["seeds"]:
        # The paper searches single training runs.
        given = {**given, "seeds": "single"}
    with waiting("reading the benchmark"):
        chosen = make_benchmark(name, given)
    words = ("sample", "samples") if target in room.DRAWN else ("trial", "runs")
    with watched(f"making {target} again", *words) as observer:
        made = room.reproduce(
            target,
            chosen,
            seeds=seeds,
            most_trials=trials,
            jobs=jobs,
            out=out,
            observer=observer,
        )
    return finish_reproduction(made, out, as_json=as_json)


def _search(
    target: str,
    benchmark: str,
    given: Given,
    searches: Mapping[str, Any],
    seeds: int | None,
    jobs: int,
    out: Path | None,
) -> Reproduction:
    """Table 3 or Figure 5."""
    text = searches["methods"]
    methods = None if text is None else parse_methods(text)
    with waiting("reading the benchmark"):
        benchmarks = judging_benchmarks(benchmark, given)
        # What cannot judge is refused before images are read.
        columns_of(benchmarks)
    folder, dataset = searches["images_data"], given["dataset"]
    if folder is None and dataset not in (None, "digits"):
        raise OptionError(
            f"the data set {dataset!r} needs --images-data", "give the folder of its images"
        )
    protocol = OneShotProtocol.at_scale(
        searches["scale"] or "cpu",
        benchmarks[0].cell,
        dataset=dataset or ("digits" if folder is None else folder.resolve().name),
        path=folder,
        epochs=searches["search_epochs"],
        skip_damaged=bool(searches["skip_damaged"]),
        device=searches["device"] or "auto",
        **{
            name: searches[name]
            for name in ("images", "image_size", "channels", "cells", "batch_size", "operations")
        },
    )
    images = read_images(protocol.data)
    with watched(f"making {target} again", "epoch", "searches") as observer:
        return room.reproduce(
            target,
            benchmarks,
            seeds=seeds,
            jobs=jobs,
            out=out,
            observer=observer,
            protocol=protocol,
            methods=methods,
            images=images,
        )


def parse_methods(text: str) -> list[OneShotMethod]:
    """Read ``--methods``: names, each with settings that differ from the published ones.

    Raises:
        UnknownNameError: There is no such method or setting.
        OptionError: A name is empty, or a setting has no value, a wrong one, or comes twice.
    """
    methods = []
    for name, options in named_options(text, "--methods"):
        if name == ALL and not options:
            methods += [OneShotMethod(each) for each in room.METHODS_IN_TABLE]
            continue
        method(name)
        kind = f"option of method {name!r}:"
        chosen = parse_texts(options, field_types(MethodConfig), "--methods", kind)
        method(name, **chosen)
        methods.append(OneShotMethod(name, chosen))
    return methods


def judging_benchmarks(name: str, given: Given) -> list[Benchmark]:
    """The benchmarks by which the results of differentiable searches are judged.

    ``--dataset`` names the images that are searched on; the official file judges by the test
    errors on all of its data sets, as in the paper.

    Raises:
        AnasodError: As for `make_benchmark`.
    """
    if name == _OFFICIAL:
        accuracy = given["accuracy"] or ["test"]
        return [
            make_benchmark(name, {**given, "dataset": dataset, "accuracy": accuracy})
            for dataset in NASBench201Benchmark.datasets
        ]
    if "dataset" not in inspect.signature(get_class(name)).parameters:
        given = {**given, "dataset": None}
    return [make_benchmark(name, given)]


def _refuse(target: str, options: Mapping[str, Any]) -> None:
    """Refuse options that the target does not have.

    Args:
        target: Its name.
        options: Option -> its value, None where it was not given.

    Raises:
        OptionError: One was given.
    """
    for flag, value in options.items():
        if value is not None:
            raise OptionError(f"{target} has no option {flag}")
