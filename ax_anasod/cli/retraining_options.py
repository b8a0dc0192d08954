"""The options that ``evaluate``, ``transfer`` and ``ensemble`` have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import typer

from ax_anasod.cli import options as opt
from ax_anasod.cli.option_groups import Given, OptionGroup, option
from ax_anasod.training.training_config import DataConfig

AS_IN_SEARCH: Final = "as in the search"
_DATA: Final = OptionGroup(
    DataConfig,
    "Images",
    ("path", "images", "image_size", "skip_damaged"),
    AS_IN_SEARCH,
    changes={
        "path": {**opt.IMAGES.changes["path"], "help": "Where the images lie now."},
        "images": {"show_default": "all"},
        "skip_damaged": {"flag": "--skip-damaged/--refuse-damaged"},
    },
)
_NETWORK: Final = replace(opt.NETWORK, names=("channels", "cells"), default=AS_IN_SEARCH)
_TRAINING: Final = replace(opt.TRAINING, default="that of the protocol")
# The search may have been made on another machine.
_HARDWARE: Final = replace(
    opt.HARDWARE,
    names=("device", "threads", "devices"),
    changes={**opt.HARDWARE.changes, "device": {"default": "auto"}},
)


@dataclass(frozen=True, kw_only=True)
class RetrainingOptions:
    """The network of a search that is trained, and its protocol; each option has its own help."""

    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of ax-anasod train or of ax-anasod dnas.")
    ]
    protocol: Annotated[
        str,
        option(
            "Training",
            "evaluation: 600 epochs with CutMix, auxiliary tower and drop path; evaluation+: "
            "1,500, with AutoAugment, too; search: as in the search.",
            metavar="NAME",
        ),
    ] = "evaluation"
    data: Annotated[Given, _DATA]
    network: Annotated[Given, _NETWORK]
    pick: opt.Pick = None
    layers: Annotated[
        str | None,
        option(
            "Networks",
            "repeated: all layers are one cell, the best; sampled: each is a cell drawn from p. "
            "For the folder of ax-anasod dnas; repeated by default.",
            metavar="KIND",
        ),
    ] = None
    training: Annotated[Given, _TRAINING]
    training_texts: opt.TrainingOptions
    hardware: Annotated[Given, _HARDWARE]
    out: Annotated[
        Path | None,
        option("Output", "Folder of the results; one in DIR by default.", metavar="DIR"),
    ] = None
    json: opt.Json = False
