"""The tables of networks that were trained for good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ax_anasod.cli.terminal import PlainTable, listing, plain

if TYPE_CHECKING:
    from ax_anasod.retraining import EnsembleResult, Retrained, TopResult

# Heading and number of decimals of each figure.
_FIGURES: Final = {
    "accuracy": ("accuracy [%]", 2),
    "negative_log_likelihood": ("negative log-likelihood [nats]", 4),
    "expected_calibration_error": ("calibration error [points]", 2),
}


def table_of_one(result: Retrained, picked: Mapping[str, Any] | None) -> PlainTable:
    """The figures of a network, and which point of a front it is."""
    metrics = result.metrics
    table = listing("trained on", metrics["dataset"])
    rows = {
        "test error": f"{metrics['test_error']:.2f} %",
        **_parts(metrics),
        "negative log-likelihood": f"{metrics['negative_log_likelihood']:.4f} nats",
        **_of_images(metrics, "expected_calibration_error"),
        **_origin(metrics),
        **({} if picked is None else {"picked": f"{picked['rule']}; other rules: --pick"}),
        "parameters": f"{metrics['parameters']:.3f} million",
        **_of_images(metrics, "multiply_adds"),
        "epochs": str(metrics["epochs"]),
        "folder": str(result.folder),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _parts(metrics: Mapping[str, Any]) -> dict[str, str]:
    """The errors of the parts of sequences, where there are several."""
    errors = metrics.get("errors", {})
    named = {name.replace("_", " "): f"{error:.2f} %" for name, error in errors.items()}
    return named if len(named) > 1 else {}


def _of_images(metrics: Mapping[str, Any], name: str) -> dict[str, str]:
    """A row that language models do not have."""
    value = metrics.get(name)
    if value is None:
        return {}
    if name == "multiply_adds":
        return {"multiply-adds": f"{value:.{1 if value >= 1 else 4}f} million an image"}
    return {"calibration error": f"{value:.2f} percentage points"}


def _origin(metrics: Mapping[str, Any]) -> dict[str, str]:
    """The origin of the network, as rows of the table."""
    if "trial" in metrics:
        encoding = [f"{count} {name}" for name, count in metrics["encoding"].items() if count]
        return {"encoding": f"{', '.join(encoding)} (trial {metrics['trial']})"}
    architectures = metrics["architectures"]
    if metrics["layers"] == "repeated":
        return {"cell": f"{architectures[0]} (the best of {metrics['method']})"}
    return {"cells": f"{len(architectures)} drawn from p of {metrics['method']}"}


def table_of_ensemble(result: EnsembleResult) -> PlainTable:
    """The figures of an ensemble and of its members."""
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


def table_of_top(result: TopResult) -> PlainTable:
    """The best trials of a search, trained for good."""
    figures = result.figures
    searched = next(n for n in figures["networks"][0] if n.endswith("_in_search"))
    named = {"valid_error_in_search": "error in the search [%]"}
    heading = named.get(searched, searched.replace("_in_search", " in the search"))
    table = listing("rank", "trial", heading, "test error [%]", "folder")
    for column in table.columns[:-1]:
        column.justify = "right"
    table.title = plain(f"{figures['trained']} of {figures['asked_for']} on {figures['dataset']}")
    table.caption = plain(
        f"{figures['hours']:.2g} hours of training; the best: rank {figures['best']}"
    )
    table.caption_justify = "left"
    for network in figures["networks"]:
        table.add_row(
            str(network["rank"]),
            str(network["trial"]),
            f"{network[searched]:.2f}",
            f"{network['test_error']:.2f}",
            network["folder"],
        )
    return table
