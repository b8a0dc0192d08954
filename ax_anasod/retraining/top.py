"""The best trials of a search, trained for good one after another: screen first, then train."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.files import refuse_link, write_whole
from ax_anasod.metrics.source import believed
from ax_anasod.retraining.found import BestTrial
from ax_anasod.retraining.member import METRICS, Retrained, evaluate
from ax_anasod.runs import Results
from ax_anasod.runs.layout import check_holds_no_other
from ax_anasod.runs.view import RunView
from ax_anasod.training import Epoch, TrainingData, TrainingTask

RESULTS: Final = "top.json"
ORDERS: Final = ("search", "belief")
"""How trials are ranked: by their values in the search, or by what its model believes of them."""
_HOUR: Final = 3600.0


@dataclass(frozen=True)
class TopResult:
    """The best trials of a search, trained for good as far as the budget went.

    Args:
        folder: The folder with their files.
        trained: The networks, in the order of the search.
        figures: The content of ``top.json``.
    """

    folder: Path
    trained: list[Retrained]
    figures: dict[str, Any]


def best_trials(run: str | Path, number: int, by: str = "search") -> list[BestTrial]:
    """Read the best trials of a run that keep its limits, at most so many.

    Args:
        run: The folder of the run.
        number: How many.
        by: ``"search"``: by the first objective, as it was observed. ``"belief"``: by the posterior
            mean of the two-level model of all trials, so that one that was lucky stands behind
            those whose neighbours are good, too. Where the layers of a network are several
            architectures of one encoding, it is that of the encoding.

    Raises:
        UnknownNameError: There is no such order.
        RunError: As for `BestTrial.in_run`.
    """
    if by not in ORDERS:
        raise UnknownNameError("order of trials", by, ORDERS)
    best = BestTrial.in_run(run)
    view = RunView.read(run)
    ranking = Results(view.config, view.records).ranking
    trials = [best.of(end) for end in ranking]
    if by == "belief":
        cell, objective = best.task.cell, view.config.objectives[0]
        values = np.array([objective.sign * end.values[objective.name] for end in ranking])
        codes = np.stack([trial.codes[0] for trial in trials])
        sampled = any(len(trial.codes) > 1 for trial in trials)
        beliefs = believed(cell, codes, values, ["distribution"] if sampled else None)
        trials = [trials[place] for place in np.argsort(beliefs, kind="stable")]
    return trials[:number]


def train_top(
    found: Sequence[BestTrial],
    task: TrainingTask,
    data: TrainingData,
    folder: Path,
    *,
    hours: float | None = None,
    after_epoch: Callable[[int, Epoch], None] = lambda rank, epoch: None,
) -> TopResult:
    """Train the best trials of a search for good, the most promising first.

    Each has a folder ``top-<rank>`` with the files that `evaluate` writes; beside them is
    ``top.json``. Killed at any instant, it goes on from the last epoch; a larger number or budget
    adds to what is there.

    Args:
        found: The trials, from `best_trials`.
        task: How they are trained, from `evaluation_task`.
        data: Its images or sequences, loaded for evaluation.
        folder: The folder; it is made.
        hours: No further network is begun once the trainings so far have taken so many hours,
            those of earlier calls included; the first is always trained. None for no end.
        after_epoch: Called with the rank of a network, from 0, and each of its new epochs.

    Raises:
        OptionError: The budget is not positive.
        AnasodError: As for `evaluate`.
    """
    if hours is not None and not hours > 0:
        raise OptionError(f"the budget must be more than 0 hours, got {hours:g}")
    check_holds_no_other(folder)
    places = [folder / f"top-{rank}" for rank in range(len(found))]
    for place in places:
        refuse_link(place)
    trained: list[Retrained] = []
    for rank, (trial, place) in enumerate(zip(found, places, strict=True)):
        spent = sum(one.metrics["train_seconds"] for one in trained) / _HOUR
        if trained and hours is not None and spent >= hours and not (place / METRICS).exists():
            break
        tell = partial(after_epoch, rank)
        trained.append(evaluate(trial, task, data, place, after_epoch=tell))
    errors = [one.metrics["test_error"] for one in trained]
    figures: dict[str, Any] = {
        "dataset": data.name,
        "trained": len(trained),
        "asked_for": len(found),
        "hours": sum(one.metrics["train_seconds"] for one in trained) / _HOUR,
        "best": errors.index(min(errors)),
        "networks": [
            {
                "rank": rank,
                "trial": trial.trial,
                f"{trial.task.objectives[0].name}_in_search": trial.valid_error,
                "test_error": one.metrics["test_error"],
                "parameters": one.metrics["parameters"],
                "encoding": trial.encoding,
                "folder": str(one.folder),
            }
            for rank, (trial, one) in enumerate(zip(found, trained, strict=False))
        ],
    }
    write_whole(folder / RESULTS, json.dumps(figures, indent=2) + "\n")
    return TopResult(folder, trained, figures)
