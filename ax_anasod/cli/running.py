"""Running a search on the terminal: what ``search``, ``train`` and ``resume`` have in common."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from pathlib import Path
from shlex import quote

from ax_anasod.cli.failures import Failure, while_running, while_writing
from ax_anasod.cli.image_reading import note_chance
from ax_anasod.cli.summary import in_words, print_results
from ax_anasod.cli.terminal import INTERRUPTED, Interruption, SearchProgress, note, waiting
from ax_anasod.exceptions import RunLostError
from ax_anasod.journal import Failed, Record
from ax_anasod.runs import Results, RunFolder, TrainingSearch
from ax_anasod.runs.artefacts import DatabaseCopy, write_results
from ax_anasod.runs.layout import TRIALS_FOLDER
from ax_anasod.runs.loop import SearchLoop
from ax_anasod.threads import one_thread
from ax_anasod.tracking.tracker import LOG, Tracker
from ax_anasod.tracking.trackers import make_trackers
from ax_anasod.training import TrialState


def run_search(
    search: SearchLoop,
    folder: RunFolder | None,
    trials: int,
    *,
    as_json: bool,
    is_part: bool = False,
    trackers: Sequence[Tracker] = (),
) -> int:
    """Search, write the results, and show them.

    Args:
        search: The search.
        folder: Its folder, None where nothing is written.
        trials: The number of trials at the end.
        as_json: Print the results as JSON.
        is_part: True if more work follows: the results are then shown on stderr, and the same
            command goes on after an interruption.
        trackers: Trackers to which the trials are reported.

    Returns:
        The exit code.

    Raises:
        Failure: The search, or writing its results, has failed.
    """
    out = None if folder is None else folder.path
    how = None if out is None else f"go on with: ax-anasod resume {quote(str(out))}"
    if is_part and out is not None:
        how = "go on with the same command"
    if trials > (listed := search.cell.num_listed) and not search.config.hyperparameters:
        them = "one architecture" if listed == 1 else f"{listed:,} architectures"
        note(f"the cell has only {them}: with {trials:,} trials some come again")
    try:
        with while_running(how), one_thread():
            try:
                with nullcontext() if folder is None else folder.watched():
                    # Results alone go to stdout. Libraries print, too, such as Ray of lost workers.
                    with redirect_stdout(sys.stderr), _tracked(search, trackers):
                        finished = _search(search, folder, trials)
                    if folder is not None:
                        _write(folder, search, f"all trials are kept; {how}")
            except (RunLostError, Failure):
                # The trials are in memory, even if their files are lost.
                _print(search, out, as_json)
                raise
            with redirect_stdout(sys.stderr) if is_part else nullcontext():
                _print(search, out, as_json)
    except KeyboardInterrupt:
        finished = False
    finally:
        if isinstance(search, TrainingSearch):
            search.runner.close()
    if finished:
        return 0
    if folder is not None:
        with while_running(how), folder.watched():
            pass
    kept = sum(record.end is not None for record in search.records)
    note(
        f"interrupted after {kept} trials; "
        + (how or "nothing was written, since --out was not given")
    )
    return INTERRUPTED


def trackers_of(names: Sequence[str], out: Path | None, *, trains: bool = False) -> list[Tracker]:
    """The trackers that ``--track`` names.

    Args:
        names: Their names.
        out: The folder of the run.
        trains: True if its trials are trained: they log their epochs for TensorBoard themselves.

    Raises:
        AnasodError: There is no such tracker, or it cannot be used here.
    """
    log = None if out is None else out / LOG
    return make_trackers(names, log, out / TRIALS_FOLDER if out and trains else None)


@contextmanager
def _tracked(search: SearchLoop, trackers: Sequence[Tracker]) -> Iterator[None]:
    """Report all trials and the end of the search to trackers."""
    if not trackers:
        yield
        return
    dispatcher = search.track(trackers)
    finished = False
    try:
        yield
        ended = sum(record.end is not None for record in search.records)
        finished = ended >= search.config.trials or search.stop_reason is not None
    finally:
        dispatcher.end(search.records, finished=finished)


def _print(search: SearchLoop, out: Path | None, as_json: bool) -> None:
    results = Results(search.config, search.records, out)
    print_results(results, as_json=as_json)
    if isinstance(search, TrainingSearch) and results.best is not None:
        error = results.best.values[search.config.objectives[0].name]
        note_chance(error, search.runner.images())


def _write(folder: RunFolder, search: SearchLoop, kept: str) -> None:
    """Write the files that are made from the journal."""
    with while_writing(kept), waiting("writing the report"):
        DatabaseCopy(folder, search).refresh()
        write_results(folder, search)


def _search(search: SearchLoop, folder: RunFolder | None, trials: int) -> bool:
    """Search, with the progress on the terminal; whether it came to its end."""
    objective = search.config.objectives[0]
    done = sum(record.end is not None for record in search.records)
    database = None if folder is None else DatabaseCopy(folder, search)
    progress = SearchProgress(search.config.experiment_name, trials, done)
    unit = "epoch" if isinstance(search, TrainingSearch) else "trial"
    with progress, Interruption(progress.say, unit) as interruption:
        if isinstance(search, TrainingSearch):
            _show_epochs(search, progress)

        def after_trial(record: Record) -> None:
            progress.end_part(_part(record.trial))
            if isinstance(record.end, Failed):
                progress.say(f"trial {record.trial} failed: {record.end.reason}")
            best = Results(search.config, search.records).best
            value = None if best is None else best.values[objective.name]
            words = "" if value is None else f"best {in_words(value, objective.unit)}"
            progress.show(record.trial + 1, words)
            if database is not None:
                database.refresh_if_due()

        search.run(trials, after_trial, lambda: interruption.requested)
    return not interruption.requested


def _show_epochs(search: TrainingSearch, progress: SearchProgress) -> None:
    epochs = search.task.training.epochs

    def after_epoch(trial: int, state: TrialState) -> None:
        words = f"error {in_words(state.epochs[-1].valid_error, 'percent')}"
        progress.show_part(_part(trial), len(state.epochs), epochs, words)

    search.after_epoch = after_epoch


def _part(trial: int) -> str:
    return f"trial {trial}"
