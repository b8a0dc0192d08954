"""Tables 4 and 5 of the paper, beside networks that were trained for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from ax_anasod.cells import Cell, from_dict
from ax_anasod.exceptions import AnasodError, OptionError, RunError
from ax_anasod.files import read_json
from ax_anasod.networks import NetworkConfig
from ax_anasod.reproduce.paper import TABLE_4, TABLE_5, PaperNetwork
from ax_anasod.reproduce.reproduction import plus_minus
from ax_anasod.retraining.member import METRICS
from ax_anasod.training import TrainingConfig
from ax_anasod.training.training_config import PROTOCOLS, protocol

_PERCENT: Final = "percent"
# Below DIR may lie several evaluations, and below one of these the members of an ensemble.
_PLACES: Final = (METRICS, f"*/{METRICS}", f"*/*/{METRICS}")
_IMAGES: Final = 50_000
# The data set, the cell, the training, the skeleton and the number of images.
_Alike = tuple[str, Cell, TrainingConfig, NetworkConfig, int]


@dataclass(frozen=True)
class RetrainedTarget:
    """A table of networks that were trained for good.

    Args:
        name: Its name on the command line.
        title: What the paper calls it.
        dataset: Its data set.
        rows: What the paper prints.
    """

    name: str
    title: str
    dataset: str
    rows: Sequence[PaperNetwork]


RETRAINED_TARGETS: Final = {
    target.name: target
    for target in (
        RetrainedTarget("table4", "Table 4", "cifar10", TABLE_4),
        RetrainedTarget("table5", "Table 5", "cifar100", TABLE_5),
    )
}
"""The targets made of evaluated networks, by name."""


@dataclass(frozen=True)
class Evaluated:
    """Networks that were trained in the same way, on the same images.

    Args:
        dataset: Their data set.
        cell: Name of their cell.
        training: How they were trained.
        network: Their skeleton.
        train_images: How many images they learned from.
        folders: Their folders.
        errors: Test error of each, in percent.
        parameters: Weights of each, in million.
    """

    dataset: str
    cell: str
    training: TrainingConfig
    network: NetworkConfig
    train_images: int
    folders: tuple[str, ...]
    errors: tuple[float, ...]
    parameters: tuple[float, ...]

    @property
    def protocol(self) -> str:
        """The nearest protocol of the paper, and what differs from it."""
        name, differing = min(
            ((name, self._differing(protocol(name))) for name in PROTOCOLS),
            key=lambda pair: len(pair[1]),
        )
        words = ", ".join(f"{option}={getattr(self.training, option)}" for option in differing)
        return f"{name} with {words}" if words else name

    def differences(self, dataset: str) -> str:
        """The other differences from the paper, in words; empty where there are none.

        Args:
            dataset: The data set of the paper's table.
        """
        published = NetworkConfig()
        pairs = {
            "data set": (self.dataset, dataset),
            "training images": (self.train_images, _IMAGES),
            "cell": (self.cell, "nasnet"),
            "skeleton": (self.network.skeleton, published.skeleton),
            "channels": (self.network.channels, published.channels),
            "cells": (self.network.cells, published.cells),
        }
        return ", ".join(
            f"{name} {ours} instead of {paper}"
            for name, (ours, paper) in pairs.items()
            if ours != paper
        )

    def _differing(self, other: TrainingConfig) -> list[str]:
        names = [field.name for field in fields(other)]
        return [n for n in names if getattr(self.training, n) != getattr(other, n)]


@dataclass(frozen=True)
class RetrainedTable:
    """Table 4 or 5, beside what was evaluated.

    Args:
        target: Which one.
        groups: What was evaluated.
    """

    target: RetrainedTarget
    groups: Sequence[Evaluated]

    finished = True
    # Nothing is computed.
    resumable = False
    failures: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name on the command line."""
        return self.target.name

    @property
    def title(self) -> str:
        """The title for people."""
        return f"{self.target.title}: networks trained for good on {self.target.dataset}"

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The paper's rows, and ours below."""
        rows = []
        for entry in self._entries:
            million = entry["parameters"]
            rows.append(
                [
                    entry["row"],
                    plus_minus(entry["test_error"], entry["deviation"], _PERCENT),
                    "-" if million is None else f"{million:.2f}" if entry["ours"] else f"{million}",
                    "-" if entry["epochs"] is None else str(entry["epochs"]),
                    entry["how"],
                    "-" if entry["networks"] is None else str(entry["networks"]),
                ]
            )
        header = ["row", "test error [%]", "parameters [million]", "epochs", "how", "networks"]
        return header, rows

    def records(self) -> list[dict[str, Any]]:
        """The rows of the table as numbers; None where there is no number."""
        return [{k: v for k, v in entry.items() if k != "folders"} for entry in self._entries]

    def notes(self) -> list[str]:
        """The notes that explain the table, a sentence each."""
        sentences = [
            f"Paper: {self.target.title} as printed, errors in percent (it calls them validation "
            "errors), searched in its NASNet-style cell; 36 channels, 24 cells, 600 epochs, or "
            "1,500 with AutoAugment (ANASOD-BO+). Only the ANASOD rows are its own; what its ± "
            "is, and over how many networks, is not stated.",
            "Ours: mean ± SD over networks that were trained alike; 'how' names the nearest "
            "protocol of the paper and what differs from it.",
        ]
        for number, group in enumerate(self.groups, start=1):
            differences = group.differences(self.target.dataset)
            if differences:
                sentences.append(
                    f"Ours {number} is not comparable with the paper's rows: {differences}."
                )
        return sentences

    def as_dict(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return {
            "target": self.name,
            "dataset": self.target.dataset,
            "rows": self._entries,
            "notes": self.notes(),
        }

    def write_more(self, directory: Path) -> list[Path]:
        """Write no further files: a table has no picture."""
        return []

    @cached_property
    def _entries(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = [
            {
                "row": row.name,
                "ours": False,
                "dataset": self.target.dataset,
                "test_error": row.error,
                "deviation": row.deviation,
                "parameters": row.parameters,
                "epochs": row.epochs,
                "how": f"{row.method}, {row.remark}" if row.remark else row.method,
                "networks": None,
                "folders": [],
            }
            for row in self.target.rows
        ]
        for number, group in enumerate(self.groups, start=1):
            errors = np.array(group.errors)
            entries.append(
                {
                    "row": f"ours {number}: {group.cell} on {group.dataset}",
                    "ours": True,
                    "dataset": group.dataset,
                    "test_error": float(errors.mean()),
                    "deviation": float(errors.std(ddof=1)) if len(errors) > 1 else None,
                    "parameters": float(np.mean(group.parameters)),
                    "epochs": group.training.epochs,
                    "how": group.protocol,
                    "networks": len(errors),
                    "folders": list(group.folders),
                }
            )
        return entries


def reproduce_retrained(name: str, runs: Sequence[str | Path]) -> RetrainedTable:
    """Set Table 4 or 5 of the paper beside networks that ``evaluate`` or ``transfer`` has trained.

    Nothing is trained. Networks with the same cell, images, skeleton and training are one row.

    Args:
        name: ``"table4"`` (CIFAR-10) or ``"table5"`` (CIFAR-100).
        runs: Folders of evaluated networks, of ensembles, or of the runs that these lie in.

    Raises:
        OptionError: No folder is given.
        RunError: A folder holds no evaluated network, or a damaged one.
    """
    if not runs:
        raise OptionError(
            f"{name} is made of evaluated networks, and no folder of one is given",
            "name it with --runs DIR; ax-anasod evaluate and transfer make them",
        )
    found: dict[Path, tuple[_Alike, tuple[str, float, float]]] = {}
    for run in map(Path, runs):
        files = sorted({file for place in _PLACES for file in run.glob(place)})
        if not files:
            what = f"holds no {METRICS} of a network" if run.is_dir() else "is no folder"
            raise RunError(f"{run} {what}", "ax-anasod evaluate and transfer make them")
        for file in files:
            found.setdefault(file.resolve(), _read(file))
    groups: dict[_Alike, list[tuple[str, float, float]]] = {}
    for alike, figures in found.values():
        groups.setdefault(alike, []).append(figures)
    evaluated = [
        Evaluated(dataset, cell.name, training, network, images, *zip(*networks, strict=True))
        for (dataset, cell, training, network, images), networks in groups.items()
    ]
    return RetrainedTable(RETRAINED_TARGETS[name], evaluated)


def _read(file: Path) -> tuple[_Alike, tuple[str, float, float]]:
    """The row that a network belongs to, and its folder, test error and weights."""
    metrics = read_json(file, dict[str, Any])
    try:
        alike = (
            str(metrics["dataset"]),
            from_dict(metrics["cell"]),
            TrainingConfig.from_dict(metrics["training"]),
            NetworkConfig.from_dict(metrics["network"]),
            int(metrics["train_images"]),
        )
        figures = float(metrics["test_error"]), float(metrics["parameters"])
        return alike, (str(file.parent), *figures)
    except (AnasodError, KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"{file} does not hold the figures of an evaluated network: {error}"
        ) from error
