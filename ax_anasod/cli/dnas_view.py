"""A differentiable search on the terminal: its start, its progress, its results."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Any, Final

from ax_anasod import cells, nasbench
from ax_anasod.cli.dnas_results import print_summary
from ax_anasod.cli.failures import while_running, while_writing
from ax_anasod.cli.interruption import Interruption
from ax_anasod.cli.progress import SearchProgress
from ax_anasod.cli.session import note, note_changes, waiting
from ax_anasod.cli.strategy_options import field_types, parse_texts
from ax_anasod.cli.train_view import read_images
from ax_anasod.dnas import MethodConfig, OneShotConfig, OneShotRun, SearchEpoch, method
from ax_anasod.dnas.layout import CONFIG, FILES, LOCK
from ax_anasod.dnas.methods import TRAINING
from ax_anasod.environment import environment
from ax_anasod.exceptions import BenchmarkError, OptionError
from ax_anasod.locks import locked
from ax_anasod.networks import published_config
from ax_anasod.runs.layout import REPORT, check_free, refusing
from ax_anasod.training import DataConfig, Hardware, TrainingConfig, TrainingTask

# On the digits, which are few and have 8 x 8 pixels, a search of this size takes a minute.
_SMALL: Final = {"channels": 8, "cells": 3}
_SHORT: Final = {"epochs": 12, "batch_size": 32}
_INTERRUPTED: Final = 130
_FILES: Final = (*FILES, REPORT)


def start_search(
    *,
    method_name: str,
    settings: Sequence[str],
    candidates: int | None,
    oracle: str | None,
    data: Mapping[str, Any],
    cell: str,
    network: Mapping[str, Any],
    operations: str | None,
    training: Mapping[str, Any],
    training_texts: Sequence[str],
    hardware: Mapping[str, Any],
    seed: int,
    out: Path | None,
    as_json: bool,
) -> int:
    """Start a differentiable search and carry it out; arguments as in the command.

    Returns:
        The exit code.

    Raises:
        AnasodError: Something that was asked for is wrong; nothing was written.
        Failure: The search has failed on its way.
    """
    if out is not None:
        check_free(out, _FILES)
    chosen = make_method(method_name, settings, candidates)
    small = data["dataset"] == "digits" and data["path"] is None
    searched = cells.resolve(cell)
    given = {name: value for name, value in training.items() if value is not None}
    texts = parse_texts(
        training_texts, field_types(TrainingConfig), "--training", "training option"
    )
    for name in sorted(texts.keys() & given.keys()):
        raise OptionError(
            f"{name} is given twice: --{name.replace('_', '-')} and --training {name}=...",
            "give one of them",
        )
    trained = {**TRAINING, "epochs": chosen.epochs, **(_SHORT if small else {}), **given, **texts}
    sizes = {name: value for name, value in network.items() if value is not None}
    device = Hardware(**hardware).with_threads()
    device.check()
    task = TrainingTask(
        cell=searched,
        data=DataConfig(**data),
        network=published_config(searched, **{**(_SMALL if small else {}), **sizes}),
        training=TrainingConfig(**trained),
        hardware=device,
        layers="repeated",
        operations=operations,
    )
    with waiting("reading the oracle"):
        described = None if oracle is None else read_oracle(oracle, task)
    images = read_images(task.data)
    config = OneShotConfig(
        environment=environment(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        method_name=method_name,
        method=chosen,
        task=task.fitted(images),
        seed=seed,
        oracle=described,
    )
    # A cell, batch or oracle that does not fit is refused here, before there is a folder.
    with waiting("building the supernet"):
        run = OneShotRun(config, images)
    if out is not None:
        with refusing(out, "made"):
            out.mkdir(parents=True, exist_ok=True)
        # Of two processes that start in one folder, the second finds it taken.
        with locked(out / LOCK, f"another process is searching in {out}"):
            check_free(out, _FILES)
            config.write(out / CONFIG)
        run = OneShotRun(config, images, out)
    return _carry_out(run, as_json=as_json)


def continue_search(folder: Path, *, as_json: bool) -> int:
    """Go on with the differentiable search of a folder, or show again what it has found.

    Raises:
        AnasodError: Its images or its oracle are no longer what they were.
        Failure: The search has failed on its way.
    """
    config = OneShotConfig.read(folder)
    note_changes(config.environment)
    config.task.hardware.check()
    images = read_images(config.task.data)
    with waiting("restoring the search"):
        run = OneShotRun(config, images, folder)
    return _carry_out(run, as_json=as_json)


def make_method(name: str, settings: Sequence[str], candidates: int | None = None) -> MethodConfig:
    """The method of a name, with the settings of the command line.

    Raises:
        UnknownNameError: There is no such method or setting.
        OptionError: A setting has the wrong type or is out of range.
    """
    method(name)
    options = parse_texts(
        settings, field_types(MethodConfig), "--option", f"option of method {name!r}:"
    )
    if candidates is not None:
        options["candidates"] = candidates
    return method(name, **options)


def read_oracle(text: str, task: TrainingTask) -> dict[str, Any]:
    """The description of an oracle, ``FILE:COLUMN`` of a table with accuracies in percent.

    Raises:
        OptionError: It is not of that form.
        AnasodError: The table lacks architectures, or has no such column.
    """
    file, separator, column = text.rpartition(":")
    if not separator or not file or not column:
        raise OptionError(f"--oracle {text!r} is not of the form FILE:COLUMN")
    table = nasbench.TableBenchmark(file, task.cell, accuracy=column, present_only=True)
    if table.cell != task.cell:
        raise BenchmarkError(
            f"the oracle {file} has {table.cell.size} of the {task.cell.size} architectures of "
            f"cell {task.cell.name!r}",
            "an oracle must hold every architecture that can be drawn",
        )
    return {"benchmark": table.to_dict(), "objective": table.objectives[0].name}


def _carry_out(run: OneShotRun, *, as_json: bool) -> int:
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

                def after_second(epoch: SearchEpoch) -> None:
                    progress.show_part("second supernet", epoch.epoch, epochs, "")

                def after_cell(trained: int) -> None:
                    progress.show_part("cells trained alone", trained, trained, "")

                result = run.run(
                    after_epoch, after_second, after_cell, lambda: interruption.requested
                )
    except KeyboardInterrupt:
        result = None
    if result is None:
        done = len(run.search.history)
        note(
            f"interrupted after {done} of {epochs} epochs; "
            + (how or "nothing was written, since --out was not given")
        )
        return _INTERRUPTED
    content = run.summary(result)
    try:
        if folder is not None:
            with while_writing(f"the search is kept; {how}"), waiting("writing the report"):
                # Loads Ax, for which nobody should wait before the search.
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
