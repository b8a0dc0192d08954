"""The transforms of encodings and errors on their way to the surrogate."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from ax.adapter.base import Adapter
from ax.adapter.transforms.base import Transform
from ax.adapter.transforms.log_y import LogY
from ax.core.arm import Arm
from ax.core.data_utils import ExperimentData
from ax.core.observation import ObservationFeatures
from ax.core.parameter import ChoiceParameter, ParameterType, RangeParameter
from ax.core.search_space import SearchSpace
from ax.generators.types import TConfig

from ax_anasod._ax import experiment_behind, objectives_behind, transform_config
from ax_anasod.core.ax_objectives import check_scope, limits_of, objective_signs
from ax_anasod.core.history import impute_worst
from ax_anasod.core.means import Key, as_stored, failed_arms, told_before_failure, warn_once
from ax_anasod.exceptions import ObservationError, ObservationWarning
from ax_anasod.generators.targets import has_logarithm, lift_zeros
from ax_anasod.hyperparameters import Hyperparameters, Range
from ax_anasod.objectives import Limit
from ax_anasod.simplex import bomze_round
from ax_anasod.typing import Values


class BomzeRounding(Transform):
    """Counts to fractions on the way in, the nearest encoding on the way out (Eq. 1).

    Config:
        names: The parameters of the operations, in order.
        total: N.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names: list[str] = list(self.config["names"])  # type: ignore[arg-type]
        self.total = int(self.config["total"])  # type: ignore[arg-type]

    def transform_search_space(self, search_space: SearchSpace) -> SearchSpace:
        """The unit cube: the adapter drops the constraint in the model's space anyway."""
        others = [p for name, p in search_space.parameters.items() if name not in self.names]
        return SearchSpace([*map(unit_range, self.names), *others])

    def transform_observation_features(
        self, observation_features: list[ObservationFeatures]
    ) -> list[ObservationFeatures]:
        """Counts to fractions; fixed features may hold some of the counts only."""
        for features in observation_features:
            for name in self.names:
                if name in features.parameters:
                    features.parameters[name] = float(features.parameters[name]) / self.total  # type: ignore[arg-type]
        return observation_features

    def untransform_observation_features(
        self, observation_features: list[ObservationFeatures]
    ) -> list[ObservationFeatures]:
        """Any point of the simplex to the nearest counts."""
        for features in observation_features:
            if all(name in features.parameters for name in self.names):
                point = np.array([features.parameters[name] for name in self.names], dtype=float)
                counts = bomze_round((self.total * point)[None, :], self.total)[0]
                features.parameters.update(zip(self.names, counts.tolist(), strict=True))
        return observation_features

    def transform_experiment_data(self, experiment_data: ExperimentData) -> ExperimentData:
        """Counts to fractions, for all trials at once."""
        columns = experiment_data.arm_data[self.names].astype(float) / self.total
        experiment_data.arm_data[self.names] = columns
        return experiment_data


class UnitHyperparameters(Transform):
    """Map the parameters beside the cell to the inputs of a model, and back.

    Ranges and ordered choices are between 0 and 1, on their scale; unordered choices are the
    places of their values; what is fixed is left out.

    Config:
        hyperparameters: ``Hyperparameters.to_dict()``; without it nothing is changed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored: Any = self.config.get("hyperparameters", {"parameters": [], "bounds": []})
        self.beside = Hyperparameters.from_dict(stored)

    def transform_search_space(self, search_space: SearchSpace) -> SearchSpace:
        """Unit ranges, and choices of whole numbers."""
        if not self.beside:
            return search_space
        own = [p for name, p in search_space.parameters.items() if name not in self.beside.names]
        others = [
            ChoiceParameter(
                column.name,
                ParameterType.INT,
                list(range(column.size or 0)),
                is_ordered=False,
                sort_values=True,
                bypass_cardinality_check=True,
            )
            if i in self.beside.unordered
            else unit_range(column.name)
            for i, column in enumerate(self.beside.columns)
        ]
        return SearchSpace([*own, *others])

    def transform_observation_features(
        self, observation_features: list[ObservationFeatures]
    ) -> list[ObservationFeatures]:
        """Values to units; fixed features may hold some of the values only."""
        for features in observation_features:
            given = {name: features.parameters.pop(name, None) for name in self.beside.names}
            for column in self.beside.columns:
                value: Any = given[column.name]
                if value is not None:
                    # Ax's slices go through whole numbers in small steps.
                    known = isinstance(column, Range)
                    number = float(value) if known else column.number(value)
                    features.parameters[column.name] = float(column.unit(np.array([number]))[0])
        return observation_features

    def untransform_observation_features(
        self, observation_features: list[ObservationFeatures]
    ) -> list[ObservationFeatures]:
        """Units to values, and what is fixed."""
        names = self.beside.places
        for features in observation_features if self.beside else []:
            if all(name in features.parameters for name in names):
                units = np.array([[float(features.parameters[name]) for name in names]])  # type: ignore[arg-type]
                (values,) = self.beside.parameterizations(self.beside.nearest(units))
                features.parameters.update(values)
        return observation_features

    def transform_experiment_data(self, experiment_data: ExperimentData) -> ExperimentData:
        """Values to units, for all trials at once."""
        data = experiment_data.arm_data
        for column in self.beside.columns:
            numbers = np.array([column.number(value) for value in data[column.name]])
            data[column.name] = column.unit(numbers)
        fixed = [n for n in self.beside.names if n not in self.beside.places and n in data]
        if fixed:
            experiment_data = replace(experiment_data, arm_data=data.drop(columns=fixed))
        return experiment_data


def unit_range(name: str) -> RangeParameter:
    """A range from 0 to 1."""
    return RangeParameter(name, ParameterType.FLOAT, lower=0.0, upper=1.0)


def is_encoding(arm_data: pd.DataFrame, config: TConfig) -> list[bool]:
    """True for each arm whose counts are whole, not negative, and sum to N.

    Args:
        arm_data: One row for each arm.
        config: As for :class:`BomzeRounding`.
    """
    rounding = BomzeRounding(config=config)
    counts = arm_data[rounding.names].to_numpy(dtype=float)
    whole = (counts == np.rint(counts)).all(axis=1) & (counts >= 0).all(axis=1)
    within: list[bool] = (whole & (counts.sum(axis=1) == rounding.total)).tolist()
    return within


class PrepareObservations(Transform):
    """The first transform of the targets: what can be used, the same after a resume.

    - Failed and abandoned trials have the values of :func:`ax_anasod.core.history.impute_worst`.
      Values of others that are not finite are left out.
    - An error of exactly 0 is a legal result of a solved task. Where logarithms follow, it is
      replaced by half of the smallest positive value.
    - A standard error that is negative or infinite is unknown. Where only some are known, a
      warning says that the noise of the others is inferred.
    - Values are rounded as Ax rounds them when it saves (:func:`as_stored`): a fit that saw
      more decimals would differ after loading.

    Config:
        names: The parameters of a trial.
        log_targets: True if the objectives are log-transformed next, where they can be.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names: list[str] = list(self.config["names"])  # type: ignore[arg-type]
        self.log_targets = bool(self.config.get("log_targets", True))
        self.objectives = searched_of(self.adapter)

    def transform_experiment_data(self, experiment_data: ExperimentData) -> ExperimentData:
        """Apply all of the above.

        Raises:
            ObservationError: No trial has any value.
        """
        data = experiment_data.observation_data
        for metric in data["mean"].columns if len(data) else []:
            means = as_stored(data["mean", metric].to_numpy(dtype=float))
            sems = as_stored(data["sem", metric].to_numpy(dtype=float))
            sems[sems < 0] = np.nan
            if metric in self.objectives:
                self._warn_of_mixed_noise(means, sems, metric)
                if self.log_targets and has_logarithm(means):
                    means = lift_zeros(means)
            data["mean", metric], data["sem", metric] = means, sems
        if self.adapter is None:
            return experiment_data
        _check_present(data, self.objectives)
        failures = failed_arms(experiment_behind(self.adapter), self.objectives)
        # A plain search space lets arms in that are no encodings.
        arms = pd.DataFrame([arm.parameters for _, arm in failures], columns=self.names)
        within = is_encoding(arms, transform_config(self.adapter, BomzeRounding.__name__))
        failures = list(itertools.compress(failures, within))
        told = told_before_failure(experiment_behind(self.adapter), failures, self.objectives)
        limits = _all_limits(self.adapter)
        return _impute_failures(
            experiment_data, failures, self.names, self.objectives, told, limits
        )

    def _warn_of_mixed_noise(self, means: Values, sems: Values, metric: str) -> None:
        lacking = np.isnan(sems[~np.isnan(means)])
        if self.adapter is not None and lacking.any() and not lacking.all():
            warn_once(
                experiment_behind(self.adapter),
                f"some trials have a standard error of {metric} and others none (or one that is "
                "negative or infinite): the noise of the others is inferred",
                ObservationWarning,
            )


class LogObjectives(LogY):
    """Ax's ``LogY`` on those objectives and limits of the experiment that have logarithms.

    Ax wants the metrics named in the transform's configuration, which a strategy does not
    know yet when it is built. What has a negative value, or a bound that is not positive, is
    modelled as it is.

    Config:
        log_targets: False switches the transform off.
    """

    def __init__(
        self,
        search_space: SearchSpace | None = None,
        experiment_data: ExperimentData | None = None,
        adapter: Adapter | None = None,
        config: TConfig | None = None,
    ) -> None:
        super().__init__(search_space, experiment_data, adapter, config)
        if experiment_data is None or not self.config.get("log_targets", True):
            return
        data = experiment_data.observation_data
        without = {each.name for each in _all_limits(adapter) if each.sign * each.bound <= 0}
        self.metric_signatures = [
            name
            for name in searched_of(adapter)
            if ("mean", name) in data.columns
            and has_logarithm(data["mean", name].to_numpy(dtype=float))
            and name not in without
        ]


def searched_of(adapter: Adapter | None) -> dict[str, float]:
    """The signatures of the objectives and limits of an adapter -> signs that make less better.

    Raises:
        OptionError: The limits are none that can be modelled.
    """
    config = None if adapter is None else objectives_behind(adapter)
    if config is None:
        return {}
    check_scope(config, "limits")  # what it refuses has no such form
    limits, _ = limits_of(config)
    return {limit.name: limit.sign for limit in limits} | dict(objective_signs(config))


def _all_limits(adapter: Adapter | None) -> list[Limit]:
    """The limits of an adapter, and the thresholds of its objectives as limits."""
    config = None if adapter is None else objectives_behind(adapter)
    if config is None:
        return []
    limits, thresholds = limits_of(config)
    own = zip(objective_signs(config), thresholds, strict=True)
    return limits + [Limit(*signed, bound) for signed, bound in own if math.isfinite(bound)]


def _check_present(data: pd.DataFrame, objectives: Iterable[str]) -> None:
    for metric in objectives:
        if ("mean", metric) not in data.columns or data["mean", metric].isna().all():
            raise ObservationError(
                f"no trial has a value of {metric}, so that there is nothing to model",
                "complete a trial with one (attach_trial takes any encoding)",
            )


def _impute_failures(
    experiment_data: ExperimentData,
    failures: list[tuple[int, Arm]],
    names: list[str],
    objectives: dict[str, float],
    told: Mapping[tuple[Key, str], float],
    limits: list[Limit],
) -> ExperimentData:
    arms, data = experiment_data.arm_data, experiment_data.observation_data
    if not failures:
        return experiment_data
    failed = [(index, arm.name) for index, arm in failures]
    keys = pd.MultiIndex.from_tuples(failed, names=arms.index.names)
    new_arms = pd.DataFrame(
        [{**{name: arm.parameters[name] for name in names}, "metadata": {}} for _, arm in failures],
        index=keys,
    )
    new_data = pd.DataFrame(index=_at_last_step(keys, data.index), columns=data.columns)
    broken = [
        any(each.sign * told.get((key, each.name), math.nan) > each.bound for each in limits)
        for key in failed
    ]
    is_failed = np.arange(len(data) + len(failed)) >= len(data)
    is_broken = np.append(np.zeros(len(data), dtype=bool), broken)
    for kind, metric in map(tuple, data.columns):
        if kind == "mean":
            sign = objectives.get(metric, 1.0)
            known = [told.get((key, metric), math.nan) for key in failed]
            values = sign * np.append(data[kind, metric].to_numpy(dtype=float), known)
            imputed = impute_worst(values, is_failed, is_broken)
            new_data[kind, metric] = sign * imputed[len(data) :]
        else:
            new_data[kind, metric] = data[kind, metric].max() if kind == "sem" else None
    return type(experiment_data)(
        arm_data=pd.concat([arms, new_arms[arms.columns.intersection(new_arms.columns)]]),
        observation_data=pd.concat([data, new_data.astype(data.dtypes)]),
    )


def _at_last_step(keys: pd.MultiIndex, index: pd.Index[Any]) -> pd.MultiIndex:
    """The keys with the steps of learning curves, where the observations have any."""
    if index.nlevels == keys.nlevels:
        return keys
    last = index.get_level_values(-1).max()
    return pd.MultiIndex.from_tuples([(*key, last) for key in keys], names=index.names)
