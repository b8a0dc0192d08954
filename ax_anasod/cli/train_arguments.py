"""The options of ``ax-anasod train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

from ax_anasod.cli.arguments import number, option

_IMAGES: Final = "Images"
_NETWORK: Final = "Networks"
_TRAINING: Final = "Training"
_HARDWARE: Final = "Hardware"
_STOPPING: Final = "Early stopping"


def _text(panel: str, help_text: str, **settings: Any) -> Any:
    return Annotated[str | None, option(panel, help_text, **settings)]


def _whole(panel: str, help_text: str, least: int = 1) -> Any:
    return Annotated[int | None, number(panel, help_text, least)]


def _real(panel: str, help_text: str) -> Any:
    return Annotated[float | None, option(panel, help_text, metavar="X")]


ImageDataset = Annotated[
    str,
    option(
        _IMAGES,
        "digits (scikit-learn's, in the package), cifar10, cifar100, fashion-mnist (downloaded "
        "into --data unless they are there), or any name for the images in --data.",
        metavar="NAME",
    ),
]
ImageFolder = Annotated[
    Path | None,
    option(
        _IMAGES,
        "Folder of the images: train, val and test, each a folder or tar file of class folders, or "
        "class folders alone.",
        "--data",
        metavar="DIR",
    ),
]
Images = _whole(_IMAGES, "Use only so many of the training images, the same share of each class.")
Validation = Annotated[
    float,
    option(_IMAGES, "Share of the training images that the search measures on.", metavar="X"),
]
ImageSize = _whole(_IMAGES, "Resize images to so many pixels a side.")
DataSeed = Annotated[
    int, number(_IMAGES, "Decides which images are learned from, and which measured on.", 0)
]
SkipDamaged = Annotated[
    bool,
    option(_IMAGES, "Leave damaged or missing images out, and say how many.", "--skip-damaged"),
]
TrainedCell = Annotated[
    str, option(_NETWORK, "Cell that is searched: a built-in name, or a TOML file.", "--cell")
]
Channels = _whole(_NETWORK, "Channels of the first cells; the paper has 36.")
Cells = _whole(_NETWORK, "Cells of a network, its layers; the paper has 24.")
Skeleton = _text(_NETWORK, "nasnet or nas-bench-201; by default what suits the cell.")
LayerKind = Annotated[
    str,
    option(
        _NETWORK,
        "sampled: each layer is another architecture of the encoding, as in the paper; "
        "repeated: all are one.",
    ),
]
Operations = _text(
    _NETWORK,
    "Mapping of modules for operations of your own; PYTHONPATH says where modules are found.",
    metavar="MODULE:NAME",
)
TrainingEpochs = _whole(_TRAINING, "Epochs of a training; the paper has 30.")
BatchSize = _whole(_TRAINING, "Images of a step; the paper has 96.")
LearningRate = _real(_TRAINING, "Of the first step; the paper has 0.025.")
TrainingOptions = Annotated[
    list[str] | None,
    option(
        _TRAINING,
        "Any other value of the training protocol, such as cutout=16. May be repeated.",
        "--training",
        metavar="NAME=VALUE",
    ),
]
Device = Annotated[str, option(_HARDWARE, "auto, cpu, cuda, cuda:1, ... or mps.")]
Precision = Annotated[str, option(_HARDWARE, "32-true, 16-mixed or bf16-mixed.")]
Deterministic = Annotated[
    bool, option(_HARDWARE, "Allow only operations that are the same each time.", "--deterministic")
]
Compile = Annotated[bool, option(_HARDWARE, "Compile each network first.", "--compile")]
Threads = _whole(
    _HARDWARE,
    "Threads of the CPU for each training; by default what OMP_NUM_THREADS says, otherwise one, "
    "or with Ray one for each of --cpus.",
)
Devices = _whole(
    _HARDWARE,
    "Train each network on so many GPUs of this machine, or processors of a CPU, with a process "
    "for each.",
)
Runner = _text(
    _HARDWARE,
    "local trains one trial after the other; ray as many at a time as --parallel says, on this "
    "machine or a cluster. By default ray where --parallel is more than 1.",
)
Address = _text(_HARDWARE, "Address of a Ray cluster.")
Cpus = _real(_HARDWARE, "Processors of a trial, for Ray; 1 by default.")
Gpus = _real(
    _HARDWARE,
    "GPUs of a trial, for Ray: 0.25 lets four share one. By default an equal share of those here.",
)
Retries = Annotated[
    int | None,
    number(
        _HARDWARE, "How often a trial goes on after its worker was lost, for Ray; 3 by default.", 0
    ),
]
EarlyStopping = Annotated[
    float | None,
    option(
        _STOPPING,
        "Stop a trial that is among this share of the worst after an epoch.",
        metavar="PERCENT",
    ),
]
MinEpochs = Annotated[
    int | None, number(_STOPPING, "Epochs that every trial has; 1 by default.", 1)
]
MinTrials = Annotated[
    int | None,
    number(_STOPPING, "Trials that must have been trained before any is stopped; 5 by default.", 1),
]
TrainedTrials = Annotated[
    int | None, number("Search", "How many networks are trained; the paper has 50.", 1)
]
