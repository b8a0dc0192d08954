"""``ax-anasod evaluate``, ``transfer`` and ``ensemble``: what was found, trained for good."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ax_anasod.cli import options as opt
from ax_anasod.cli.option_groups import Given, OptionGroup, number, option
from ax_anasod.exceptions import OptionError
from ax_anasod.training.config import DataConfig

if TYPE_CHECKING:
    from ax_anasod.retraining import SearchResult
    from ax_anasod.training import Epoch, ImageData, TrainingTask

_AS_IN_SEARCH: Final = "as in the search"
_DATA: Final = OptionGroup(
    DataConfig,
    "Images",
    ("path", "images", "image_size", "skip_damaged"),
    _AS_IN_SEARCH,
    changes={
        "path": {**opt.IMAGES.changes["path"], "help": "Where the images lie now."},
        "images": {"show_default": "all"},
        "skip_damaged": {"flag": "--skip-damaged/--refuse-damaged"},
    },
)
_NETWORK: Final = replace(opt.NETWORK, names=("channels", "cells"), default=_AS_IN_SEARCH)
_TRAINING: Final = replace(opt.TRAINING, default="that of the protocol")
# The search may have been made on another machine.
_HARDWARE: Final = replace(
    opt.HARDWARE,
    names=("device", "threads", "devices"),
    changes={**opt.HARDWARE.changes, "device": {"default": "auto"}},
)

TrainedRun = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder of ax-anasod train or of ax-anasod dnas.")
]
Protocol = Annotated[
    str,
    option(
        "Training",
        "evaluation: 600 epochs with CutMix, auxiliary tower and drop path; evaluation+: 1,500, "
        "with AutoAugment, too; search: as in the search.",
        metavar="NAME",
    ),
]
Layers = Annotated[
    str | None,
    option(
        "Networks",
        "repeated: all layers are one cell, the best; sampled: each is a cell drawn from p. "
        "For the folder of ax-anasod dnas; repeated by default.",
        metavar="KIND",
    ),
]
ModelFolder = Annotated[
    Path | None, option("Output", "Folder of the results; one in DIR by default.", metavar="DIR")
]


def evaluate(
    *,
    directory: TrainedRun,
    protocol: Protocol = "evaluation",
    data: Annotated[Given, _DATA],
    network: Annotated[Given, _NETWORK],
    pick: opt.Pick = None,
    layers: Layers = None,
    training: Annotated[Given, _TRAINING],
    training_texts: opt.TrainingOptions = None,
    hardware: Annotated[Given, _HARDWARE],
    out: ModelFolder = None,
    json: opt.Json = False,
) -> int:
    """Train the best network of a search for good, on all images, and test it.

    Of ax-anasod train that is the network of the best trial; of ax-anasod dnas all layers are
    the best cell, or with --layers sampled each is a cell drawn from p (the paper). Writes
    model.pt (see ax_anasod.load_model), metrics.json and learning_curve.png. The paper's
    protocol has 600 epochs: on a CPU give fewer with --epochs. Killed at any instant, it goes
    on with the same command.
    """
    return _retrain(
        directory,
        protocol,
        out or directory / protocol,
        data=data,
        network=network,
        layers=layers,
        pick=pick,
        training=training,
        training_texts=training_texts,
        hardware=hardware,
        as_json=json,
    )


def transfer(
    *,
    directory: TrainedRun,
    dataset: Annotated[
        str, option("Images", "The other data set; see: ax-anasod train --help.", metavar="NAME")
    ],
    protocol: Protocol = "evaluation",
    data: Annotated[Given, _DATA],
    network: Annotated[Given, _NETWORK],
    pick: opt.Pick = None,
    layers: Layers = None,
    training: Annotated[Given, _TRAINING],
    training_texts: opt.TrainingOptions = None,
    hardware: Annotated[Given, _HARDWARE],
    out: ModelFolder = None,
    json: opt.Json = False,
) -> int:
    """Train the network that was found on another data set (paper, Table 5).

    Writes the same files as evaluate, and goes on with the same command when it was killed.
    """
    if out is None and Path(dataset).name != dataset:
        raise OptionError(
            f"the data set {dataset!r} cannot be part of a folder's name",
            "name a folder with --out",
        )
    return _retrain(
        directory,
        protocol,
        out or directory / f"transfer-{dataset}",
        dataset=dataset,
        data=data,
        network=network,
        layers=layers,
        pick=pick,
        training=training,
        training_texts=training_texts,
        hardware=hardware,
        as_json=json,
    )


def ensemble(
    *,
    directory: TrainedRun,
    members: Annotated[int, number("Ensemble", "How many networks.", 2)] = 5,
    protocol: Protocol = "evaluation",
    data: Annotated[Given, _DATA],
    network: Annotated[Given, _NETWORK],
    pick: opt.Pick = None,
    layers: Layers = None,
    training: Annotated[Given, _TRAINING],
    training_texts: opt.TrainingOptions = None,
    hardware: Annotated[Given, _HARDWARE],
    out: ModelFolder = None,
    json: opt.Json = False,
) -> int:
    """Train several networks that a search found, and average what they say.

    Of ax-anasod train these are architectures of the best encoding; of ax-anasod dnas the best
    cells, or with --layers sampled networks drawn from p. Reports accuracy, negative
    log-likelihood and calibration error of the members and of the ensemble, with a reliability
    diagram. Killed at any instant, it goes on with the same command; a larger --members adds to
    those that are there.
    """
    return _retrain(
        directory,
        protocol,
        out or directory / "ensemble",
        members=members,
        data=data,
        network=network,
        layers=layers,
        pick=pick,
        training=training,
        training_texts=training_texts,
        hardware=hardware,
        as_json=json,
    )


def _retrain(
    directory: Path,
    protocol: str,
    out: Path,
    *,
    dataset: str | None = None,
    members: int | None = None,
    data: Given,
    network: Given,
    layers: str | None,
    pick: str | None,
    training: Given,
    training_texts: list[str] | None,
    hardware: Given,
    as_json: bool,
) -> int:
    """Train what a search has found, alone or as an ensemble, and show the results.

    Args:
        directory: The folder of the search.
        protocol: Name of the protocol.
        out: The folder of the results.
        dataset: Another data set, None for that of the search.
        members: How many networks of an ensemble; None trains one network alone.
        data: What differs from the images of the search.
        network: What differs from the networks of the search.
        layers: Kind of layers, for a differentiable search.
        pick: Which point of a front.
        training: What differs from the protocol.
        training_texts: More that differs from it, ``NAME=VALUE`` each.
        hardware: What differs from the hardware of the search.
        as_json: Print the results as JSON.

    Raises:
        AnasodError: What was asked for is wrong; nothing was written.
        Failure: The training has failed on its way.
    """
    from ax_anasod.cli.terminal import INTERRUPTED, note, waiting

    with waiting("loading Ax"):
        from ax_anasod.cli.failures import while_running
        from ax_anasod.cli.images import read_images
        from ax_anasod.cli.parsing import parse_training
        from ax_anasod.files import refuse_link
        from ax_anasod.retraining import evaluation_task, read_search
        from ax_anasod.runs.layout import check_holds_no_other

    found = read_search(directory, layers, pick)
    check_holds_no_other(out)
    task = evaluation_task(
        found,
        protocol,
        dataset=dataset,
        network=network,
        training=parse_training(training, training_texts),
        hardware=hardware,
        **data,
    )
    task = replace(task, hardware=task.hardware.with_threads())
    task.hardware.check()
    if out.parent == directory:
        refuse_link(out)
    read = read_images(task.data, "evaluation", download=dataset is not None or "path" in data)
    with waiting("building the network"):
        fitted = task.fitted(read)
        codes = [found.draw(fitted.network.cells, member) for member in (0, (members or 1) - 1)]
        fitted.start(codes[0], read, seed=0).close()
    try:
        with while_running("the same command goes on from the last epoch"):
            return _train(found, task, read, out, members, as_json=as_json)
    except KeyboardInterrupt:
        note("interrupted; the same command goes on from the last epoch")
        return INTERRUPTED


def _train(
    found: SearchResult,
    task: TrainingTask,
    data: ImageData,
    out: Path,
    members: int | None,
    *,
    as_json: bool,
) -> int:
    from ax_anasod.cli.images import note_chance
    from ax_anasod.cli.retrained_view import table_of_ensemble, table_of_one
    from ax_anasod.cli.terminal import SearchProgress, print_result
    from ax_anasod.retraining import evaluate, train_ensemble

    epochs = task.training.epochs
    with (
        SearchProgress(f"training on {data.name}", epochs * (members or 1), 0) as progress,
        redirect_stdout(sys.stderr),
    ):

        def after_epoch(member: int, epoch: Epoch) -> None:
            progress.show(epochs * member + epoch.epoch, f"test error {epoch.valid_error:.2f} %")

        if members is None:
            one = evaluate(found, task, data, out, after_epoch=lambda epoch: after_epoch(0, epoch))
        else:
            several = train_ensemble(
                found, task, data, out, members=members, after_epoch=after_epoch
            )
    if members is None:
        content, table = one.metrics, table_of_one(one, found.picked)
        error, who = one.metrics["test_error"], "the network did not do"
    else:
        content, table = several.figures, table_of_ensemble(several)
        error, who = 100 - several.figures["ensemble"]["accuracy"], "the ensemble did not do"
    about = {"picked": found.picked, "out": str(out)}
    print_result(table, content={**content, **about} if as_json else None)
    note_chance(error, data, who)
    return 0
