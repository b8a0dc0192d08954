"""``ax-anasod dnas``: a differentiable search for a distribution of operations."""

from __future__ import annotations

from typing import Annotated, Final

from ax_anasod.cli import arguments as args
from ax_anasod.cli import train_arguments as own
from ax_anasod.cli.arguments import number, option

_METHOD: Final = "Differentiable search"

Method = Annotated[
    str,
    option(
        _METHOD,
        "anasod-dnas (the paper), anasod-dnas+ (its cells ranked), gaea, gaea-erm, darts, darts-2, "
        "gdas, drnas, beta-darts, setn, rsps or enas.",
        metavar="NAME",
    ),
]
MethodOptions = Annotated[
    list[str] | None,
    option(
        _METHOD,
        "Setting of the method, such as learning_rate=0.05. May be repeated.",
        "--option",
        metavar="NAME=VALUE",
    ),
]
Candidates = Annotated[
    int | None, number(_METHOD, "How many cells are drawn from the distribution and ranked.", 1)
]
OracleTable = Annotated[
    str | None,
    option(
        _METHOD,
        "Table with the accuracy (percent) of every architecture, by which the search is judged "
        "from outside: file and column.",
        "--oracle",
        metavar="FILE:COLUMN",
    ),
]
SearchEpochs = Annotated[
    int | None, number("Training", "Epochs of the search; by default the published ones.", 1)
]
SearchBatch = Annotated[int | None, number("Training", "Images of a step; published: 64.", 1)]
SearchRate = Annotated[
    float | None,
    option(
        "Training", "Learning rate of the weights at the first step; published: 0.025.", metavar="X"
    ),
]
HalfOfImages = Annotated[
    float,
    option(
        "Images", "Share of the training images that the distribution learns from.", metavar="X"
    ),
]


def dnas(
    *,
    method: Method = "anasod-dnas",
    setting: MethodOptions = None,
    candidates: Candidates = None,
    oracle: OracleTable = None,
    dataset: own.ImageDataset = "digits",
    data: own.ImageFolder = None,
    images: own.Images = None,
    validation: HalfOfImages = 0.5,
    image_size: own.ImageSize = None,
    data_seed: own.DataSeed = 0,
    skip_damaged: own.SkipDamaged = False,
    cell: own.TrainedCell = "nas-bench-201",
    channels: own.Channels = None,
    cells: own.Cells = None,
    skeleton: own.Skeleton = None,
    operations: own.Operations = None,
    epochs: SearchEpochs = None,
    batch_size: SearchBatch = None,
    learning_rate: SearchRate = None,
    training: own.TrainingOptions = None,
    device: own.Device = "auto",
    precision: own.Precision = "32-true",
    deterministic: own.Deterministic = False,
    threads: own.Threads = None,
    seed: args.Seed = 0,
    out: args.Out = None,
    json: args.Json = False,
) -> int:
    """Search a distribution of operations by gradients, in one network that holds all cells.

    Without --dataset it searches on scikit-learn's digits, in a minute on a CPU; otherwise
    every number that is not given is the published one. The result, found.json, starts a
    search (ax-anasod search --from DIR) or is trained (ax-anasod evaluate DIR). Killed at any
    instant, a search with --out goes on from the last epoch with: ax-anasod resume DIR
    """
    from ax_anasod.cli.session import quiet_libraries, waiting

    with quiet_libraries():
        with waiting("loading torch"):
            from ax_anasod.cli.dnas_view import start_search
        return start_search(
            method_name=method,
            settings=setting or [],
            candidates=candidates,
            oracle=oracle,
            data={
                "dataset": dataset,
                "path": None if data is None else str(data.resolve()),
                "images": images,
                "validation": validation,
                "image_size": image_size,
                "seed": data_seed,
                "skip_damaged": skip_damaged,
            },
            cell=cell,
            network={"channels": channels, "cells": cells, "skeleton": skeleton},
            operations=operations,
            training={
                "epochs": epochs,
                "batch_size": batch_size,
                "learning_rate": learning_rate,
            },
            training_texts=training or [],
            hardware={
                "device": device,
                "precision": precision,
                "deterministic": deterministic,
                "threads": threads,
            },
            seed=seed,
            out=out,
            as_json=json,
        )
