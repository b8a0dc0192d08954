"""The best trials of a search, trained for good: screen first, then train."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from ax_anasod.exceptions import AnasodError, OptionError, RunError
from ax_anasod.files import refuse_link, write_json
from ax_anasod.metrics.source import believed
from ax_anasod.retraining.member import METRICS, Retrained, evaluate
from ax_anasod.retraining.search_result import BestTrial
from ax_anasod.runs import Execution, Results
from ax_anasod.runs.layout import check_holds_no_other
from ax_anasod.runs.view import RunView
from ax_anasod.settings import check_value
from ax_anasod.training import Epoch, TrainingData, TrainingTask

if TYPE_CHECKING:
    from ax_anasod.runners.ray_tasks import RayChannel

RESULTS: Final = "top.json"
Order = Literal["search", "belief"]
"""The order of trials: by their values in the search, or by the belief of its model."""
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
    """Read the best trials of a run that keep its limits, at most ``number``.

    Args:
        run: The folder of the run.
        number: How many.
        by: ``"search"``: by the first objective, as it was observed. ``"belief"``: by the posterior
            mean of the two-level model of all trials, so that one that was lucky stands behind
            those whose neighbours are good, too. Where the layers of a network are several
            architectures of one encoding, it is that of the encoding.

    Raises:
        UnknownNameError: The order is unknown.
        RunError: See `BestTrial.in_run`.
    """
    check_value("order of trials", by, Order)
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
    execution: Execution | None = None,
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
        execution: Where they are trained: one after another in this process by default, or with
            ``runner="ray"`` on a cluster, as many at a time as it has room for. Then the folder
            must be one that all machines see, and a network whose worker is lost goes on from its
            last epoch on another one.
        after_epoch: Called with the rank of a network, from 0, and each of its new epochs.

    Raises:
        OptionError: The budget is not positive, or a network of a cluster is to have several
            devices.
        RunError: No cluster answers, this machine has not what a network needs, or a worker was
            lost too often.
        OptionalImportError: Ray is wanted and not installed.
        AnasodError: See `evaluate`.
    """
    if hours is not None and not hours > 0:
        raise OptionError(f"the budget must be more than 0 hours, got {hours:g}")
    on_ray = execution is not None and execution.runner == "ray"
    if on_ray:
        task.hardware.check_single("a Ray task")
    check_holds_no_other(folder)
    plan = [(trial, folder / f"top-{rank}") for rank, trial in enumerate(found)]
    for _, place in plan:
        refuse_link(place)
    trained: list[Retrained] = []

    def spent() -> bool:
        seconds = sum(one.metrics["train_seconds"] for one in trained)
        return bool(trained) and hours is not None and seconds >= hours * _HOUR

    for rank, (trial, place) in enumerate(plan):
        if not (place / METRICS).exists() and (on_ray or spent()):
            break
        tell = partial(after_epoch, rank)
        trained.append(evaluate(trial, task, data, place, after_epoch=tell))
    if execution is not None and on_ray:
        _train_on_ray(execution, plan, task, data, trained, spent, after_epoch)
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
    if not task.hardware.rank:
        write_json(folder / RESULTS, figures)
    return TopResult(folder, trained, figures)


def _train_on_ray(
    execution: Execution,
    plan: Sequence[tuple[BestTrial, Path]],
    task: TrainingTask,
    data: TrainingData,
    trained: list[Retrained],
    spent: Callable[[], bool],
    after_epoch: Callable[[int, Epoch], None],
) -> None:
    """Train those that are not yet trained, and add them in the order of their ranks.

    They are begun in this order, so that those that a budget leaves are the first ones.
    """
    from ax_anasod.runners.ray_runner import connect
    from ax_anasod.runners.ray_tasks import run_tasks_on_ray

    begun, ended = len(trained), dict[int, Retrained]()
    owns_cluster = connect(execution.address, execution.cpus, execution.gpus)
    import ray

    def on_end(number: int, reference: Any) -> None:
        rank = begun + number
        try:
            ended[rank] = ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, AnasodError):
                raise error.cause from error
            raise
        except ray.exceptions.RayError as error:
            raise RunError(
                f"the worker of {plan[rank][1]} was lost {execution.retries + 1} times: "
                f"{type(error).__name__}",
                "the same command goes on from the last epoch",
            ) from error
        trained.append(ended[rank])

    try:
        run_tasks_on_ray(
            _train_one,
            plan[begun:],
            (task, data),
            at_a_time=None,
            cpus=execution.cpus,
            gpus=execution.gpus,
            retries=execution.retries,
            on_message=lambda number, epoch: after_epoch(begun + number, epoch),
            on_end=on_end,
            should_stop=spent,
        )
    finally:
        if owns_cluster:
            ray.shutdown()
    trained[begun:] = [ended[rank] for rank in sorted(ended)]


def _train_one(
    one: tuple[BestTrial, Path], shared: tuple[TrainingTask, TrainingData], channel: RayChannel
) -> Retrained:
    (trial, place), (task, data) = one, shared
    return evaluate(trial, task, data, place.absolute(), after_epoch=channel.send)
