"""Starting a run that trains: everything is checked before anything is written."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ax_anasod import cells
from ax_anasod.cli.carry_out import carry_out
from ax_anasod.cli.session import note, waiting
from ax_anasod.cli.strategy_options import field_types, parse_options, parse_texts
from ax_anasod.cli.train_view import read_images
from ax_anasod.exceptions import OptionError
from ax_anasod.generation_strategy import Start, get
from ax_anasod.networks import published_config
from ax_anasod.runs import Execution, RunFolder, TrainingSearch, plan_run
from ax_anasod.runs.layout import check_free
from ax_anasod.training import (
    DataConfig,
    Hardware,
    ImageData,
    TrainingConfig,
    TrainingTask,
    protocol,
)
from ax_anasod.trust import own_description

# On the digits, which have 8 x 8 pixels, a search of this size takes minutes on a CPU.
_SMALL: Final = {"channels": 8, "cells": 6}
_SHORT: Final = {"epochs": 6, "batch_size": 32}
_FEW_TRIALS: Final = 20
_PAPER_TRIALS: Final = 50


@dataclass(frozen=True)
class Wishes:
    """What was asked for; None in a mapping is an option that was not given.

    Args:
        data: Arguments of :class:`DataConfig`.
        cell: Name of the cell, or a TOML file.
        network: Arguments of :class:`ax_anasod.networks.NetworkConfig`.
        layers: Kind of layers.
        operations: Where modules of the user's own operations are.
        training: Arguments of :class:`TrainingConfig`.
        training_texts: Others of them, ``NAME=VALUE`` each.
        hardware: Arguments of :class:`Hardware`.
        execution: Arguments of :class:`Execution`.
        strategy: Name of the strategy.
        options: Its options, ``NAME=VALUE`` each.
        start_from: What a differentiable search has found.
        trials: How many trials.
        seed: The seed of the run.
        parallel: How many trials are proposed at a time.
    """

    data: Mapping[str, Any]
    cell: str
    network: Mapping[str, Any]
    layers: str
    operations: str | None
    training: Mapping[str, Any]
    training_texts: Sequence[str]
    hardware: Mapping[str, Any]
    execution: Mapping[str, Any]
    strategy: str
    options: Sequence[str]
    start_from: Start | None
    trials: int | None
    seed: int
    parallel: int

    @property
    def small(self) -> bool:
        """Whether the numbers that were not given are those for the digits."""
        return self.data["dataset"] == "digits" and self.data["path"] is None


def start_training(wishes: Wishes, out: Path | None, *, as_json: bool) -> int:
    """Start a run and carry it out.

    Args:
        wishes: What was asked for.
        out: The folder of the run, None where nothing is kept.
        as_json: Print the results as JSON.

    Returns:
        The exit code.

    Raises:
        AnasodError: Something that was asked for is wrong; nothing was written.
        Failure: The run has failed on its way.
    """
    options = parse_options(get(wishes.strategy), wishes.options)
    if out is not None:
        check_free(out)
    execution = make_execution(wishes)
    task = make_task(wishes, execution.cpus if execution.runner == "ray" else 1.0)
    data = read_images(task.data)
    task = task.fitted(data)
    config = plan_run(
        task,
        wishes.strategy,
        options,
        trials=wishes.trials or (_FEW_TRIALS if wishes.small else _PAPER_TRIALS),
        seed=wishes.seed,
        parallel=wishes.parallel,
        execution=execution.to_dict(),
        start=wishes.start_from,
    )
    # A strategy, cell or batch that does not fit is refused here, before there is a folder.
    with tempfile.TemporaryDirectory(prefix="ax-anasod-") as scratch:
        folder = Path(scratch) if out is None else out
        with own_description():
            search = TrainingSearch.of(config, folder)
        search.runner.use_data(data)
        check_first_network(task, data)
        with waiting("starting Ray") if execution.runner == "ray" else nullcontext():
            search.runner.prepare()
        if out is None:
            return carry_out(search, None, config.trials, as_json=as_json)
        with RunFolder.create(out, config) as run:
            search.keep_in(run.journal)
            return carry_out(search, run, config.trials, as_json=as_json)


def make_task(wishes: Wishes, processors: float) -> TrainingTask:
    """What is trained.

    Args:
        wishes: What was asked for.
        processors: How many processors a trial has.

    Raises:
        AnasodError: There is no such cell, device or option, or a number is out of range.
    """
    cell = cells.resolve(wishes.cell)
    network = {**(_SMALL if wishes.small else {}), **_given(wishes.network)}
    training: dict[str, Any] = {**(_SHORT if wishes.small else {}), **_given(wishes.training)}
    texts = parse_texts(
        wishes.training_texts, field_types(TrainingConfig), "--training", "training option"
    )
    for name in sorted(texts.keys() & _given(wishes.training).keys()):
        raise OptionError(
            f"{name} is given twice: --{name.replace('_', '-')} and --training {name}=...",
            "give one of them",
        )
    training |= texts
    hardware = Hardware(**wishes.hardware).with_threads(processors)
    hardware.check()
    return TrainingTask(
        cell=cell,
        data=DataConfig(**wishes.data),
        network=published_config(cell, **network),
        training=protocol("search", **training),
        hardware=hardware,
        layers=wishes.layers,  # type: ignore[arg-type]
        operations=wishes.operations,
    )


def make_execution(wishes: Wishes) -> Execution:
    """How trials are carried out.

    Raises:
        AnasodError: There is no such runner, or a number is out of range.
    """
    given = _given(wishes.execution)
    if "runner" not in given:
        has_ray = importlib.util.find_spec("ray") is not None
        given["runner"] = "ray" if wishes.parallel > 1 and has_ray else "local"
        if wishes.parallel > 1 and not has_ray:
            note("Ray is not installed: trials proposed together are trained one after the other")
    for name in ("address", "cpus", "gpus", "retries"):
        if given["runner"] == "local" and name in given:
            raise OptionError(f"--{name} is for --runner ray")
    for name in ("min_epochs", "min_trials"):
        if "early_stopping" not in given and name in given:
            raise OptionError(f"--{name.replace('_', '-')} is for --early-stopping")
    if given["runner"] == "ray" and "gpus" not in given:
        import torch

        uses_gpus = wishes.hardware["device"] in ("auto", "cuda") and torch.cuda.is_available()
        share = torch.cuda.device_count() / wishes.parallel if uses_gpus else 0.0
        given["gpus"] = min(share, 1.0)
    return Execution(**given)


def check_first_network(task: TrainingTask, data: ImageData) -> None:
    """Refuse networks that cannot be built or trained, before the first trial is proposed.

    Raises:
        AnasodError: The cell does not fit the skeleton, or the images do not fit the network.
    """
    with waiting("building the first network"):
        task.start(task.example(), data, seed=0).close()


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
