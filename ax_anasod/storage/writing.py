"""One process writes an experiment of an open database, as Ax writes it.

Ax numbers the trials of an experiment in memory. Two processes that have loaded it and go on
would write trials of the same numbers, and the next process that loads it would find one of
each, or write over what the other has written. Loading by ``Client`` is writing, too: Ax saves
the experiment at once, with the trials that it has read.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from ax.core.base_trial import BaseTrial
from ax.core.experiment import Experiment
from ax.storage.sqa_store import db
from ax.storage.sqa_store.encoder import Encoder
from ax.storage.sqa_store.sqa_classes import SQAExperiment, SQATrial
from sqlalchemy import func, select, text

from ax_anasod.exceptions import RunError
from ax_anasod.locks import hold, is_same_file

# Of the database of this process, by the number of the experiment: the states of its trials when
# it was last loaded, by their numbers, and the lock that is held on it.
_loaded: Final[dict[int, dict[int, int]]] = {}
_held: Final[dict[int, tuple[int, Path]]] = {}
_guard = threading.RLock()

# Plain SQL, because Ax's column type for the status makes SQLAlchemy warn.
_STATES: Final = text(
    f"SELECT id, status FROM {SQATrial.__tablename__} WHERE experiment_id = :number"
)


class OneWriterEncoder(Encoder):
    """Ax's encoder, which refuses to write what another process has written, or writes."""

    def experiment_to_sqa(self, experiment: Experiment) -> SQAExperiment:
        """The experiment with all its trials."""
        check_writer(experiment)
        # Not this class again: once is enough for all trials.
        return Encoder(self.config).experiment_to_sqa(experiment)

    def trial_to_sqa(self, trial: BaseTrial, *args: Any, **kwargs: Any) -> SQATrial:
        """A trial, which is about to be written."""
        check_writer(trial.experiment)
        return super().trial_to_sqa(trial, *args, **kwargs)


def note_loaded(stored: SQAExperiment) -> None:
    """Remember what was there when an experiment was loaded.

    Args:
        stored: Its rows.
    """
    _loaded[stored.id] = {trial.id: trial.status.value for trial in stored.trials}


def check_writer(experiment: Experiment) -> None:
    """Make sure that this process alone writes an experiment, and knows all there is of it.

    From the first time on others are kept out, until the process ends or closes its database.

    Args:
        experiment: The experiment; one that is not in the database yet is free.

    Raises:
        RunError: Another process writes it, or has written to it since it was loaded.
    """
    number = experiment.db_id
    if number is None:
        return
    with _guard:
        name = f"experiment {experiment.name!r} in {db.get_engine().url.database}"
        if number not in _held:
            _hold(number, name)
        own = sum(trial.db_id is not None for trial in experiment.trials.values())
        with db.get_engine().connect() as connection:
            known = select(func.count()).where(SQATrial.experiment_id == number)
            if connection.execute(known).scalar_one() != own:
                raise _changed(name)


def release_all() -> None:
    """Release the write locks of this process for other processes."""
    with _guard:
        for file, path in _held.values():
            # Windows does not delete a file that is open.
            with suppress(OSError):
                path.unlink()
            os.close(file)
        _forget()


def _hold(number: int, name: str) -> None:
    url = db.get_engine().url
    if url.get_backend_name() != "sqlite" or not url.database:
        return
    path = Path(f"{url.database}.experiment-{number}.lock")
    file = hold(path, f"{name} is being written by another process")
    while not is_same_file(file, path):
        # Its last holder has deleted it.
        os.close(file)
        file = hold(path, f"{name} is being written by another process")
    with db.get_engine().connect() as connection:
        rows = connection.execute(_STATES, {"number": number})
        states = {row.id: row.status for row in rows}
    if _loaded.get(number, states) != states:
        os.close(file)
        raise _changed(name)
    _held[number] = (file, path)


def _changed(name: str) -> RunError:
    return RunError(
        f"{name} has changed since this process loaded it: what it has would be lost",
        "load it again",
    )


def _forget() -> None:
    _held.clear()
    _loaded.clear()


def _forget_in_child() -> None:
    # A child of a fork holds the files of its parent open, and would keep the locks.
    for file, _ in _held.values():
        os.close(file)
    _forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
