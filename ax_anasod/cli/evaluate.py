"""``ax-anasod evaluate``, ``transfer`` and ``ensemble``: what was found, trained for good."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from ax_anasod.cli import options as opt
from ax_anasod.cli.option_groups import Given, OptionGroup, number, option
from ax_anasod.cli.retraining import retrain
from ax_anasod.cli.trained_kinds import DECODER, SEQUENCES
from ax_anasod.exceptions import OptionError
from ax_anasod.training.training_config import DataConfig

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
_SEQUENCES: Final = replace(SEQUENCES, names=("sequences",))
_DECODER: Final = replace(DECODER, names=("width", "repeats"), default=_AS_IN_SEARCH)
_TRAINING: Final = replace(opt.TRAINING, default="that of the protocol")
# The search may have been made on another machine.
_HARDWARE: Final = replace(
    opt.HARDWARE,
    names=("device", "threads", "devices"),
    changes={**opt.HARDWARE.changes, "device": {"default": "auto"}},
)
_RUNNER: Final = replace(
    opt.RUNNER,
    changes={
        "runner": {
            "help": "With --top: local trains one network after another in this process, ray as "
            "many at a time as there is room for on this machine or on a cluster."
        },
        "gpus": {"default": None, "show_default": "one, where the device has some"},
    },
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
    sequences: Annotated[Given, _SEQUENCES],
    decoder: Annotated[Given, _DECODER],
    pick: opt.Pick = None,
    layers: Layers = None,
    top: Annotated[
        int | None,
        number(
            "Training",
            "Train the best N trials of ax-anasod train, the most promising first, instead of one; "
            "more of them add to those that are there.",
            1,
        ),
    ] = None,
    by: Annotated[
        str | None,
        option(
            "Training",
            "With --top: the best as they were observed in the search (the default), or in the "
            "belief of a model of all trials, which puts lucky ones back.",
            metavar="search|belief",
        ),
    ] = None,
    budget: Annotated[
        float | None,
        option(
            "Training",
            "With --top: begin no further network once trainings have taken so many hours.",
            metavar="HOURS",
        ),
    ] = None,
    training: Annotated[Given, _TRAINING],
    training_texts: opt.TrainingOptions = None,
    hardware: Annotated[Given, _HARDWARE],
    runner: Annotated[Given, _RUNNER],
    out: ModelFolder = None,
    json: opt.Json = False,
) -> int:
    """Train the best network of a search for good, on all images, and test it.

    Of ax-anasod train that is the network of the best trial, or with --top those of the best
    ones; of ax-anasod dnas all layers are the best cell, or with --layers sampled each is a cell
    drawn from p (the paper). Writes model.pt (see ax_anasod.load_model), metrics.json and
    learning_curve.png. The paper's protocol has 600 epochs: on a CPU give fewer with --epochs;
    that of language models has 12. Killed at any instant, it goes on with the same command.
    """
    given = {"by": by, "budget": budget, **runner}
    for name, value in given.items():
        if value is not None and top is None:
            raise OptionError(f"--{name} is for --top N")
    by = by or "search"
    folder = protocol if top is None else f"{protocol}-top{'' if by == 'search' else f'-{by}'}"
    return retrain(
        directory,
        protocol,
        out or directory / folder,
        top=top,
        by=by,
        budget=budget,
        runner=runner,
        data={**data, **sequences},
        network={**network, **decoder},
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
    return retrain(
        directory,
        protocol,
        out or directory / f"transfer-{dataset}",
        data={**data, "dataset": dataset},
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
    return retrain(
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
