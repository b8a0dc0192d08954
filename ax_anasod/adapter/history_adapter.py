"""Between an Ax experiment and a generator that reads the history."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
from ax.adapter.base import GenResults
from ax.adapter.random import RandomAdapter
from ax.core.data import Data
from ax.core.data_utils import ExperimentData, extract_experiment_data
from ax.core.experiment import Experiment
from ax.core.observation import ObservationData, ObservationFeatures
from ax.core.optimization_config import OptimizationConfig
from ax.core.search_space import SearchSpace
from ax.generators.types import TConfig
from pandas import DataFrame

from ax_anasod.adapter.scope import CheckedAdapter
from ax_anasod.core import History, KnownMetric
from ax_anasod.core.history_reader import HistoryReader
from ax_anasod.exceptions import ObservationError
from ax_anasod.generators.base import HistoryGenerator
from ax_anasod.threads import undisturbed
from ax_anasod.typing import Codes, Values


class HistoryAdapter(CheckedAdapter, RandomAdapter):
    """Hands a :class:`HistoryGenerator` the run so far, and its rows back as Ax parameters.

    Ax's ``RandomAdapter`` passes no data on, but makes tables of all of it before each trial.
    Here they are made on demand; everything else is as there.
    """

    generator: HistoryGenerator

    @cached_property
    def _reader(self) -> HistoryReader:
        return HistoryReader(self.generator.search_space)

    def _process_and_transform_data(
        self, experiment: Experiment, data: Data | None = None
    ) -> tuple[ExperimentData, SearchSpace]:
        if self._search_space != experiment.search_space:
            self._set_search_space(experiment.search_space)
        return ExperimentData(arm_data=DataFrame(), observation_data=DataFrame()), self._model_space

    def get_training_data(self, filter_in_design: bool = False) -> ExperimentData:
        """The trials with data, as Ax's adapters give them."""
        self._training_data = extract_experiment_data(self._experiment, self._data_loader_config)
        self._training_in_design_idx = self._compute_in_design(
            self._model_space, self._training_data
        )
        return super().get_training_data(filter_in_design)

    def _gen(  # type: ignore[override]  # Ax orders these differently from its own base.
        self,
        n: int,
        search_space: SearchSpace,
        pending_observations: dict[str, list[ObservationFeatures]],
        fixed_features: ObservationFeatures | None,
        optimization_config: OptimizationConfig | None,
        model_gen_options: TConfig | None,
    ) -> GenResults:
        space = self.generator.search_space
        history = self._history(optimization_config, pending_observations)
        given = {} if fixed_features is None else fixed_features.parameters
        fixed, numbers = space.partial(given), space.partial_setting(given)
        with undisturbed():
            if space.hyperparameters:
                rows, settings = self.generator.propose_jointly(n, history, fixed, numbers)
            else:
                rows = self.generator.propose(n, history, fixed)
                settings = np.empty((len(rows), 0))
        return GenResults(
            observation_features=[
                ObservationFeatures(parameters=dict(parameters))
                for parameters in space.arms(rows, settings)
            ],
            weights=[1.0] * len(rows),
            gen_metadata=self.generator.metadata(),
        )

    def _history(
        self,
        optimization_config: OptimizationConfig | None = None,
        pending: dict[str, list[ObservationFeatures]] | None = None,
    ) -> History:
        """The run so far."""
        history = self._reader.read(
            self._experiment,
            optimization_config,
            pending,
            with_values=self.generator.reads_values,
            # Random draws read no values, but they must keep limits on known quantities.
            with_limits=self.generator.scope in ("any", "limits"),
        )
        if self.generator.known:
            metrics = self._experiment.metrics
            found = {name: metrics.get(name) for name in self.generator.known}
            known = {n: m for n, m in found.items() if isinstance(m, KnownMetric)}
            history = replace(history, features=known)
        return history

    @property
    def metric_signatures(self) -> set[str]:
        """The objectives, where the generator predicts them."""
        return set(self._signatures(self._history())) if self.can_predict else set()

    def predict_rows(self, rows: Codes) -> dict[str, tuple[Values, Values]]:
        """The predictions of the surrogate for many rows at once.

        Args:
            rows: Integer rows ``n x d``.

        Returns:
            Signature of each objective -> means and variances ``n``, in its own units.
        """
        return self._predicted(self._history(), rows)

    def _predicted(self, history: History, rows: Codes) -> dict[str, tuple[Values, Values]]:
        if not history.observed.any():
            raise ObservationError("no trial has a value of every objective yet")
        with undisturbed():
            means, variances = self.generator.predict(history, rows)
        signs = [sign for _, sign in history.objectives]
        columns = zip(signs, means.T, variances.T, strict=True)
        predicted = [(sign * mean, variance) for sign, mean, variance in columns]
        return dict(zip(self._signatures(history), predicted, strict=True))

    def _signatures(self, history: History) -> list[str]:
        metrics = self._experiment.metrics
        return [metrics[name].signature for name, _ in history.objectives]

    def _predict(
        self,
        observation_features: list[ObservationFeatures],
        use_posterior_predictive: bool = False,
    ) -> list[ObservationData]:
        return self._told(self._history(), observation_features)

    def _cross_validate(
        self,
        search_space: SearchSpace,
        cv_training_data: ExperimentData,
        cv_test_points: list[ObservationFeatures],
        use_posterior_predictive: bool = False,
    ) -> list[ObservationData]:
        """Predictions of points from a part of the trials; failed ones count in no part."""
        history = self._history()
        observations = cv_training_data.convert_to_list_of_observations()
        space = self.generator.search_space
        signed = zip(self._signatures(history), history.objectives, strict=True)
        columns = [
            [sign * o.data.means_dict.get(signature, np.nan) for o in observations]
            for signature, (_, sign) in signed
        ]
        values = np.array(columns).T.reshape(len(observations), len(columns))
        part = replace(
            history,
            rows=space.rows([o.features.parameters for o in observations]),
            values=values,
            trial_indices=np.array([o.features.trial_index for o in observations]),
            failed=np.zeros(len(observations), dtype=np.bool_),
            limits=(),
            limit_values=(),
            settings=np.empty((len(observations), 0)),
        )
        return self._told(part, cv_test_points)

    def _told(self, history: History, features: list[ObservationFeatures]) -> list[ObservationData]:
        """Predictions as Ax has them, one for each point."""
        rows = self.generator.search_space.rows([point.parameters for point in features])
        predicted = self._predicted(history, rows)
        means = np.stack([mean for mean, _ in predicted.values()], axis=1)
        variances = np.stack([variance for _, variance in predicted.values()], axis=1)
        return [
            ObservationData([*predicted], mean, np.diag(variance))
            for mean, variance in zip(means, variances, strict=True)
        ]
