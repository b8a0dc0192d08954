"""A differentiable search from its images to ``found.json``, with or without a folder."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any, Final

import numpy as np

from ax_anasod.dnas.dnas_config import OneShotConfig
from ax_anasod.dnas.estimators import SINGLE_PATH
from ax_anasod.dnas.judge import Oracle
from ax_anasod.dnas.result import OneShotResult
from ax_anasod.dnas.result_files import (
    CHECKPOINT,
    EPOCHS,
    FOUND,
    LOCK,
    RESULTS,
    TRAINED,
    SearchEpoch,
)
from ax_anasod.dnas.search_loop import DistributionSearch
from ax_anasod.dnas.selection import Ranking, Train, deep_network, select, train_alone
from ax_anasod.files import read_json, write_json, write_whole
from ax_anasod.locks import locked
from ax_anasod.nasbench import from_dict
from ax_anasod.training import ImageData
from ax_anasod.training.epoch import TensorBoardLog
from ax_anasod.typing import Codes, Values

# With fewer steps, estimators that draw one operation per block learn nothing: an operation
# with weights has to learn before it beats doing nothing.
_FEWEST_STEPS: Final = 5_000
_COLLAPSED: Final = 0.8


class _Stopped(Exception):
    """The search was asked to stop while cells were trained alone."""


class OneShotRun:
    """A differentiable search, its selection of cells, and their files.

    In a folder are ``dnas.json`` (what is searched), ``checkpoint.pt`` (after each epoch),
    ``epochs.csv``, a log for TensorBoard, and at the end ``found.json`` and ``search.json``.
    Killed at any instant, it goes on from the last epoch.

    Args:
        config: The configuration of the search.
        data: The images.
        folder: Where it is kept; None keeps nothing.

    Raises:
        AnasodError: The search or its oracle cannot be made of this.
    """

    def __init__(self, config: OneShotConfig, data: ImageData, folder: Path | None = None) -> None:
        self.config, self.folder, self._data = config, folder, data
        self.search = DistributionSearch(
            config.task,
            config.method,
            data,
            seed=config.seed,
            checkpoint=None if folder is None else folder / CHECKPOINT,
        )
        if config.method.selection == "discrete":
            deep_network(self.search)
        self.oracle: Oracle | None = None
        if config.oracle is not None:
            benchmark = from_dict(config.oracle["benchmark"])
            self.oracle = Oracle(benchmark, config.oracle["objective"], self.search.supernet.edges)
        self._rows = [self._row(epoch) for epoch in self.search.history]

    def run(
        self,
        after_epoch: Callable[[SearchEpoch], None] = lambda epoch: None,
        after_cell: Callable[[int], None] = lambda trained: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> OneShotResult | None:
        """Search to the end, and find cells.

        Args:
            after_epoch: Called with each new epoch.
            after_cell: Called with the number of cells that were trained alone so far.
            should_stop: Asked after each epoch, and before each cell that is trained alone.

        Returns:
            The result; None where the search was stopped.

        Raises:
            TrainingError: A loss is not finite, or a batch does not fit the device.
            RunError: The folder cannot be written, or another process works in it.
            BenchmarkError: The oracle lacks an architecture that was drawn.
        """
        folder = self.folder
        lock = (
            nullcontext()
            if folder is None
            else locked(folder / LOCK, f"another process is searching in {folder}")
        )
        with lock:
            self._write_epochs()
            log = None if folder is None else TensorBoardLog(folder, len(self.search.history))
            with closing(log) if log is not None else nullcontext():

                def after(epoch: SearchEpoch) -> None:
                    self._rows.append(self._row(epoch))
                    self._write_epochs()
                    if log is not None:
                        log.write_scalars(epoch.scalars(), epoch.epoch)
                    after_epoch(epoch)

                self.search.run(after, should_stop)
            if not self.search.finished:
                return None
            try:
                ranking = select(
                    self.search, self._data, train=self._train(after_cell, should_stop)
                )
            except _Stopped:
                return None
            result = self._result(ranking)
            if folder is not None:
                result.write(folder / FOUND)
                write_json(folder / RESULTS, self.summary(result), indent=1)
            return result

    @property
    def curve(self) -> list[dict[str, Any]]:
        """The measurements of each epoch, with the oracle's where there is one.

        ``mean_error`` is the expected error of a draw from p, ``drawn_error`` that of the
        epoch's draw, ``likeliest_error`` that of the cell of likeliest operations; all in
        percent.
        """
        return [dict(row) for row in self._rows]

    def summary(self, result: OneShotResult) -> dict[str, Any]:
        """The content of ``search.json``, which ``--json`` prints."""
        best, config, search = self.search.best, self.config, self.search
        operations = config.task.cell.operations
        shares = [dict(zip(operations, row, strict=True)) for row in best.probabilities]
        oracle = None if self.oracle is None else self.oracle.errors(result.codes).tolist()
        candidates = [
            {
                "architecture": architecture,
                "score": result.scores[i] if result.scores else None,
                "oracle": None if oracle is None else oracle[i],
            }
            for i, architecture in enumerate(result.architectures)
        ]
        steps = sum(epoch.steps for epoch in search.history)
        seconds = {
            name: sum(getattr(epoch, f"{name}_seconds") for epoch in search.history) / steps
            for name in ("weights", "distribution", "data")
        }
        return {
            "method": config.method_name,
            "dataset": config.task.dataset,
            "cell": config.task.cell.name,
            "seed": config.seed,
            "epochs": len(search.history),
            "best_epoch": best.epoch,
            "p": shares[0] if config.method.shared else shares,
            "entropy": best.entropy,
            "curve": self.curve,
            "candidates": candidates,
            "ranked_by": result.ranked_by,
            "agreement": result.agreement,
            "best": candidates[0],
            "oracle": None if self.oracle is None else self._judged(result),
            "warnings": self.warnings(result.agreement),
            "seconds_per_step": seconds,
            "memory_mib": max(epoch.memory for epoch in search.history),
            "out": None if self.folder is None else str(self.folder),
        }

    def warnings(self, agreement: float | None = None) -> list[str]:
        """The warnings for the user, a sentence each.

        Args:
            agreement: That of the result.
        """
        method, search = self.config.method, self.search
        said = []
        steps = sum(epoch.steps for epoch in search.history)
        kinds = [method.weights_by] + ([method.learned_by] if method.update != "none" else [])
        if any(kind in SINGLE_PATH for kind in kinds) and steps < _FEWEST_STEPS:
            said.append(
                f"{steps} steps are few for a method that computes one operation a block: below "
                f"{_FEWEST_STEPS}, operations with weights have not learned to beat doing nothing"
            )
        if search.history:
            error = search.best.draw_error
            if self._data.is_chance(error):
                said.append(
                    f"draws from p did not do clearly better than guessing (error {error:.2f} %, "
                    "that of always naming the most frequent class "
                    f"{self._data.chance_error:.2f} %), so that p says little: search longer, "
                    "with more epochs or on more images"
                )
            shares = search.probabilities.mean(axis=0)
            free = [i for i in range(len(shares)) if i not in search.supernet.weighted]
            if shares[free].sum() > _COLLAPSED:
                names = ", ".join(self.config.task.cell.operations[i] for i in free)
                said.append(
                    f"p has collapsed: {shares[free].sum():.2f} of it lies on operations without "
                    f"weights ({names})"
                )
        if agreement is not None and agreement <= 0:
            said.append(
                f"the supernet's ranking cannot be trusted: its rank correlation with short "
                f"trainings is {agreement:.2f}"
            )
        return said

    def _judged(self, result: OneShotResult) -> dict[str, Any]:
        """The judgement of the oracle on the result, errors in percent."""
        if self.oracle is None:
            return {}
        return {
            "objective": self.oracle.name,
            "mean_error": self.oracle.mean_error(self.search.probabilities),
            "best_error": float(self.oracle.errors(result.codes[:1])[0]),
            "uniform": self.oracle.uniform,
            "optimum": self.oracle.optimum,
            "of_one_operation": self.oracle.of_one_operation,
        }

    def _result(self, ranking: Ranking) -> OneShotResult:
        config = self.config
        return OneShotResult(
            cell=config.task.cell,
            method=config.method_name,
            seed=config.seed,
            probabilities=tuple(map(tuple, self.search.best.probabilities)),
            architectures=tuple(config.task.cell.to_strings(ranking.codes)),
            scores=tuple(ranking.scores.tolist()),
            ranked_by=ranking.ranked_by,
            agreement=ranking.agreement,
        )

    def _row(self, epoch: SearchEpoch) -> dict[str, Any]:
        row = epoch.to_dict()
        if self.oracle is not None:
            edges = self.search.supernet.edges
            codes = edges.cell.from_strings([epoch.drawn, epoch.likeliest])
            drawn, likeliest = self.oracle.errors(codes).tolist()
            row |= {
                "mean_error": self.oracle.mean_error(edges.spread(epoch.probabilities)),
                "drawn_error": drawn,
                "likeliest_error": likeliest,
            }
        return row

    def _write_epochs(self) -> None:
        if self.folder is None or not self._rows:
            return
        names = [f"p_{name}" for name in self.config.task.cell.operations]
        file = io.StringIO()
        writer: csv.DictWriter[str] | None = None
        for row in self._rows:
            flat = {name: value for name, value in row.items() if name != "probabilities"}
            means = np.mean(row["probabilities"], axis=0).tolist()
            flat |= dict(zip(names, means, strict=True))
            if writer is None:
                writer = csv.DictWriter(file, list(flat), lineterminator="\n")
                writer.writeheader()
            writer.writerow(flat)
        write_whole(self.folder / EPOCHS, file.getvalue())

    def _train(self, after_cell: Callable[[int], None], should_stop: Callable[[], bool]) -> Train:
        """Short trainings that are remembered in the folder."""
        path = None if self.folder is None else self.folder / TRAINED
        known: dict[str, float] = {}
        if path is not None and path.exists():
            known = read_json(path, dict[str, float])

        def train(codes: Codes, epochs: int, cells: int) -> Values:
            losses = []
            for code, text in zip(codes, self.config.task.cell.to_strings(codes), strict=True):
                key = f"{text} of {cells} cells after {epochs}"
                if key not in known:
                    if should_stop():
                        raise _Stopped
                    known[key] = train_alone(self.search, self._data, code, epochs, cells)
                    if path is not None:
                        write_whole(path, json.dumps(known, indent=0))
                losses.append(known[key])
                after_cell(len(known))
            return np.array(losses)

        return train
