"""``ax-anasod train``: a search over networks that are trained."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from ax_anasod.cli import options as opt
from ax_anasod.cli.option_groups import Given, OptionGroup, number, option
from ax_anasod.exceptions import OptionError
from ax_anasod.networks.config import published_config
from ax_anasod.runs.execution import Execution
from ax_anasod.training.config import DataConfig, protocol
from ax_anasod.training.hardware import Hardware

if TYPE_CHECKING:
    from ax_anasod.training import ImageData, TrainingTask

# On the digits, which have 8 x 8 pixels, a search of this size takes minutes on a CPU.
_SMALL: Final = {"channels": 8, "cells": 6}
_SHORT: Final = {"epochs": 6, "batch_size": 32}
_FEW_TRIALS: Final = 20
_PAPER_TRIALS: Final = 50

_HARDWARE: Final = replace(
    opt.HARDWARE,
    names=("device", "precision", "deterministic", "compile", "threads", "devices"),
    changes={
        "threads": {
            **opt.HARDWARE.changes["threads"],
            "show_default": "what OMP_NUM_THREADS says, otherwise one, or with Ray one for each "
            "of --cpus",
        }
    },
)
_RUNNER: Final = OptionGroup(
    Execution,
    "Hardware",
    ("runner", "address", "cpus", "gpus", "retries"),
    changes={
        "runner": {"default": None, "show_default": "ray where --parallel is more than 1"},
        "gpus": {"default": None, "show_default": "an equal share of those here"},
    },
)
_STOPPING: Final = OptionGroup(
    Execution,
    "Early stopping",
    ("early_stopping", "min_epochs", "min_trials"),
    changes={"early_stopping": {"metavar": "PERCENT"}},
)


def train(
    *,
    data: Annotated[Given, opt.IMAGES],
    cell: opt.TrainedCell = "nasnet",
    network: Annotated[Given, opt.NETWORK],
    layers: Annotated[
        str,
        option(
            "Networks",
            "sampled: each layer is another architecture of the encoding, as in the paper; "
            "repeated: all are one.",
        ),
    ] = "sampled",
    operations: opt.Operations = None,
    training: Annotated[Given, opt.TRAINING],
    training_texts: opt.TrainingOptions = None,
    hardware: Annotated[Given, _HARDWARE],
    runner: Annotated[Given, _RUNNER],
    stopping: Annotated[Given, _STOPPING],
    strategy: opt.StrategyName = "anasod-bo",
    option: opt.StrategyOptions = None,
    start: Annotated[Given, opt.START],
    source: opt.Sources = None,
    constrain: opt.Constraints = None,
    search: opt.Searched = None,
    trials: Annotated[
        int | None, number("Search", "How many networks are trained; the paper has 50.", 1)
    ] = None,
    seed: opt.Seed = 0,
    parallel: opt.Parallel = 1,
    out: opt.Out = None,
    json: opt.Json = False,
) -> int:
    """Search by training: images in, the best encoding out.

    Without --dataset it searches small networks on scikit-learn's digits, in minutes on a
    CPU; otherwise every number that is not given is the paper's. Killed at any instant, a
    run with --out goes on from the last epoch with: ax-anasod resume DIR
    """
    from ax_anasod.cli.terminal import waiting

    with waiting("loading Ax"):
        from ax_anasod import cells
        from ax_anasod.cli.images import read_images
        from ax_anasod.cli.parsing import parse_options, parse_training, read_start
        from ax_anasod.cli.running import run_search
        from ax_anasod.cli.searched import parse_searched
        from ax_anasod.generation_strategy import get
        from ax_anasod.runs import RunFolder, TrainingSearch, plan_run
        from ax_anasod.runs.layout import check_free
        from ax_anasod.training import TrainingTask
        from ax_anasod.trust import own_description

    # Everything is checked before anything is written.
    start_from = read_start(start)
    options = parse_options(get(strategy), option or [])
    if out is not None:
        check_free(out)
    images = DataConfig(**data)
    small = images.dataset == "digits" and images.path is None
    execution = _execution(runner, stopping, parallel, hardware.get("device", Hardware.device))
    searched = cells.resolve(cell)
    trained = parse_training(training, training_texts)
    device = Hardware(**hardware).with_threads(execution.cpus if execution.runner == "ray" else 1.0)
    device.check()
    task = TrainingTask(
        cell=searched,
        data=images,
        network=published_config(searched, **{**(_SMALL if small else {}), **network}),
        training=protocol("search", **{**(_SHORT if small else {}), **trained}),
        hardware=device,
        layers=layers,  # type: ignore[arg-type]
        operations=operations,
    )
    read = read_images(task.data)
    task = task.fitted(read)
    config = plan_run(
        task,
        strategy,
        options,
        trials=trials or (_FEW_TRIALS if small else _PAPER_TRIALS),
        seed=seed,
        parallel=parallel,
        execution=execution.to_dict(),
        start=start_from,
        constraints=constrain or [],
        hyperparameters=parse_searched(search or [], task),
        sources=source or [],
    )
    # A strategy, cell or batch that does not fit is refused here, before there is a folder.
    with tempfile.TemporaryDirectory(prefix="ax-anasod-") as scratch:
        with own_description():
            run_of = TrainingSearch.of(config, Path(scratch) if out is None else out)
        run_of.runner.use_data(read)
        _check_first_network(task, read)
        with waiting("starting Ray") if execution.runner == "ray" else nullcontext():
            run_of.runner.prepare()
        if out is None:
            return run_search(run_of, None, config.trials, as_json=json)
        with RunFolder.create(out, config) as run:
            run_of.keep_in(run.journal)
            return run_search(run_of, run, config.trials, as_json=json)


def _execution(runner: Given, stopping: Given, parallel: int, device: str) -> Execution:
    """How trials are carried out.

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
    for name in runner:
        if given["runner"] == "local" and name != "runner":
            raise OptionError(f"--{name} is for --runner ray")
    for name in stopping:
        if "early_stopping" not in given:
            raise OptionError(f"--{name.replace('_', '-')} is for --early-stopping")
    if given["runner"] == "ray" and "gpus" not in given:
        import torch

        uses_gpus = device in ("auto", "cuda") and torch.cuda.is_available()
        given["gpus"] = min(torch.cuda.device_count() / parallel if uses_gpus else 0.0, 1.0)
    return Execution(**given)


def _check_first_network(task: TrainingTask, data: ImageData) -> None:
    """Refuse networks that cannot be built or trained, before the first trial is proposed.

    Raises:
        AnasodError: The cell does not fit the skeleton, or the images do not fit the network.
    """
    from ax_anasod.cli.terminal import waiting

    with waiting("building the first network"):
        task.start(task.example(), data, seed=0).close()
