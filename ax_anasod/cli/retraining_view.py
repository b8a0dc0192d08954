"""Training for good on the terminal: what was asked for, progress, and results."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from ax_anasod.cli.carry_out import INTERRUPTED
from ax_anasod.cli.failures import while_running
from ax_anasod.cli.progress import SearchProgress
from ax_anasod.cli.retraining_arguments import DATA, HARDWARE, NETWORK, TRAINING
from ax_anasod.cli.session import note, waiting
from ax_anasod.cli.strategy_options import field_types, parse_texts
from ax_anasod.cli.tables import PlainTable, listing, plain, print_json, print_plainly
from ax_anasod.cli.train_view import note_chance, read_images
from ax_anasod.files import refuse_link
from ax_anasod.retraining import (
    EnsembleResult,
    Retrained,
    SearchResult,
    evaluate,
    evaluation_task,
    read_search,
    train_ensemble,
)
from ax_anasod.runs.layout import check_holds_no_other
from ax_anasod.training import Epoch, ImageData, TrainingConfig, TrainingTask

# Heading and number of decimals of each figure.
_FIGURES = {
    "accuracy": ("accuracy [%]", 2),
    "negative_log_likelihood": ("negative log-likelihood", 4),
    "expected_calibration_error": ("calibration error [points]", 2),
}


def retrain(
    directory: Path,
    protocol: str,
    dataset: str | None,
    path: Path | None,
    given: Mapping[str, Any],
    out: Path,
    members: int | None,
    *,
    as_json: bool,
) -> int:
    """Train what a search has found, alone or as an ensemble, and show the results.

    Args:
        directory: The folder of the search.
        protocol: Name of the protocol.
        dataset: Another data set, None for that of the search.
        path: The folder of the images, None where the search knows it.
        given: The options of the command line; None is one that was not given.
        out: The folder of the results.
        members: How many networks of an ensemble; None trains one network alone.
        as_json: Print the results as JSON.

    Returns:
        The exit code.

    Raises:
        AnasodError: Something that was asked for is wrong; nothing was written.
        Failure: The training has failed on its way.
    """
    found = read_search(directory, given["layers"])
    check_holds_no_other(out)
    training = _part(given, TRAINING) | parse_texts(
        given["training"] or [], field_types(TrainingConfig), "--training", "training option"
    )
    task = evaluation_task(
        found,
        protocol,
        dataset=dataset,
        path=path,
        network=_part(given, NETWORK),
        training=training,
        hardware=_part(given, HARDWARE),
        **_part(given, DATA),
    )
    task = replace(task, hardware=task.hardware.with_threads())
    task.hardware.check()
    if out.parent == directory:
        refuse_link(out)
    data = read_images(task.data, "evaluation", download=dataset is not None or path is not None)
    with waiting("building the network"):
        fitted = task.fitted(data)
        codes = [found.draw(fitted.network.cells, member) for member in (0, (members or 1) - 1)]
        fitted.start(codes[0], data, seed=0).close()
    try:
        with while_running("the same command goes on from the last epoch"):
            return _train(found, task, data, out, members, as_json=as_json)
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
        content, table = one.metrics, _table_of_one(one)
        error, who = one.metrics["test_error"], "the network did not do"
    else:
        content, table = several.figures, _table_of_ensemble(several)
        error, who = 100 - several.figures["ensemble"]["accuracy"], "the ensemble did not do"
    print_plainly(table, Console(stderr=as_json, highlight=False))
    note_chance(error, data, who)
    if as_json:
        print_json({**content, "out": str(out)})
    return 0


def _part(given: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in names if given[name] is not None}


def _table_of_one(result: Retrained) -> PlainTable:
    metrics = result.metrics
    table = listing("trained on", metrics["dataset"])
    multiply_adds = metrics["multiply_adds"]
    digits = 1 if multiply_adds >= 1 else 4
    rows = {
        "test error": f"{metrics['test_error']:.2f} %",
        "negative log-likelihood": f"{metrics['negative_log_likelihood']:.4f}",
        "calibration error": f"{metrics['expected_calibration_error']:.2f} percentage points",
        **_origin(metrics),
        "parameters": f"{metrics['parameters']:.3f} million",
        "multiply-adds": f"{multiply_adds:.{digits}f} million an image",
        "epochs": str(metrics["epochs"]),
        "folder": str(result.folder),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _origin(metrics: Mapping[str, Any]) -> dict[str, str]:
    """Where the network comes from, as rows of the table."""
    if "trial" in metrics:
        encoding = [f"{count} {name}" for name, count in metrics["encoding"].items() if count]
        return {"encoding": f"{', '.join(encoding)} (trial {metrics['trial']})"}
    architectures = metrics["architectures"]
    if metrics["layers"] == "repeated":
        return {"cell": f"{architectures[0]} (the best of {metrics['method']})"}
    return {"cells": f"{len(architectures)} drawn from p of {metrics['method']}"}


def _table_of_ensemble(result: EnsembleResult) -> PlainTable:
    figures = result.figures
    table = listing("", *(heading for heading, _ in _FIGURES.values()))
    for column in table.columns[1:]:
        column.justify = "right"
    table.title = plain(f"ensemble of {len(figures['members'])} on {figures['dataset']}")
    table.caption = plain(f"folder: {result.folder}")
    table.caption_justify = "left"
    rows = {f"member {i}": each for i, each in enumerate(figures["members"])}
    rows |= {"mean of members": figures["mean_of_members"], "ensemble": figures["ensemble"]}
    for name, row in rows.items():
        table.add_row(name, *(f"{row[f]:.{digits}f}" for f, (_, digits) in _FIGURES.items()))
    return table
