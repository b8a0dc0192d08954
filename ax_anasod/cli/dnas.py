"""``ax-anasod dnas``: a differentiable search for a distribution of operations."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, Final

from ax_anasod.cli import options as opt
from ax_anasod.cli.option_groups import Given, option
from ax_anasod.cli.trained_kinds import is_of_decoders
from ax_anasod.exceptions import BenchmarkError, OptionError
from ax_anasod.networks.network_config import published_config
from ax_anasod.settings import Count
from ax_anasod.training.hardware import Hardware
from ax_anasod.training.training_config import SEQUENCE_DATASETS, DataConfig, TrainingConfig

if TYPE_CHECKING:
    from ax_anasod.dnas import MethodConfig, OneShotRun, SearchEpoch
    from ax_anasod.training import TrainingTask

# On the digits, which are few and have 8 x 8 pixels, a search of this size takes a minute.
_SMALL: Final = {"channels": 8, "cells": 3}
_SHORT: Final = {"epochs": 12, "batch_size": 32}

# Fields of `ax_anasod.dnas.MethodConfig` by which a search does nothing.
_DESCRIPTIONS: Final = ("summary", "source", "published_rate")
_METHOD: Final = "Differentiable search"
_IMAGES: Final = replace(
    opt.IMAGES,
    changes={
        **opt.IMAGES.changes,
        "validation": {
            "default": 0.5,
            "help": "Share of the training images that the distribution learns from.",
        },
    },
)
_TRAINING: Final = replace(opt.TRAINING, default="as published; short on the digits")


def dnas(
    *,
    method: Annotated[
        str,
        option(
            _METHOD,
            "anasod-dnas (the paper), anasod-dnas+ (then single mutations of the best vertex), "
            "gaea, gaea-erm, darts, darts-2, gdas, drnas, beta-darts, setn, rsps or enas.",
            metavar="NAME",
        ),
    ] = "anasod-dnas",
    setting: Annotated[
        list[str],
        option(
            _METHOD,
            "Setting of the method, such as learning_rate=0.05. May be repeated.",
            "--option",
            metavar="NAME=VALUE",
        ),
    ],
    candidates: Annotated[
        Count | None,
        option(_METHOD, "How many cells are drawn from the distribution and ranked."),
    ] = None,
    oracle: Annotated[
        str | None,
        option(
            _METHOD,
            "Table with the accuracy (percent) of every architecture, by which the search is "
            "judged from outside: file and column.",
            "--oracle",
            metavar="FILE:COLUMN",
        ),
    ] = None,
    data: Annotated[Given, _IMAGES],
    cell: opt.TrainedCell = "nas-bench-201",
    network: Annotated[Given, opt.NETWORK],
    operations: opt.Operations = None,
    training: Annotated[Given, _TRAINING],
    training_texts: opt.TrainingOptions,
    hardware: Annotated[Given, opt.HARDWARE],
    seed: opt.Seed = 0,
    out: opt.Out = None,
    json: opt.Json = False,
) -> int:
    """Search a distribution of operations by gradients, in one network that holds all cells.

    Without --dataset it searches on scikit-learn's digits, in a minute on a CPU; otherwise
    every number that is not given is the published one. The result, found.json, starts a
    search (ax-anasod search --from DIR) or is trained (ax-anasod evaluate DIR). Killed at any
    instant, a search with --out goes on from the last epoch with: ax-anasod resume DIR
    """
    from ax_anasod.cli.terminal import waiting

    with waiting("loading torch"):
        from ax_anasod import cells
        from ax_anasod.cli.image_reading import read_images
        from ax_anasod.cli.parsing import parse_training
        from ax_anasod.dnas import OneShotConfig, OneShotRun
        from ax_anasod.dnas.methods import TRAINING
        from ax_anasod.dnas.result_files import CONFIG, FILES, LOCK
        from ax_anasod.environment import environment
        from ax_anasod.locks import locked
        from ax_anasod.runs.layout import REPORT, check_free, refusing
        from ax_anasod.training import TrainingTask

    files = (*FILES, REPORT)
    if out is not None:
        check_free(out, files)
    chosen = make_method(method, setting, candidates)
    searched = cells.resolve(cell)
    if is_of_decoders(searched) or data.get("dataset") in SEQUENCE_DATASETS:
        raise OptionError(
            "a differentiable search is for images, not for language models",
            "search these with: ax-anasod train --cell hybrid-lm",
        )
    images = DataConfig(**data)
    small = images.dataset == "digits" and images.path is None
    trained = {
        **TRAINING,
        "epochs": chosen.epochs,
        **(_SHORT if small else {}),
        **parse_training(training, training_texts),
    }
    device = Hardware(**hardware).with_threads()
    device.check()
    task = TrainingTask(
        cell=searched,
        data=images,
        network=published_config(searched, **{**(_SMALL if small else {}), **network}),
        training=TrainingConfig(**trained),
        hardware=device,
        layers="repeated",
        operations=operations,
    )
    with waiting("reading the oracle"):
        described = None if oracle is None else read_oracle(oracle, task)
    read = read_images(images)
    config = OneShotConfig(
        environment=environment(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        method_name=method,
        method=chosen,
        task=task.fitted(read),
        seed=seed,
        oracle=described,
    )
    # A cell, batch or oracle that does not fit is refused here, before there is a folder.
    with waiting("building the supernet"):
        run = OneShotRun(config, read)
    if out is not None:
        with refusing(out, "made"):
            out.mkdir(parents=True, exist_ok=True)
        # Of two processes that start in one folder, the second finds it taken.
        with locked(out / LOCK, f"another process is searching in {out}"):
            check_free(out, files)
            config.write(out / CONFIG)
        run = OneShotRun(config, read, out)
    return _run_search(run, as_json=json)


def continue_search(folder: Path, *, as_json: bool) -> int:
    """Go on with the differentiable search of a folder, or show again what it has found.

    Raises:
        AnasodError: Its images or its oracle are no longer what they were.
        Failure: The search has failed on its way.
    """
    from ax_anasod.cli.terminal import note_changes, waiting

    with waiting("loading torch"):
        from ax_anasod.cli.image_reading import read_images
        from ax_anasod.dnas import OneShotConfig, OneShotRun
        from ax_anasod.training.pairing import image_data

    config = OneShotConfig.read(folder)
    note_changes(config.environment)
    config.task.hardware.check()
    images = read_images(image_data(config.task.data))
    with waiting("restoring the search"):
        run = OneShotRun(config, images, folder)
    return _run_search(run, as_json=as_json)


def make_method(name: str, settings: Sequence[str], candidates: int | None = None) -> MethodConfig:
    """The method of a name, with the settings of the command line.

    Raises:
        UnknownNameError: There is no such method or setting.
        OptionError: A setting has the wrong type or is out of range.
    """
    from ax_anasod.dnas import method

    options = method_settings(name, settings, "--option")
    if candidates is not None:
        options["candidates"] = candidates
    return method(name, **options)


def method_settings(name: str, texts: Sequence[str], flag: str) -> dict[str, Any]:
    """Read the settings of a method, ``NAME=VALUE`` each, given with an option.

    Raises:
        UnknownNameError: There is no such method or setting.
        OptionError: A setting has no value or one of the wrong type, or comes twice.
    """
    from ax_anasod.cli.parsing import field_types, parse_texts
    from ax_anasod.dnas import MethodConfig, method

    method(name)
    known = {n: t for n, t in field_types(MethodConfig).items() if n not in _DESCRIPTIONS}
    return parse_texts(texts, known, flag, f"option of method {name!r}:")


def read_oracle(text: str, task: TrainingTask) -> dict[str, Any]:
    """The description of an oracle, ``FILE:COLUMN`` of a table with accuracies in percent.

    Raises:
        OptionError: It is not of that form.
        AnasodError: The table lacks architectures, or has no such column.
    """
    from ax_anasod.nasbench import TableBenchmark

    file, separator, column = text.rpartition(":")
    if not separator or not file or not column:
        raise OptionError(f"--oracle {text!r} is not of the form FILE:COLUMN")
    table = TableBenchmark(file, task.cell, accuracy=column, present_only=True)
    if table.cell != task.cell:
        raise BenchmarkError(
            f"the oracle {file} has {table.cell.size} of the {task.cell.size} architectures of "
            f"cell {task.cell.name!r}",
            "an oracle must hold every architecture that can be drawn",
        )
    return {"benchmark": table.to_dict(), "objective": table.objectives[0].name}


def _run_search(run: OneShotRun, *, as_json: bool) -> int:
    from ax_anasod.cli.dnas_results import print_summary
    from ax_anasod.cli.failures import while_running, while_writing
    from ax_anasod.cli.terminal import INTERRUPTED, Interruption, SearchProgress, note, waiting

    folder, config = run.folder, run.config
    how = None if folder is None else f"go on with: ax-anasod resume {quote(str(folder))}"
    epochs = config.task.training.epochs
    title = f"{config.method_name} on {config.task.dataset}, seed {config.seed}"
    result = None
    try:
        with while_running(how), redirect_stdout(sys.stderr):
            progress = SearchProgress(title, epochs, len(run.search.history))
            with progress, Interruption(progress.say, "epoch") as interruption:

                def after_epoch(epoch: SearchEpoch) -> None:
                    progress.show(epoch.epoch, _in_words(run))

                def after_cell(trained: int) -> None:
                    progress.show_part("cells trained alone", trained, trained, "")

                result = run.run(after_epoch, after_cell, lambda: interruption.requested)
    except KeyboardInterrupt:
        result = None
    if result is None:
        done = len(run.search.history)
        note(
            f"interrupted after {done} of {epochs} epochs; "
            + (how or "nothing was written, since --out was not given")
        )
        return INTERRUPTED
    content = run.summary(result)
    try:
        if folder is not None:
            with while_writing(f"the search is kept; {how}"), waiting("writing the report"):
                # Loads Ax, which must not delay the start of the search.
                from ax_anasod.analysis.one_shot import write_one_shot

                write_one_shot(content, config.task.cell, folder)
    finally:
        print_summary(content, as_json=as_json)
    return 0


def _in_words(run: OneShotRun) -> str:
    row = run.curve[-1]
    if "mean_error" in row:
        return f"a draw {row['mean_error']:.2f} % (oracle)"
    return f"error of draws {row['draw_error']:.1f} % in the supernet"
