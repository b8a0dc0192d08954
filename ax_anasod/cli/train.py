"""``ax-anasod train``: a search over networks that are trained."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from ax_anasod.cli import options as opt
from ax_anasod.cli.option_groups import Given, OptionGroup
from ax_anasod.cli.option_groups import option as option_of
from ax_anasod.cli.trained_kinds import (
    DECODER,
    IMAGES_OR_SEQUENCES,
    SEQUENCES,
    execution_of,
    setup_of,
)
from ax_anasod.exceptions import OptionError
from ax_anasod.runs.execution import Execution
from ax_anasod.settings import Count
from ax_anasod.training.hardware import Hardware
from ax_anasod.training.latency import LATENCY, LatencyConfig

if TYPE_CHECKING:
    from ax_anasod.training import TrainingData, TrainingTask

_FEW_TRIALS: Final = 20
_PAPER_TRIALS: Final = 50
_SCREEN_TRIALS: Final = 50

_TRAINING: Final = replace(
    opt.TRAINING, default="as in the paper; short on the digits and on sequences"
)
_HARDWARE: Final = replace(
    opt.HARDWARE,
    names=("device", "precision", "deterministic", "compile", "threads", "devices"),
    changes={
        "threads": {
            **opt.HARDWARE.changes["threads"],
            "show_default": "what OMP_NUM_THREADS says, otherwise one, or with Ray one for each "
            "of --cpus",
        },
        # Where it is given by mistake, one line says what is for several devices.
        "devices": {"hidden": True},
    },
)
_RUNNER: Final = replace(
    opt.RUNNER,
    changes={
        "runner": {"default": None, "show_default": "ray where --parallel is more than 1"},
        "gpus": {"default": None, "show_default": "an equal share of those here"},
    },
)
_LATENCY_FIELDS: Final = ("engine", "batch_size", "device", "threads")
_LATENCY: Final = OptionGroup(
    LatencyConfig,
    "Latency, where it is searched or limited",
    _LATENCY_FIELDS,
    changes={f: {"flag": f"--latency-{f.replace('_', '-')}"} for f in _LATENCY_FIELDS},
)
_STOPPING: Final = OptionGroup(
    Execution,
    "Early stopping",
    ("early_stopping", "min_epochs", "min_trials"),
    changes={"early_stopping": {"metavar": "PERCENT"}},
)


def train(
    *,
    data: Annotated[Given, IMAGES_OR_SEQUENCES],
    cell: opt.TrainedCell = "nasnet",
    network: Annotated[Given, opt.NETWORK],
    sequences: Annotated[Given, SEQUENCES],
    decoder: Annotated[Given, DECODER],
    layers: Annotated[
        str,
        option_of(
            "Networks",
            "sampled: each layer is another architecture of the encoding, as in the paper; "
            "repeated: all are one.",
        ),
    ] = "sampled",
    operations: opt.Operations = None,
    training: Annotated[Given, _TRAINING],
    training_texts: opt.TrainingOptions,
    hardware: Annotated[Given, _HARDWARE],
    runner: Annotated[Given, _RUNNER],
    stopping: Annotated[Given, _STOPPING],
    strategy: opt.StrategyName = "anasod-bo",
    option: opt.StrategyOptions,
    start: Annotated[Given, opt.START],
    feature: opt.Features,
    first: opt.First = "",
    source: opt.Sources,
    start_with: opt.StartWith,
    screen_epochs: Annotated[
        Count | None,
        option_of(
            "Search",
            "Search with trainings of N epochs first, which are a source for the full ones "
            "(two-level-bo).",
        ),
    ] = None,
    screen_trials: Annotated[
        Count | None, option_of("Search", f"How many short trainings ({_SCREEN_TRIALS}).")
    ] = None,
    minimize: Annotated[
        list[str],
        option_of(
            "Search",
            "Search the front of the validation error and this cost of a network: parameters, "
            "flops of one image, or latency on this machine; of language models also cache_bytes, "
            "and instead of the loss one of their errors. May be repeated.",
            "--minimize",
            metavar="COST",
        ),
    ],
    limit: Annotated[
        list[str],
        option_of(
            "Search",
            "What a network must keep, such as 'parameters<=50k' (units: k, M, G) or "
            "'latency<=5ms' (us, ms, s). One that costs more is not trained, and two-level-bo "
            "proposes none with more parameters or flops. May be repeated; on valid_error or "
            "valid_loss it is learned from the trials.",
            "--limit",
            metavar="COST<=X",
        ),
    ],
    latency: Annotated[Given, _LATENCY],
    pick: opt.Pick = None,
    constrain: opt.Constraints,
    search: opt.Searched,
    trials: Annotated[
        Count | None,
        option_of("Search", f"How many networks are trained; the paper has {_PAPER_TRIALS}."),
    ] = None,
    seed: opt.Seed = 0,
    parallel: opt.Parallel = 1,
    out: opt.Out = None,
    track: opt.Track,
    json: opt.Json = False,
) -> int:
    """Search by training: images or sequences of tokens in, the best encoding out.

    Without --dataset it searches small networks on scikit-learn's digits, and with --cell
    hybrid-lm small language models on recall+facts, in minutes on a CPU; otherwise every number
    that is not given is the paper's. Killed at any instant, a
    run with --out goes on from the last epoch with: ax-anasod resume DIR
    """
    from ax_anasod.cli.terminal import waiting

    with waiting("loading Ax"):
        from ax_anasod import cells
        from ax_anasod.cli.image_reading import read_data
        from ax_anasod.cli.parsing import parse_options, parse_training, read_start
        from ax_anasod.cli.running import run_search, trackers_of
        from ax_anasod.cli.search_ranges import parse_searched
        from ax_anasod.cli.short_trainings import screen, short_task
        from ax_anasod.generation_strategy import get
        from ax_anasod.objectives import Limit
        from ax_anasod.runs import RunFolder, TrainingSearch, plan_run
        from ax_anasod.runs.layout import check_free
        from ax_anasod.training import TrainingTask
        from ax_anasod.training.costs import COSTS, plain_limit
        from ax_anasod.trust import own_description

    # Everything is checked before anything is written.
    Hardware(**hardware).check_single("a trial of a search")
    start_from = read_start(start)
    options = parse_options(get(strategy), option)
    if out is not None:
        check_free(out)
    trackers = trackers_of(track, out, trains=True)
    execution = _execution(runner, stopping, parallel, hardware.get("device", Hardware.device))
    searched = cells.resolve(cell)
    limits = [plain_limit(text) for text in limit]
    trained = parse_training(training, training_texts)
    setup = setup_of(searched, data, network, sequences, decoder, trained)
    device = Hardware(**hardware).with_threads(execution.cpus if execution.runner == "ray" else 1.0)
    device.check()
    task = TrainingTask(
        cell=searched,
        data=setup.data,
        network=setup.network,
        training=setup.training,
        hardware=device,
        layers=layers,  # type: ignore[arg-type]
        operations=operations,
        minimize=tuple(minimize),
        costs=tuple(name for text in limits if (name := Limit.parse(text).name) in COSTS),
        latency=LatencyConfig(**latency),
    )
    read = read_data(task.data)
    task = task.fitted(read)
    if screen_trials is not None and screen_epochs is None:
        raise OptionError("--screen-trials is for --screen-epochs")
    short = short_task(task, screen_epochs, strategy)
    beside = parse_searched(search, task)
    plan = partial(
        plan_run,
        strategy=strategy,
        options=options,
        seed=seed,
        parallel=parallel,
        execution=execution.to_dict(),
        start=start_from,
        features=feature,
        first=first,
        pick=pick or "",
        constraints=constrain,
        hyperparameters=beside,
    )
    sources: list[object] = [*source]
    # A strategy, cell or batch that does not fit is refused before there is a folder.
    with tempfile.TemporaryDirectory(prefix="ax-anasod-") as scratch:
        if short is not None:
            _check_first_network(short, read)
            number = screen_trials or _SCREEN_TRIALS
            with waiting("computing what is known"):
                screening = plan(
                    short,
                    trials=number,
                    sources=sources,
                    limits=limits,
                    known=_known_costs(short, strategy, beside.names, limits),
                )
            code, found = screen(screening, read, Path(scratch), out)
            if code:
                return code
            sources += found
        with waiting("computing what is known"):
            config = plan(
                task,
                trials=trials or (_FEW_TRIALS if setup.small else _PAPER_TRIALS),
                sources=sources,
                start_with=start_with,
                limits=limits,
                known=_known_costs(task, strategy, beside.names, limits),
            )
        with own_description():
            run_of = TrainingSearch.of(config, Path(scratch) if out is None else out)
        run_of.runner.use_data(read)
        _check_first_network(task, read)
        with waiting("starting Ray") if execution.runner == "ray" else nullcontext():
            run_of.runner.prepare()
        if out is None:
            return run_search(run_of, None, config.trials, as_json=json, trackers=trackers)
        with RunFolder.create(out, config) as run:
            run_of.keep_in(run.journal)
            return run_search(run_of, run, config.trials, as_json=json, trackers=trackers)


def _known_costs(
    task: TrainingTask, strategy: str, beside: Sequence[str], limits: Sequence[str]
) -> list[str]:
    """The costs that are searched or limited and follow from an architecture.

    Of an encoding they do not: it stands for networks of different costs. Nor do they where
    numbers of the network are searched, too.

    Raises:
        OptionError: No architecture keeps the limits on them.
    """
    from ax_anasod.cli.terminal import note, waiting
    from ax_anasod.generation_strategy import get
    from ax_anasod.generators.known_limits import check_can_be_kept
    from ax_anasod.metrics.known_quantities import known_cost
    from ax_anasod.objectives import Limit
    from ax_anasod.training.searched import changes_network

    wanted = dict.fromkeys((*task.minimize, *task.costs))
    on_encodings = get(strategy).space != "architecture"
    asked = task.costs if on_encodings else wanted
    if changes_network(beside) or not asked:
        return []
    with waiting("computing what networks cost"):
        known = {n: metric for n in asked if (metric := known_cost(n, task)) is not None}
        check_can_be_kept(task.cell, [Limit.parse(text) for text in limits], known)
    if on_encodings:
        return []
    for name in wanted:
        if name not in known:
            note(f"{name} is measured of each network and modelled")
    return [*known]


def _execution(runner: Given, stopping: Given, parallel: int, device: str) -> Execution:
    """The execution of the trials.

    Raises:
        AnasodError: There is no such runner, or an option is for another one.
    """
    given: dict[str, Any] = {**runner, **stopping}
    if "runner" not in given:
        has_ray = find_spec("ray") is not None
        given["runner"] = "ray" if parallel > 1 and has_ray else "local"
        if parallel > 1 and not has_ray:
            from ax_anasod.cli.terminal import note

            note("Ray is not installed: trials proposed together are trained one after the other")
    for name in stopping:
        if "early_stopping" not in given:
            raise OptionError(f"--{name.replace('_', '-')} is for --early-stopping")
    return execution_of(given, device, parallel)


def _check_first_network(task: TrainingTask, data: TrainingData) -> None:
    """Check before the first trial that networks can be built and trained.

    Raises:
        AnasodError: The cell does not fit the skeleton, or the images do not fit the network.
    """
    from ax_anasod.cli.terminal import waiting
    from ax_anasod.training.costs import latency_of

    with waiting("building the first network"):
        task.start(task.example(), data, seed=0)
    if LATENCY in task.cost_names:
        with waiting("measuring its latency"):
            latency_of(task, task.example())
