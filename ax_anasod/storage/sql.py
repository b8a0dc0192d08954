"""Our classes in Ax's SQL storage."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

from ax.api.utils.storage import db_settings_from_storage_config
from ax.core.experiment import Experiment
from ax.core.metric import Metric
from ax.core.runner import Runner
from ax.storage.metric_registry import CORE_METRIC_REGISTRY
from ax.storage.registry_bundle import RegistryBundle
from ax.storage.runner_registry import CORE_RUNNER_REGISTRY
from ax.storage.sqa_store.decoder import Decoder
from ax.storage.sqa_store.structs import DBSettings
from ax.api.configs import StorageConfig

from ax_anasod.cells import Cell, from_dict
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace, OperationParameter, RunProperties
from ax_anasod.metrics import LookupMetric
from ax_anasod.runners import LookupRunner

# Written into databases: a number once given stays with its class for ever, whatever the
# class is called later.
METRIC_NUMBERS: Final[dict[type[Metric], int | None]] = {LookupMetric: 210_001}
RUNNER_NUMBERS: Final[dict[type[Runner], int | None]] = {LookupRunner: 210_001}


class AnasodDecoder(Decoder):
    """Ax's decoder, which gives an experiment our search space back.

    SQL knows no subclasses of search spaces; the cell comes from the experiment's
    properties.
    """

    def _init_experiment_from_sqa(self, *args: Any, **kwargs: Any) -> Experiment:
        experiment = super()._init_experiment_from_sqa(*args, **kwargs)
        properties = RunProperties.read(experiment)
        if properties is not None:
            restore = _encodings if properties.space == "encoding" else _architectures
            experiment._search_space = restore(experiment, from_dict(properties.cell))
        return experiment


def _encodings(experiment: Experiment, cell: Cell) -> AnasodSearchSpace:
    loaded = experiment.search_space
    parameters = []
    for name, plain in loaded.parameters.items():
        parameter = OperationParameter(name, lower=0, upper=cell.total)
        # Without it the next save would write the parameter a second time.
        parameter._db_id = plain._db_id
        parameters.append(parameter)
    return AnasodSearchSpace(list(parameters), loaded.parameter_constraints, cell=cell)


def _architectures(experiment: Experiment, cell: Cell) -> CellSearchSpace:
    return CellSearchSpace(list(experiment.search_space.parameters.values()), cell=cell)


@cache
def registry_bundle() -> RegistryBundle:
    """Ax's registries with our metrics, runners and decoder in them."""
    bundle = RegistryBundle(
        # Ax's own classes must be named too, or loading a plain metric fails.
        metric_clss=dict(CORE_METRIC_REGISTRY) | METRIC_NUMBERS,
        runner_clss=dict(CORE_RUNNER_REGISTRY) | RUNNER_NUMBERS,
    )
    bundle._decoder = AnasodDecoder(bundle.sqa_config)
    return bundle


def storage_config(path: str | Path) -> StorageConfig:
    """Ax's ``StorageConfig`` for one SQLite file, for ``Client(storage_config=...)``.

    Args:
        path: The database file; it is created on the first save.
    """
    return StorageConfig(url=f"sqlite:///{Path(path).resolve()}", registry_bundle=registry_bundle())


def database_settings(path: str | Path) -> DBSettings:
    """The same for the parts of Ax that want ``DBSettings`` (``AxClient``, ``Orchestrator``)."""
    return db_settings_from_storage_config(storage_config(path))
