"""Our classes in Ax's JSON storage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ax.storage.json_store.encoders import (
    experiment_to_dict,
    generation_strategy_to_dict,
    metric_to_dict,
    percentile_early_stopping_strategy_to_dict,
    range_parameter_to_dict,
    runner_to_dict,
    search_space_to_dict,
    transition_criterion_to_dict,
)
from ax.storage.json_store.registry import CORE_DECODER_REGISTRY, CORE_ENCODER_REGISTRY
from ax.storage.transform_registry import register_transform

from ax_anasod.adapter import (
    AnasodGenerators,
    BomzeRounding,
    LogObjectives,
    PrepareObservations,
    UnitHyperparameters,
)
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace, OperationParameter
from ax_anasod.core.search_experiment import SearchExperiment
from ax_anasod.early_stopping import RepeatablePercentileEarlyStoppingStrategy
from ax_anasod.generation_strategy.nodes import MinObserved, SearchStrategy
from ax_anasod.global_stopping import ExpectedImprovementStoppingStrategy, stopping_strategy_to_dict
from ax_anasod.metrics.known_quantities import KnownFunction, refuse_to_store
from ax_anasod.storage.sql import METRIC_NUMBERS, RUNNER_NUMBERS


def space_to_dict(space: AnasodSearchSpace | CellSearchSpace) -> dict[str, Any]:
    """A search space with its cell; Ax's own encoder would drop the cell."""
    cell = None if space._cell is None else space._cell.to_dict()
    return {**search_space_to_dict(space), "cell": cell}


def _as_ax_experiment(experiment: SearchExperiment) -> dict[str, Any]:
    return {**experiment_to_dict(experiment), "__type": "Experiment"}


def _as_ax_strategy(strategy: SearchStrategy) -> dict[str, Any]:
    return {**generation_strategy_to_dict(strategy), "__type": "GenerationStrategy"}


def register() -> None:
    """Add our classes to the registries that Ax's JSON storage uses by default."""
    stored: dict[type, Callable[[Any], dict[str, Any]]] = {
        OperationParameter: range_parameter_to_dict,
        AnasodSearchSpace: space_to_dict,
        CellSearchSpace: space_to_dict,
        **dict.fromkeys(RUNNER_NUMBERS, runner_to_dict),
        **dict.fromkeys(METRIC_NUMBERS, metric_to_dict),
        MinObserved: transition_criterion_to_dict,
        ExpectedImprovementStoppingStrategy: stopping_strategy_to_dict,
        RepeatablePercentileEarlyStoppingStrategy: percentile_early_stopping_strategy_to_dict,
    }
    CORE_ENCODER_REGISTRY.update(stored)
    CORE_ENCODER_REGISTRY.update(
        {
            # Stored as Ax's own; a function is not stored.
            SearchExperiment: _as_ax_experiment,
            SearchStrategy: _as_ax_strategy,
            KnownFunction: refuse_to_store,
        }
    )
    for kind in (*stored, AnasodGenerators):
        CORE_DECODER_REGISTRY[kind.__name__] = kind
    for transform in (BomzeRounding, LogObjectives, PrepareObservations, UnitHyperparameters):
        register_transform(transform)
