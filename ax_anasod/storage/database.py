"""A whole run as an Ax database, written at once.

Ax saves trial by trial into an open database and decodes everything it has written to keep
the identities of the rows; with all generator runs encoded again at each step this costs
more than the search itself. A run that has a journal only needs the database as a copy now
and then: here it is built from nothing in memory, and written as a whole.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import cast

from ax.core.data import Data
from ax.core.experiment import Experiment
from ax.generation_strategy.generation_strategy import GenerationStrategy
from ax.storage.sqa_store.db import Base
from ax.storage.sqa_store.encoder import Encoder
from ax.storage.sqa_store.sqa_classes import SQAData
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from ax_anasod.exceptions import RunError
from ax_anasod.files import write_whole
from ax_anasod.storage.sql import registry_bundle

# What a check of a database takes on a busy machine, many times over.
_SECONDS = 60.0
_HINT = "delete the file: it is made again from the journal"


class _Encoder(Encoder):
    """Ax's encoder, which does not sort the data of each trial again, three times over."""

    def experiment_data_to_sqa(self, experiment: Experiment) -> list[SQAData]:
        """The data, one row of the database a trial."""
        rows = []
        for trial_index, df in experiment.data.full_df.groupby("trial_index"):
            data = Data(df=df)
            # A cached property, given what it would compute: the rows of a trial are in
            # their order, since those of the whole experiment are.
            data.__dict__["full_df"] = df.reset_index(drop=True)
            rows.append(self.data_to_sqa(data=data, trial_index=int(str(trial_index)), timestamp=0))
        return rows


def write_database(
    path: Path, experiment: Experiment, generation_strategy: GenerationStrategy
) -> None:
    """Write an experiment and its strategy as a SQLite file that Ax can load.

    ``Client.load_from_database(experiment.name, storage_config(path))`` reads it. The file
    is the old one or the new one, whole, at every instant.

    Args:
        path: The file; one that is there is replaced.
        experiment: The experiment.
        generation_strategy: Its strategy.

    Raises:
        RunError: The database cannot be written, as on a full disk.
    """
    # An engine of our own: Ax has one for the whole process, which another client may use.
    engine = create_engine("sqlite://", poolclass=StaticPool)
    try:
        Base.metadata.create_all(engine)
        encoder = _Encoder(config=registry_bundle().sqa_config)
        with Session(engine) as session:
            stored = encoder.experiment_to_sqa(experiment)
            session.add(stored)
            session.flush()
            session.add(encoder.generation_strategy_to_sqa(generation_strategy, stored.id))
            session.commit()
        with closing(engine.raw_connection()) as connection:
            content = cast(sqlite3.Connection, connection.driver_connection).serialize()
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
        raise RunError(f"the database {path} cannot be written: {reason}") from error
    finally:
        engine.dispose()
    write_whole(path, content)


def check_database(path: Path, experiment_name: str) -> None:
    """Check that a file is a whole database of an experiment.

    Args:
        path: The file.
        experiment_name: Name of the experiment that should be in it.

    Raises:
        RunError: The file is damaged, no SQLite file, or holds another experiment.
    """
    if not path.is_file():
        raise RunError(f"the database {path} is no ordinary file", _HINT)
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            # A view in the place of the table could compute for ever.
            until = time.monotonic() + _SECONDS
            connection.set_progress_handler(lambda: time.monotonic() > until, 100_000)
            (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            names = [name for (name,) in connection.execute("SELECT name FROM experiment_v2")]
    except sqlite3.Error as error:
        raise RunError(f"the database {path} is damaged: {error}", _HINT) from error
    if state != "ok":
        raise RunError(f"the database {path} is damaged: {state.splitlines()[-1]}", _HINT)
    if names != [experiment_name]:
        raise RunError(
            f"the database {path} holds {', '.join(map(repr, names)) or 'no experiment'}, not "
            f"{experiment_name!r}",
            "move it elsewhere: that of this run is made again from the journal",
        )
