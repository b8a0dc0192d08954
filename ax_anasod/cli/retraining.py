"""Training what a search has found, for ``evaluate``, ``transfer`` and ``ensemble``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ax_anasod.cli.option_groups import Given
from ax_anasod.cli.processes import MultiProcessRequest, first_process_speaks
from ax_anasod.exceptions import OptionError
from ax_anasod.training.hardware import rank_and_size

if TYPE_CHECKING:
    from ax_anasod.cli.retraining_options import RetrainingOptions
    from ax_anasod.retraining import BestTrial, SearchResult
    from ax_anasod.runs import Execution
    from ax_anasod.training import Epoch, TrainingData, TrainingTask

_GOES_ON: Final = "the same command goes on from the last epoch"


@first_process_speaks()
def retrain(
    options: RetrainingOptions,
    folder: str,
    *,
    dataset: str | None = None,
    members: int | None = None,
    top: int | None = None,
    by: str = "search",
    budget: float | None = None,
    runner: Given | None = None,
) -> int:
    """Train what a search has found, alone or as an ensemble, and show the results.

    Args:
        options: The network that is trained, and its protocol.
        folder: Name of the folder of the results in that of the search, if no other is given.
        dataset: Another data set, None for that of the search.
        members: Number of networks of an ensemble; None trains one network alone.
        top: Number of the best trials whose networks are trained.
        by: Order of the best trials.
        budget: Hours after which no further of these networks is begun.
        runner: Place where these are trained: fields of `Execution`.

    Raises:
        AnasodError: An argument is wrong; nothing was written.
        Failure: The training has failed on its way.
        MultiProcessRequest: The network is trained on several devices, and this process is alone.
    """
    from ax_anasod.cli.terminal import INTERRUPTED, note, waiting

    with waiting("loading Ax"):
        from ax_anasod.cli.failures import while_running
        from ax_anasod.cli.image_reading import read_data
        from ax_anasod.cli.parsing import parse_training
        from ax_anasod.cli.trained_kinds import execution_of
        from ax_anasod.files import refuse_link
        from ax_anasod.retraining import evaluation_task, read_search
        from ax_anasod.runs.layout import check_holds_no_other
        from ax_anasod.training.pairing import image_data

    directory, out = options.directory, options.out or options.directory / folder
    data = options.data if dataset is None else {**options.data, "dataset": dataset}
    if top is not None and options.pick is not None:
        raise OptionError("--pick names one network, --top N several", "give one of them")
    found = read_search(directory, options.layers, options.pick)
    ranked = None if top is None else _ranked(found, directory, top, by)
    check_holds_no_other(out)
    if members is not None:
        image_data(found.task.data)
    task = evaluation_task(
        found,
        options.protocol,
        data=data,
        network=options.network,
        training=parse_training(options.training, options.training_texts),
        hardware=options.hardware,
    )
    execution = execution_of(runner or {}, task.hardware.device)
    on_ray = execution.runner == "ray"
    task = replace(task, hardware=task.hardware.with_threads(execution.cpus if on_ray else 1.0))
    if on_ray:
        task.hardware.check_single("a Ray task")
    task.hardware.check()
    if out.parent == directory:
        refuse_link(out)
    devices, processes = task.hardware.devices, rank_and_size()[1]
    if processes not in (1, devices):
        raise OptionError(
            f"{processes} processes were started, and --devices is {devices}",
            f"without torchrun, --devices {processes} starts them",
        )
    if processes < devices:
        raise MultiProcessRequest(devices, _GOES_ON)
    download = bool(data.keys() & {"dataset", "path"})
    # Only one process may download into a folder at a time.
    one_first = download and devices > 1
    with task.hardware.fabric().rank_zero_first() if one_first else nullcontext():
        read = read_data(task.data, "evaluation", download=download)
    with waiting("building the network"):
        fitted = task.fitted(read)
        codes = [found.draw(fitted.network.layers, member) for member in (0, (members or 1) - 1)]
        fitted.start(codes[0], read, seed=0)
    try:
        with while_running(_GOES_ON):
            if ranked is not None:
                return _train_top(ranked, task, read, out, budget, execution, as_json=options.json)
            return _train(found, task, read, out, members, as_json=options.json)
    except KeyboardInterrupt:
        note(f"interrupted; {_GOES_ON}")
        return INTERRUPTED


def _train(
    found: SearchResult,
    task: TrainingTask,
    data: TrainingData,
    out: Path,
    members: int | None,
    *,
    as_json: bool,
) -> int:
    from ax_anasod.cli.image_reading import note_chance
    from ax_anasod.cli.retrained_view import table_of_ensemble, table_of_one
    from ax_anasod.cli.terminal import SearchProgress, print_result
    from ax_anasod.retraining import evaluate, train_ensemble

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
        content, table = one.metrics, table_of_one(one, found.picked)
        error, who = one.metrics["test_error"], "the network did not do"
    else:
        content, table = several.figures, table_of_ensemble(several)
        error, who = 100 - several.figures["ensemble"]["accuracy"], "the ensemble did not do"
    about = {"picked": found.picked, "out": str(out)}
    print_result(table, content={**content, **about} if as_json else None)
    note_chance(error, data, who)
    return 0


def _ranked(found: SearchResult, directory: Path, top: int, by: str) -> list[BestTrial]:
    from ax_anasod.retraining import BestTrial, best_trials

    if not isinstance(found, BestTrial):
        raise OptionError(
            f"--top is for a run of ax-anasod train; {directory} holds a differentiable search",
            "ax-anasod ensemble trains its best cells",
        )
    return best_trials(directory, top, by)


def _train_top(
    found: Sequence[BestTrial],
    task: TrainingTask,
    data: TrainingData,
    out: Path,
    hours: float | None,
    execution: Execution,
    *,
    as_json: bool,
) -> int:
    from ax_anasod.cli.image_reading import note_chance
    from ax_anasod.cli.retrained_view import table_of_top
    from ax_anasod.cli.terminal import SearchProgress, print_result
    from ax_anasod.retraining import train_top

    epochs = task.training.epochs
    with (
        SearchProgress(f"training on {data.name}", epochs * len(found), 0) as progress,
        redirect_stdout(sys.stderr),
    ):
        last: dict[int, int] = {}

        def after_epoch(rank: int, epoch: Epoch) -> None:
            # Ranks below the first reported one were trained by an earlier call.
            last[rank] = epoch.epoch
            done = epochs * min(last) + sum(last.values())
            progress.show(done, f"test error {epoch.valid_error:.2f} %")

        done = train_top(
            found,
            task,
            data,
            out,
            hours=hours,
            execution=execution,
            after_epoch=after_epoch,
        )
    content = {**done.figures, "out": str(out)} if as_json else None
    print_result(table_of_top(done), content=content)
    note_chance(min(n["test_error"] for n in done.figures["networks"]), data, "no network did")
    return 0
