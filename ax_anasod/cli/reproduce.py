"""``ax-anasod reproduce``: the paper's tables and figures, made again."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from ax_anasod.cli import options as opt
from ax_anasod.cli.option_groups import Given, option
from ax_anasod.exceptions import OptionError
from ax_anasod.settings import Count

if TYPE_CHECKING:
    from ax_anasod.nasbench import Benchmark
    from ax_anasod.reproduce import OneShotMethod, Reproduction


_PROTOCOL: Final = "Protocol"
_SEARCHES: Final = "Differentiable searches (table3, figure5)"
_OF_SCALE: Final = "that of --scale"
_IMAGES: Final = replace(
    opt.IMAGES,
    panel=_SEARCHES,
    names=("path", "images", "image_size", "skip_damaged"),
    changes={
        "path": {
            **opt.IMAGES.changes["path"],
            "flag": "--images-data",
            "help": "Folder of the images that are searched on, as for ax-anasod dnas --data; "
            "--dataset is their name, by default that of the folder. Without it: scikit-learn's "
            "digits.",
        },
        "images": {
            "help": "Number of images, half for the weights and half for the distribution.",
            "show_default": _OF_SCALE,
        },
        "image_size": {"show_default": _OF_SCALE},
    },
)
_NETWORK: Final = replace(
    opt.NETWORK, panel=_SEARCHES, names=("channels", "cells"), default=_OF_SCALE
)
_TRAINING: Final = replace(
    opt.TRAINING,
    panel=_SEARCHES,
    names=("epochs", "batch_size"),
    default=_OF_SCALE,
    changes={"epochs": {"flag": "--search-epochs"}, "batch_size": {"show_default": "as published"}},
)
_HARDWARE: Final = replace(opt.HARDWARE, panel=_SEARCHES, names=("device",), changes={})
_OFFICIAL: Final = "nas-bench-201"
# Options of benchmarks that say nothing of what a differentiable search has found.
_NOT_JUDGED: Final = ("report", "cost", "seeds")


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """The options of the differentiable searches; the help text of each says what it is."""

    methods: Annotated[
        str | None,
        option(
            _SEARCHES,
            "Methods, each with settings that differ from its published ones as "
            "NAME:SETTING=VALUE:...; all by default for table3; see: ax-anasod dnas --help.",
            metavar="NAME,NAME,...",
        ),
    ] = None
    scale: Annotated[
        Literal["cpu", "paper"] | None,
        option(
            _SEARCHES,
            "cpu (default): 4,000 images of 12 x 12 pixels, 8 channels, 3 cells, 12 epochs; "
            "paper: all images, 16 channels, 15 cells, each method's published epochs.",
        ),
    ] = None
    images: Annotated[Given, _IMAGES]
    network: Annotated[Given, _NETWORK]
    operations: opt.Operations = None
    training: Annotated[Given, _TRAINING]
    hardware: Annotated[Given, _HARDWARE]

    @property
    def flags(self) -> dict[str, Any]:
        """Option of the command line -> its value, None where it was not given."""
        flags: dict[str, Any] = {
            f"--{name}": getattr(self, name) for name in ("methods", "scale", "operations")
        }
        groups = (_IMAGES, _NETWORK, _TRAINING, _HARDWARE)
        values = (self.images, self.network, self.training, self.hardware)
        for group, given in zip(groups, values, strict=True):
            flags |= {group.flags[name]: value for name, value in given.items()}
        return flags


def reproduce(
    *,
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="table1 to table6, figure2, figure3, figure5, figure6 or figure7.",
        ),
    ],
    benchmark: Annotated[
        str | None,
        option(
            "Benchmark",
            "What answers for the architectures, nas-bench-201 by default; see: ax-anasod "
            "benchmarks.",
            metavar="NAME",
        ),
    ] = None,
    given: Annotated[Given, opt.BENCHMARK],
    seeds: Annotated[
        Count | None,
        option(
            _PROTOCOL,
            "How many runs each method has, or how many samples are drawn: by default 10, of "
            "table3, figure5 and figure7 3.",
        ),
    ] = None,
    trials: Annotated[
        Count | None,
        option(_PROTOCOL, "Cut the paper's budgets of 150 and 300 queries to this."),
    ] = None,
    jobs: Annotated[
        Count, option(_PROTOCOL, "How many processes work at a time, each with one thread.")
    ] = 1,
    searches: SearchOptions,
    runs: Annotated[
        list[Path],
        option(
            "Runs (table4, table5, figure7)",
            "Folder of an evaluated network (ax-anasod evaluate, transfer) or of the run that it "
            "lies in; may be repeated. Of figure7: one run of ax-anasod train or dnas.",
            "--runs",
            metavar="DIR",
        ),
    ],
    out: Annotated[
        Path | None,
        option(
            "Output",
            "Folder of the searches and results; searches that it has are not made again, so "
            "that targets can share one. Without it nothing is written.",
            metavar="DIR",
        ),
    ] = None,
    json: opt.Json = False,
) -> int:
    """Make a table or figure of the paper again, with the paper's numbers beside.

    table3 and figure5 search with every differentiable method on images, in one protocol;
    table4, table5 and figure7 show what --runs has found, without training. Stopped or killed
    at any instant, searches go on with the same command.
    """
    from ax_anasod.cli.terminal import waiting

    with waiting("loading Ax"):
        import ax_anasod.reproduce as room
        from ax_anasod.cli.comparison_view import finish_reproduction, watched
        from ax_anasod.cli.parsing import make_benchmark

    room.check_target(target)
    answered = {opt.BENCHMARK.flags[name]: value for name, value in given.items()}
    if target in room.FROM_RUNS:
        _refuse(target, {"--benchmark": benchmark, **answered, "--trials": trials})
        _refuse(target, searches.flags)
        _refuse(target, {} if target == room.CELLS else {"--seeds": seeds})
        made = room.reproduce(target, seeds=seeds, runs=runs)
        return finish_reproduction(made, out, as_json=json)
    _refuse(target, {"--runs": runs or None})
    name = benchmark or _OFFICIAL
    if target in room.ONE_SHOT:
        unused = {opt.BENCHMARK.flags[n]: given.get(n) for n in _NOT_JUDGED}
        _refuse(target, {"--trials": trials, **unused})
        made = _search(target, name, given, searches, seeds, jobs, out)
        return finish_reproduction(made, out, as_json=json)
    _refuse(target, searches.flags)
    if name == _OFFICIAL:
        # The paper searches single training runs.
        given = {"seeds": "single", **given}
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
    return finish_reproduction(made, out, as_json=json)


def _search(
    target: str,
    benchmark: str,
    given: Given,
    searches: SearchOptions,
    seeds: int | None,
    jobs: int,
    out: Path | None,
) -> Reproduction:
    """Table 3 or Figure 5."""
    import ax_anasod.reproduce as room
    from ax_anasod.cli.comparison_view import watched
    from ax_anasod.cli.image_reading import read_images
    from ax_anasod.cli.terminal import waiting
    from ax_anasod.reproduce.one_shot_columns import columns_of

    methods = None if searches.methods is None else parse_methods(searches.methods)
    with waiting("reading the benchmark"):
        benchmarks = judging_benchmarks(benchmark, given)
        # What cannot judge is refused before images are read.
        columns_of(benchmarks)
    folder, dataset = searches.images.get("path"), given.get("dataset")
    if folder is None and dataset not in (None, "digits"):
        raise OptionError(
            f"the data set {dataset!r} needs --images-data", "give the folder of its images"
        )
    protocol = room.OneShotProtocol.at_scale(
        searches.scale or "cpu",
        benchmarks[0].cell,
        data={
            "dataset": dataset or ("digits" if folder is None else Path(folder).name),
            **searches.images,
        },
        network=searches.network,
        operations=searches.operations,
        **searches.training,
        **searches.hardware,
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
    import ax_anasod.reproduce as room
    from ax_anasod.cli.dnas import method_settings
    from ax_anasod.cli.parsing import ALL, named_options
    from ax_anasod.dnas import method

    methods = []
    for name, options in named_options(text, "--methods"):
        if name == ALL and not options:
            methods += [room.OneShotMethod(each) for each in room.METHODS_IN_TABLE]
            continue
        chosen = method_settings(name, options, "--methods")
        method(name, **chosen)
        methods.append(room.OneShotMethod(name, chosen))
    return methods


def judging_benchmarks(name: str, given: Given) -> list[Benchmark]:
    """The benchmarks by which the results of differentiable searches are judged.

    ``--dataset`` names the images that are searched on; the official file judges by the test
    errors on all of its data sets, as in the paper.

    Raises:
        AnasodError: A benchmark cannot be made, see `make_benchmark`.
    """
    from ax_anasod.cli.parsing import make_benchmark
    from ax_anasod.nasbench import NASBench201Benchmark, get_class

    if name == _OFFICIAL:
        return [
            make_benchmark(name, {"accuracy": ["test"], **given, "dataset": dataset})
            for dataset in NASBench201Benchmark.datasets
        ]
    if "dataset" not in inspect.signature(get_class(name)).parameters:
        given = {option: value for option, value in given.items() if option != "dataset"}
    return [make_benchmark(name, given)]


def _refuse(target: str, options: Mapping[str, Any]) -> None:
    """Raise an error for options that the target does not have.

    Args:
        target: Its name.
        options: Option -> its value, None where it was not given.

    Raises:
        OptionError: An option was given that the target does not have.
    """
    for flag, value in options.items():
        if value is not None:
            raise OptionError(f"{target} has no option {flag}")
