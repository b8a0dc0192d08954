"""``ax-anasod train``: a search over networks that are trained."""

from __future__ import annotations

from ax_anasod.cli import arguments as args
from ax_anasod.cli import train_arguments as own


def train(
    *,
    dataset: own.ImageDataset = "digits",
    data: own.ImageFolder = None,
    images: own.Images = None,
    validation: own.Validation = 0.2,
    image_size: own.ImageSize = None,
    data_seed: own.DataSeed = 0,
    skip_damaged: own.SkipDamaged = False,
    cell: own.TrainedCell = "nasnet",
    channels: own.Channels = None,
    cells: own.Cells = None,
    skeleton: own.Skeleton = None,
    layers: own.LayerKind = "sampled",
    operations: own.Operations = None,
    epochs: own.TrainingEpochs = None,
    batch_size: own.BatchSize = None,
    learning_rate: own.LearningRate = None,
    training: own.TrainingOptions = None,
    device: own.Device = "auto",
    precision: own.Precision = "32-true",
    deterministic: own.Deterministic = False,
    compiled: own.Compile = False,
    threads: own.Threads = None,
    devices: own.Devices = None,
    runner: own.Runner = None,
    address: own.Address = None,
    cpus: own.Cpus = None,
    gpus: own.Gpus = None,
    retries: own.Retries = None,
    early_stopping: own.EarlyStopping = None,
    min_epochs: own.MinEpochs = None,
    min_trials: own.MinTrials = None,
    strategy: args.StrategyName = "anasod-bo",
    option: args.StrategyOptions = None,
    start_from: args.From = None,
    from_cells: args.FromCells = None,
    from_uniform: args.FromUniform = None,
    trials: own.TrainedTrials = None,
    seed: args.Seed = 0,
    parallel: args.Parallel = 1,
    out: args.Out = None,
    json: args.Json = False,
) -> int:
    """Search by training: images in, the best encoding out.

    Without --dataset it searches small networks on scikit-learn's digits, in minutes on a
    CPU; otherwise every number that is not given is the paper's. Killed at any instant, a
    run with --out goes on from the last epoch with: ax-anasod resume DIR
    """
    from ax_anasod.cli.session import quiet_libraries, waiting

    with quiet_libraries():
        with waiting("loading Ax"):
            from ax_anasod.cli.strategy_options import read_start
            from ax_anasod.cli.train_start import Wishes, start_training
        return start_training(
            Wishes(
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
                layers=layers,
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
                    "compile": compiled,
                    "threads": threads,
                    "devices": devices or 1,
                },
                execution={
                    "runner": runner,
                    "address": address,
                    "cpus": cpus,
                    "gpus": gpus,
                    "retries": retries,
                    "early_stopping": early_stopping,
                    "min_epochs": min_epochs,
                    "min_trials": min_trials,
                },
                strategy=strategy,
                options=option or [],
                start_from=read_start(start_from, from_cells, from_uniform),
                trials=trials,
                seed=seed,
                parallel=parallel,
            ),
            out,
            as_json=json,
        )
