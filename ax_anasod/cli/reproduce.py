"""``ax-anasod reproduce``: the paper's tables and figures, made again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from ax_anasod.cli import arguments as args
from ax_anasod.cli import train_arguments as train
from ax_anasod.cli.arguments import number, option
from ax_anasod.cli.benchmark_arguments import Given, takes_benchmark

_SEARCH: Final = "Differentiable searches (table3, figure5)"

Methods = Annotated[
    str | None,
    option(
        _SEARCH,
        "Methods, each with settings that differ from its published ones as "
        "NAME:SETTING=VALUE:...; all by default for table3; see: ax-anasod dnas --help.",
        "--methods",
        metavar="NAME,NAME,...",
    ),
]
Scale = Annotated[
    str | None,
    option(
        _SEARCH,
        "cpu (default): 4,000 images of 12 x 12 pixels, 8 channels, 3 cells, 12 epochs; paper: "
        "all images, 16 channels, 15 cells, each method's published epochs.",
        metavar="NAME",
    ),
]
ImagesData = Annotated[
    Path | None,
    option(
        _SEARCH,
        "Folder of the images that are searched on, as for ax-anasod dnas --data; --dataset is "
        "their name, by default that of the folder. Without it: scikit-learn's digits.",
        "--images-data",
        metavar="DIR",
    ),
]
Images = Annotated[
    int | None,
    number(_SEARCH, "Use only so many, half for the weights and half for the distribution.", 1),
]
ImageSize = Annotated[int | None, number(_SEARCH, "Resize images to so many pixels a side.", 1)]
SkipDamaged = Annotated[
    bool,
    option(_SEARCH, "Leave damaged or missing images out, and say how many.", "--skip-damaged"),
]
Channels = Annotated[int | None, number(_SEARCH, "Channels of the first cells.", 1)]
Cells = Annotated[int | None, number(_SEARCH, "Cells of the supernet.", 1)]
SearchEpochs = Annotated[int | None, number(_SEARCH, "Epochs of each search.", 1)]
BatchSize = Annotated[int | None, number(_SEARCH, "Images of a step; published: 64.", 1)]
Device = Annotated[
    str | None, option(_SEARCH, "auto, cpu, cuda, cuda:1, ... or mps.", metavar="NAME")
]
Runs = Annotated[
    list[Path] | None,
    option(
        "Runs (table4, table5, figure7)",
        "Folder of an evaluated network (ax-anasod evaluate, transfer) or of the run that it lies "
        "in; may be repeated. Of figure7: one run of ax-anasod train or dnas.",
        "--runs",
        metavar="DIR",
    ),
]


@takes_benchmark
def reproduce(
    *,
    target: args.Target,
    benchmark: args.ProtocolBenchmark = None,
    given: Given,
    seeds: args.ProtocolSeeds = None,
    trials: args.MostTrials = None,
    jobs: args.ProtocolJobs = 1,
    methods: Methods = None,
    scale: Scale = None,
    images_data: ImagesData = None,
    images: Images = None,
    image_size: ImageSize = None,
    skip_damaged: SkipDamaged = False,
    channels: Channels = None,
    cells: Cells = None,
    operations: train.Operations = None,
    search_epochs: SearchEpochs = None,
    batch_size: BatchSize = None,
    device: Device = None,
    runs: Runs = None,
    out: args.ReproductionOut = None,
    json: args.Json = False,
) -> int:
    """Make a table or figure of the paper again, with the paper's numbers beside.

    table3 and figure5 search with every differentiable method on images, in one protocol;
    table4, table5 and figure7 show what --runs has found, without training. Stopped or killed
    at any instant, searches go on with the same command.
    """
    from ax_anasod.cli.session import quiet_libraries, waiting

    with quiet_libraries():
        with waiting("loading Ax"):
            from ax_anasod.cli.reproduce_start import start_reproduction
        return start_reproduction(
            target,
            benchmark=benchmark,
            given=given,
            seeds=seeds,
            trials=trials,
            jobs=jobs,
            searches={
                "methods": methods,
                "scale": scale,
                "images_data": images_data,
                "images": images,
                "image_size": image_size,
                "skip_damaged": skip_damaged or None,
                "channels": channels,
                "cells": cells,
                "operations": operations,
                "search_epochs": search_epochs,
                "batch_size": batch_size,
                "device": device,
            },
            runs=runs or [],
            out=out,
            as_json=json,
        )
