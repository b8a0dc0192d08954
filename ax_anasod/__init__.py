"""ANASOD: neural architecture search over operation distributions, on top of Ax.

The public names of the package, each loaded from its room on first use (PEP 562):
a bare ``import ax_anasod`` pulls in neither torch nor Ax nor numpy, so that the
command line answers at once.

Example:
    >>> import ax_anasod
    >>> ax_anasod.UnknownNameError("dataset", "corra", ["cora", "arxiv"]).hint
    "did you mean 'cora'?"
"""

from __future__ import annotations

import importlib
import logging
import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ax_anasod.adapter import AnasodGenerators as AnasodGenerators
    from ax_anasod.adapter import BomzeRounding as BomzeRounding
    from ax_anasod.analysis import best_trial as best_trial
    from ax_anasod.cells import Architecture as Architecture
    from ax_anasod.cells import Cell as Cell
    from ax_anasod.cells import RestrictedCell as RestrictedCell
    from ax_anasod.compare import Contender as Contender
    from ax_anasod.compare import compare_strategies as compare_strategies
    from ax_anasod.core import AnasodSearchSpace as AnasodSearchSpace
    from ax_anasod.core import CellSearchSpace as CellSearchSpace
    from ax_anasod.core import OperationParameter as OperationParameter
    from ax_anasod.core import architecture_of as architecture_of
    from ax_anasod.exceptions import AnasodError as AnasodError
    from ax_anasod.exceptions import ArchitectureError as ArchitectureError
    from ax_anasod.exceptions import BenchmarkError as BenchmarkError
    from ax_anasod.exceptions import CellError as CellError
    from ax_anasod.exceptions import DataError as DataError
    from ax_anasod.exceptions import EncodingError as EncodingError
    from ax_anasod.exceptions import ExportError as ExportError
    from ax_anasod.exceptions import ObservationError as ObservationError
    from ax_anasod.exceptions import OptionalImportError as OptionalImportError
    from ax_anasod.exceptions import OptionError as OptionError
    from ax_anasod.exceptions import ParameterError as ParameterError
    from ax_anasod.exceptions import RunError as RunError
    from ax_anasod.exceptions import TrainingError as TrainingError
    from ax_anasod.exceptions import UnknownNameError as UnknownNameError
    from ax_anasod.experiment import attach_architecture as attach_architecture
    from ax_anasod.experiment import make_client as make_client
    from ax_anasod.experiment import make_experiment as make_experiment
    from ax_anasod.experiment import make_search_space as make_search_space
    from ax_anasod.generators import DirichletGenerator as DirichletGenerator
    from ax_anasod.generators import EncodingGenerator as EncodingGenerator
    from ax_anasod.metrics import LookupMetric as LookupMetric
    from ax_anasod.nasbench import HybridLMBenchmark as HybridLMBenchmark
    from ax_anasod.nasbench import NASBench201Benchmark as NASBench201Benchmark
    from ax_anasod.nasbench import NASBench301Benchmark as NASBench301Benchmark
    from ax_anasod.nasbench import NASBenchGraphBenchmark as NASBenchGraphBenchmark
    from ax_anasod.nasbench import TableBenchmark as TableBenchmark
    from ax_anasod.networks import NetworkConfig as NetworkConfig
    from ax_anasod.networks import build_network as build_network
    from ax_anasod.notebook import ProgressBar as ProgressBar
    from ax_anasod.notebook import analyses as analyses
    from ax_anasod.runners import LookupRunner as LookupRunner
    from ax_anasod.tracking import ClientTracking as ClientTracking
    from ax_anasod.tracking import Tracker as Tracker
    from ax_anasod.training import TrainedModel as TrainedModel
    from ax_anasod.training import load_model as load_model

_ROOMS = {
    "cells": (
        "Architecture",
        "Cell",
        "RestrictedCell",
    ),
    "nasbench": (
        "HybridLMBenchmark",
        "NASBench201Benchmark",
        "NASBench301Benchmark",
        "NASBenchGraphBenchmark",
        "TableBenchmark",
    ),
    "proxies": (),
    "networks": (
        "NetworkConfig",
        "build_network",
    ),
    "training": (
        "TrainedModel",
        "load_model",
    ),
    "core": (
        "AnasodSearchSpace",
        "CellSearchSpace",
        "OperationParameter",
        "architecture_of",
    ),
    "generators": (
        "DirichletGenerator",
        "EncodingGenerator",
    ),
    "adapter": (
        "AnasodGenerators",
        "BomzeRounding",
    ),
    "runners": ("LookupRunner",),
    "metrics": ("LookupMetric",),
    "experiment": (
        "attach_architecture",
        "make_client",
        "make_experiment",
        "make_search_space",
    ),
    "compare": (
        "Contender",
        "compare_strategies",
    ),
    "notebook": (
        "ProgressBar",
        "analyses",
    ),
    "reproduce": (),
    "retraining": (),
    "dnas": (),
    "journal": (),
    "hyperparameters": (),
    "simplex": (),
    "surrogates": (),
    "generation_strategy": (),
    "global_stopping": (),
    "early_stopping": (),
    "storage": (),
    "analysis": ("best_trial",),
    "plots": (),
    "tracking": ("ClientTracking", "Tracker"),
    "runs": (),
    "testing": (),
    "exceptions": (
        "AnasodError",
        "ArchitectureError",
        "BenchmarkError",
        "CellError",
        "DataError",
        "EncodingError",
        "ExportError",
        "ObservationError",
        "OptionError",
        "OptionalImportError",
        "ParameterError",
        "RunError",
        "TrainingError",
        "UnknownNameError",
    ),
}
# Whoever uses one of these may save an experiment, so our classes must be registered with
# Ax's storage by then.
_AX_HALF = frozenset(
    {
        "core",
        "generators",
        "adapter",
        "generation_strategy",
        "global_stopping",
        "early_stopping",
        "runners",
        "metrics",
        "storage",
        "analysis",
        "experiment",
        "runs",
        "compare",
        "notebook",
        "reproduce",
        "testing",
        "tracking",
        "retraining",
    }
)
# linear_operator 0.6.1 compiles a helper at import; what the user has set comes before this.
warnings.filterwarnings("ignore", r"`torch\.jit\.script`", FutureWarning, append=True)

_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = sorted(_ROOM_OF)


def __getattr__(name: str) -> object:
    room = _ROOM_OF.get(name, name)
    if room not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if room in _AX_HALF:
        _load_ax()
    module = importlib.import_module(f"{__name__}.{room}")
    value: object = getattr(module, name) if name in _ROOM_OF else module
    globals()[name] = value
    return value


def _load_ax() -> None:
    """Load Ax with our classes registered, without a line in its log for each trial.

    Whoever has imported Ax before, has its log as it is.
    """
    importlib.import_module(f"{__name__}.optional").require_docstrings()
    if "ax" in sys.modules:
        importlib.import_module(f"{__name__}.storage")
        return
    disabled = logging.root.manager.disable
    logging.disable(max(disabled, logging.INFO))
    try:
        importlib.import_module(f"{__name__}.storage")
    finally:
        logging.disable(disabled)
    importlib.import_module("ax.utils.common.logger").ROOT_STREAM_HANDLER.setLevel(logging.WARNING)


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOM_OF, *_ROOMS})
