"""Our classes in Ax's SQL storage."""

from __future__ import annotations

import warnings
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from ax.api.configs import StorageConfig
from ax.api.utils.storage import db_settings_from_storage_config
from ax.core.experiment import Experiment
from ax.core.metric import Metric
from ax.core.parameter import Parameter
from ax.core.runner import Runner
from ax.exceptions.core import AxParameterWarning
from ax.generation_strategy.generation_strategy import GenerationStrategy
from ax.storage.metric_registry import CORE_METRIC_REGISTRY
from ax.storage.registry_bundle import RegistryBundle
from ax.storage.runner_registry import CORE_RUNNER_REGISTRY
from ax.storage.sqa_store import db
from ax.storage.sqa_store.db import Base
from ax.storage.sqa_store.decoder import Decoder
from ax.storage.sqa_store.sqa_classes import SQAExperiment
from ax.storage.sqa_store.structs import DBSettings
from sqlalchemy import URL, Engine, inspect, make_url
from sqlalchemy.exc import SQLAlchemyError

from ax_anasod import metrics
from ax_anasod._ax import set_decoder, set_encoder, set_search_space, take_identity
from ax_anasod.cells import Cell, from_dict
from ax_anasod.core import (
    AnasodSearchSpace,
    CellSearchSpace,
    OperationParameter,
    RunProperties,
    parameter_names,
)
from ax_anasod.core.search_experiment import SearchExperiment
from ax_anasod.exceptions import RunError
from ax_anasod.generation_strategy.nodes import SearchStrategy
from ax_anasod.runners import LookupRunner, RayRunner, TrainingRunner
from ax_anasod.storage.writing import OneWriterEncoder, note_loaded, release_all

# Written into databases: a number once given stays with its class for ever, whatever the
# class is called later.
METRIC_NUMBERS: Final[dict[type[Metric], int]] = {
    metrics.LookupMetric: 210_001,
    metrics.TrainingMetric: 210_002,
    metrics.KnownLookup: 210_003,
    metrics.KnownSum: 210_004,
    metrics.KnownSize: 210_005,
    metrics.EarlierSearch: 210_006,
    metrics.LatencyMetric: 210_007,
    metrics.KnownProxy: 210_008,
}
RUNNER_NUMBERS: Final[dict[type[Runner], int]] = {
    LookupRunner: 210_001,
    TrainingRunner: 210_002,
    RayRunner: 210_003,
}

# How long a process waits while another one writes to the same file.
_SECONDS: Final = 60.0


class AnasodDecoder(Decoder):
    """Ax's decoder, which gives an experiment our search space back.

    SQL knows no subclasses of search spaces; the cell comes from the experiment's
    properties.
    """

    def experiment_from_sqa(
        self, experiment_sqa: SQAExperiment, *args: Any, **kwargs: Any
    ) -> Experiment:
        """The experiment, of which this process now knows what is stored."""
        note_loaded(experiment_sqa)
        return super().experiment_from_sqa(experiment_sqa, *args, **kwargs)

    def _init_experiment_from_sqa(self, *args: Any, **kwargs: Any) -> Experiment:
        with warnings.catch_warnings():
            # Ax stores no `sort_values` of a choice, and warns about its own loss.
            warnings.filterwarnings("ignore", "`sort_values` is not specified", AxParameterWarning)
            experiment = super()._init_experiment_from_sqa(*args, **kwargs)
        properties = RunProperties.read(experiment)
        if properties is not None:
            restore = _encodings if properties.space == "encoding" else _architectures
            set_search_space(experiment, restore(experiment, from_dict(properties.cell)))
            experiment.__class__ = SearchExperiment
        return experiment

    def generation_strategy_from_sqa(self, *args: Any, **kwargs: Any) -> GenerationStrategy:
        """The strategy, as one of ours, whose nodes need not be."""
        strategy = super().generation_strategy_from_sqa(*args, **kwargs)
        strategy.__class__ = SearchStrategy
        return strategy


def _encodings(experiment: Experiment, cell: Cell) -> AnasodSearchSpace:
    loaded, own = experiment.search_space, parameter_names(cell)
    parameters: list[Parameter] = []
    for name, plain in loaded.parameters.items():
        if name not in own:
            parameters.append(plain)
            continue
        parameter = OperationParameter(name, lower=0, upper=cell.total)
        take_identity(parameter, plain)
        parameters.append(parameter)
    return AnasodSearchSpace(parameters, loaded.parameter_constraints, cell=cell)


def _architectures(experiment: Experiment, cell: Cell) -> CellSearchSpace:
    loaded = experiment.search_space
    return CellSearchSpace(
        list(loaded.parameters.values()), loaded.parameter_constraints, cell=cell
    )


@cache
def registry_bundle() -> RegistryBundle:
    """Ax's registries with our metrics, runners, encoder and decoder in them."""
    bundle = RegistryBundle(
        # Ax's own classes must be named too, or loading a plain metric fails.
        metric_clss={**CORE_METRIC_REGISTRY, **METRIC_NUMBERS},
        runner_clss={**CORE_RUNNER_REGISTRY, **RUNNER_NUMBERS},
    )
    set_encoder(bundle, OneWriterEncoder(bundle.sqa_config))
    set_decoder(bundle, AnasodDecoder(bundle.sqa_config))
    return bundle


def sqlite_url(path: Path) -> URL:
    """The URL of a SQLite file, whatever its name contains.

    Args:
        path: The file.
    """
    return URL.create("sqlite", database=str(path.resolve()))


def storage_config(path: str | Path) -> StorageConfig:
    """Ax's ``StorageConfig`` for one SQLite file, for ``Client(storage_config=...)``.

    The file becomes *the* database of this process: Ax has only one, and would write a
    second client's trials into the first one's file without a word.

    Several processes may use one file, each with an experiment of its own: the first whose
    client loads an experiment, which Ax then writes at once, or writes a trial of it keeps the
    others out of it until it ends or calls :func:`close_database`.

    Args:
        path: The database file; it is created where it does not exist.

    Raises:
        RunError: The file cannot be created or is no database, or this process uses another
            one already.
    """
    wanted = sqlite_url(Path(path))
    url = wanted.render_as_string()
    if make_url(url) != wanted:
        raise RunError(
            f"SQLAlchemy {version('sqlalchemy')} cannot open {path}: it takes what follows a '?' "
            "for options",
            "rename the folder or the file, or install SQLAlchemy 2.1",
        )
    if db.SESSION_FACTORY is not None and db.get_engine().url != wanted:
        raise RunError(
            f"this process saves to {db.get_engine().url} already, and Ax has one database a "
            f"process: it cannot use {path} as well",
            "close the first with ax_anasod.storage.close_database(), or use a process for each",
        )
    db.init_engine_and_session_factory(url=url, connect_args={"timeout": _SECONDS})
    try:
        _create_tables(db.get_engine())
    except SQLAlchemyError as error:
        close_database()
        raise RunError(
            f"{path} cannot be used as a database: {getattr(error, 'orig', None) or error}"
        ) from error
    return StorageConfig(url=url, registry_bundle=registry_bundle())


def _create_tables(engine: Engine) -> None:
    """Create Ax's tables where they are missing, while other processes wait."""
    if Base.metadata.tables.keys() <= set(inspect(engine).get_table_names()):
        return
    with engine.begin() as connection:
        # Before looking what is missing: two processes would both create it.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        Base.metadata.create_all(connection)


def database_settings(path: str | Path) -> DBSettings:
    """Settings of a database for the parts of Ax that want ``DBSettings`` (``AxClient``, ...).

    Args:
        path: As for :func:`storage_config`.

    Raises:
        RunError: The database cannot be used, see :func:`storage_config`.
    """
    return db_settings_from_storage_config(storage_config(path))


def close_database() -> None:
    """Close the database of this process and release its write locks."""
    release_all()
    if db.SESSION_FACTORY is not None:
        db.get_engine().dispose()
        db.SESSION_FACTORY = None
