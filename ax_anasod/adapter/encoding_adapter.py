"""Between an Ax experiment and Bayesian optimisation on encodings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from ax.adapter.base import GenResults
from ax.adapter.torch import TorchAdapter
from ax.adapter.transforms.base import Transform
from ax.adapter.transforms.cast import Cast
from ax.adapter.transforms.standardize_y import StandardizeY
from ax.core.arm import Arm
from ax.core.data_utils import ExperimentData
from ax.core.observation import ObservationData, ObservationFeatures
from ax.core.optimization_config import OptimizationConfig
from ax.core.outcome_constraint import OutcomeConstraint
from ax.core.search_space import SearchSpace
from ax.generators.types import TConfig
from ax.utils.common.constants import Keys
from botorch.utils.multi_objective.hypervolume import infer_reference_point
from botorch.utils.multi_objective.pareto import is_non_dominated

from ax_anasod.adapter.scope import CheckedAdapter
from ax_anasod.adapter.transforms import BomzeRounding, LogObjectives, is_encoding, searched_of
from ax_anasod.core.ax_objectives import objective_signs
from ax_anasod.core.history import History
from ax_anasod.core.history_reader import HistoryReader
from ax_anasod.core.means import failed_arms, proposed_before
from ax_anasod.exceptions import ObservationError
from ax_anasod.generators.encoding_generator import EncodingGenerator
from ax_anasod.generators.encoding_goal import EncodingGoal
from ax_anasod.metadata import BETA
from ax_anasod.surrogates.hypervolume import Scale
from ax_anasod.threads import undisturbed


class EncodingAdapter(CheckedAdapter, TorchAdapter):
    """Ax's ``TorchAdapter``, which also tells the acquisition where the run stands.

    From the experiment it derives the position of the next trial (for its random numbers),
    the trials so far, the incumbent, and beta of the trust region; and it takes the abandoned
    trials off the pending ones: they are in the training data already, as failures.
    """

    generator: EncodingGenerator

    @cached_property
    def _reader(self) -> HistoryReader:
        return HistoryReader(self.generator.search_space)

    _cross_validate = undisturbed()(TorchAdapter._cross_validate)
    feature_importances = undisturbed()(TorchAdapter.feature_importances)

    @undisturbed()
    def _fit(
        self, search_space: SearchSpace, experiment_data: ExperimentData, **kwargs: Any
    ) -> None:
        super()._fit(search_space, experiment_data, **kwargs)

    def _gen(  # type: ignore[override]  # Ax orders these differently from its own base.
        self,
        n: int,
        search_space: SearchSpace,
        pending_observations: dict[str, list[ObservationFeatures]],
        fixed_features: ObservationFeatures | None,
        model_gen_options: TConfig | None = None,
        optimization_config: OptimizationConfig | None = None,
    ) -> GenResults:
        names, total = self.generator.search_space.names, self.generator.cell.total
        history = self._say_goal()
        # The transforms have turned the counts of pending encodings into fractions.
        proposed = proposed_before(pending_observations)
        fractions = np.array([[p[name] for name in names] for p in proposed], dtype=float)
        before = np.rint(total * fractions).astype(np.int64)
        trials = np.concatenate([history.rows, before.reshape(len(proposed), len(names))])
        beside = self.generator.hyperparameters
        units = np.array([[p[name] for name in beside.places] for p in proposed], dtype=float)
        settings = beside.nearest(units.reshape(len(proposed), len(beside.columns)))
        order = np.argsort(history.imputed()[1], kind="stable")
        beta = self._beta(history)
        incumbent = history.incumbent() if _is_plain(history) else None
        with undisturbed():
            result = super()._gen(
                n=n,
                search_space=search_space,
                pending_observations=self._still_pending(pending_observations),
                fixed_features=fixed_features,
                model_gen_options={
                    **(model_gen_options or {}),
                    Keys.OPTIMIZER_KWARGS.value: {
                        "position": history.position + len(proposed),
                        "beta": beta,
                        "incumbent": None if incumbent is None else incumbent.tolist(),
                        "trials": trials,
                        "settings": np.concatenate([history.settings, settings]),
                        "best_settings": history.settings[history.ended][order],
                    },
                },
                optimization_config=optimization_config,
            )
        result.gen_metadata[BETA] = beta
        return result

    @undisturbed()
    def evaluate_acquisition_function(self, *args: Any, **kwargs: Any) -> list[float]:
        """Acquisition values; the arguments are those of Ax."""
        self._say_goal()
        return super().evaluate_acquisition_function(*args, **kwargs)

    def _say_goal(self) -> History:
        """Set the goal of the generator, and return the run so far."""
        history = self._reader.read(
            self._experiment, self._experiment.optimization_config, with_limits=True
        )
        goal = None
        if not _is_plain(history):
            names = [name for name, _ in history.objectives]
            names += [limit.name for limit in history.limits]
            goal = EncodingGoal(history, {name: self._scale(name) for name in names})
        self.generator.search_for(goal)
        return history

    def _scale(self, metric: str) -> Scale:
        """The scale of an outcome of the model, from targets to the users' units."""
        logarithm = self.transforms[LogObjectives.__name__]
        standardize = self.transforms[StandardizeY.__name__]
        assert isinstance(logarithm, LogObjectives)
        assert isinstance(standardize, StandardizeY)
        return Scale(
            link="log" if metric in logarithm.metric_signatures else "identity",
            unit=1.0,
            location=standardize.Ymean[metric],
            width=standardize.Ystd[metric],
        )

    @undisturbed()
    def infer_objective_thresholds(
        self,
        search_space: SearchSpace | None = None,
        optimization_config: OptimizationConfig | None = None,
        fixed_features: ObservationFeatures | None = None,
    ) -> list[Any]:
        """The worst values, of each objective, that Ax's Pareto fronts may have.

        As in Ax, behind the worst of the front by a tenth of its range, but in the objectives'
        own units, where Ax compares them: a bound on the logarithm may lie in front of the
        predicted mean of the value, and leave the front empty. It covers the front of the
        predictions and that of the observations.

        Args:
            search_space: Not used.
            optimization_config: What is searched.
            fixed_features: Not used.

        Returns:
            Ax's ``OutcomeConstraint`` of each objective.
        """
        config = optimization_config or self._optimization_config
        objectives = [] if config is None else objective_signs(config)
        observations = self.get_training_data(
            filter_in_design=True
        ).convert_to_list_of_observations()
        predictions = self._predict_observation_data([o.features for o in observations])
        fronts = []
        for data in (predictions, [o.data for o in observations]):
            values = [
                [-sign * d.means_dict.get(name, math.nan) for name, sign in objectives]
                for d in data
            ]
            Y = torch.tensor(values, dtype=torch.float64)  # maximised
            Y = Y[~Y.isnan().any(dim=1)]
            if len(Y):
                fronts.append(infer_reference_point(Y[is_non_dominated(Y)]))
        if not fronts:
            raise ObservationError("no trial has a value of every objective, so there is no front")
        bounds = torch.stack(fronts).min(dim=0).values.tolist()
        metrics = self._experiment.signature_to_metric
        return [
            OutcomeConstraint(
                expression=f"{metrics[name].name} {'<=' if sign > 0 else '>='} {-sign * bound!r}",
                metric_name_to_signature={metrics[name].name: name},
            )
            for (name, sign), bound in zip(objectives, bounds, strict=True)
        ]

    @undisturbed()
    def _predict_observation_data(
        self,
        observation_features: list[ObservationFeatures],
        use_posterior_predictive: bool = False,
        untransform: bool = True,
    ) -> list[ObservationData]:
        # Ax's slices and contours change one or two counts and leave the others as they are,
        # where no architecture is: they show the point with the same proportions. Ax's Client
        # predicts for members of the search space only.
        config = self._transform_configs[BomzeRounding.__name__]
        points = [_on_simplex(features, config) for features in observation_features]
        predicted = super()._predict_observation_data(points, use_posterior_predictive, untransform)
        for data in predicted if untransform else []:
            # An outcome that is constant over all trials is predicted as exactly that constant.
            means = zip(data.metric_signatures, data.means, strict=True)
            data.means = np.array([self._constants.get(name, mean) for name, mean in means])
        return predicted

    def _transform_data(
        self,
        experiment_data: ExperimentData,
        search_space: SearchSpace,
        transforms: Sequence[type[Transform]] | None,
        transform_configs: Mapping[str, TConfig],
        assign_transforms: bool = True,
    ) -> tuple[ExperimentData, SearchSpace]:
        # BomzeRounding takes counts of any numeric type and gives integers back: Ax's Cast
        # would convert every trial of the run once more at each step.
        kept = None if transforms is None else [t for t in transforms if t is not Cast]
        return super()._transform_data(
            experiment_data, search_space, kept, transform_configs, assign_transforms
        )

    def _set_and_filter_training_data(
        self, experiment_data: ExperimentData, search_space: SearchSpace
    ) -> ExperimentData:
        # What was reported of a trial that counts as failed is nothing to learn from.
        experiment_data = _without(
            failed_arms(self._experiment, searched_of(self)), experiment_data
        )
        if not self._fit_tracking_metrics:
            # What is only reported has no model, which Ax's cross-validation would look for.
            searched = {self._experiment.metrics[name].signature for name in self.outcomes}
            values = experiment_data.observation_data
            kept = [
                column
                for column in values.columns
                if column[0] == "metadata" or column[1] in searched
            ]
            if len(kept) < len(values.columns):
                experiment_data = replace(experiment_data, observation_data=values[kept])
        observed = experiment_data.observation_data
        self._constants = {
            column[1]: float(observed[column].dropna().iloc[0])
            for column in observed.columns
            if column[0] == "mean" and observed[column].nunique() == 1 < observed[column].count()
        }
        return super()._set_and_filter_training_data(experiment_data, search_space)

    def _compute_in_design(
        self, search_space: SearchSpace, experiment_data: ExperimentData
    ) -> list[bool]:
        # Our search space refuses arms that are no encodings, a plain one lets them in. Ax
        # would transform and check each of them by itself.
        return is_encoding(
            experiment_data.arm_data, self._transform_configs[BomzeRounding.__name__]
        )

    def _beta(self, history: History) -> float:
        """Beta after all trials so far; 0 (uniform) for a front, and under limits."""
        if not _is_plain(history):
            return 0.0
        # The region starts after the random trials: their best is what is to be beaten.
        values = history.since(self.generator.num_initial)
        return self.generator.trust_region.replay(values.tolist())

    def _still_pending(
        self, pending: dict[str, list[ObservationFeatures]]
    ) -> dict[str, list[ObservationFeatures]]:
        trials = self._experiment.trials
        return {
            metric: [
                f
                for f in features
                if f.trial_index is None or not trials[int(f.trial_index)].status.is_abandoned
            ]
            for metric, features in pending.items()
        }


def _is_plain(history: History) -> bool:
    """Return True if the search is for the best value of one objective without limits."""
    return history.values.shape[1] == 1 and not history.limits


def _without(failures: list[tuple[int, Arm]], experiment_data: ExperimentData) -> ExperimentData:
    """The data without what was reported of failed arms."""
    failed = {(index, arm.name) for index, arm in failures}
    arms, data = experiment_data.arm_data, experiment_data.observation_data
    if not failed.intersection(row[:2] for row in arms.index):
        return experiment_data
    return replace(
        experiment_data,
        arm_data=arms[[row[:2] not in failed for row in arms.index]],
        observation_data=data[[row[:2] not in failed for row in data.index]].copy(),
    )


def _on_simplex(features: ObservationFeatures, config: TConfig) -> ObservationFeatures:
    """The point with the same proportions whose counts sum to N; uniform where all are 0.

    Args:
        features: Any counts that are not negative; what lacks some of them stays as it is.
        config: As for :class:`BomzeRounding`.
    """
    rounding = BomzeRounding(config=config)
    counts = {n: float(v) for n, v in features.parameters.items() if n in rounding.names}  # type: ignore[arg-type]
    if len(counts) < len(rounding.names) or sum(counts.values()) == rounding.total:
        return features
    total = sum(counts.values())
    scaled = {
        name: rounding.total * (count / total if total else 1 / len(counts))
        for name, count in counts.items()
    }
    return features.clone(replace_parameters={**features.parameters, **scaled})
