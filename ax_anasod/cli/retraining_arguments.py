"""The options of ``ax-anasod evaluate``, ``transfer`` and ``ensemble``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ax_anasod.cli import train_arguments as train
from ax_anasod.cli.arguments import number, option
from ax_anasod.cli.expansion import expand

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
OtherDataset = Annotated[
    str, option("Images", "The other data set; see: ax-anasod train --help.", metavar="NAME")
]
MovedImages = Annotated[
    Path | None,
    option("Images", "Where the images of the search lie now.", "--data", metavar="DIR"),
]
Members = Annotated[int, number("Ensemble", "How many networks.", 2)]
ModelFolder = Annotated[
    Path | None, option("Output", "Folder of the results; one in DIR by default.", metavar="DIR")
]

DATA: Final = {
    "images": train.Images,
    "image_size": train.ImageSize,
    "skip_damaged": Annotated[
        bool | None,
        option(
            "Images",
            "Leave damaged or missing images out, and say how many; as in the search.",
            "--skip-damaged/--refuse-damaged",
        ),
    ],
}
NETWORK: Final = {
    "channels": Annotated[
        int | None, number("Networks", "Channels of the first cells; as in the search.", 1)
    ],
    "cells": Annotated[int | None, number("Networks", "Cells of a network; as in the search.", 1)],
}
TRAINING: Final = {
    "epochs": Annotated[
        int | None, number("Training", "Epochs; those of the protocol by default.", 1)
    ],
    "batch_size": train.BatchSize,
    "learning_rate": train.LearningRate,
}
_OTHERS: Final = {
    "layers": Annotated[
        str | None,
        option(
            "Networks",
            "repeated: all layers are one cell, the best; sampled: each is a cell drawn from p. "
            "For the folder of ax-anasod dnas; repeated by default.",
            metavar="KIND",
        ),
    ],
    "training": train.TrainingOptions,
}
HARDWARE: Final = {"device": train.Device, "threads": train.Threads, "devices": train.Devices}


def takes_retraining(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options of a training in the place of its parameter ``given``."""
    options: dict[str, Any] = {**DATA, **NETWORK, **TRAINING, **_OTHERS, **HARDWARE}
    return expand(
        command,
        [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default="auto" if name == "device" else None,
                annotation=annotation,
            )
            for name, annotation in options.items()
        ],
    )
