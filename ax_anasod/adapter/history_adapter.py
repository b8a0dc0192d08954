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
from ax.core.observation import ObservationFeatures
from ax.core.optimization_config import OptimizationConfig
from ax.core.search_space import SearchSpace
from ax.generators.types import TConfig
from pandas import DataFrame

from ax_anasod.adapter.scope import CheckedAdapter
from ax_anasod.core.history_reader import HistoryReader
from ax_anasod.core.known import KnownMetric
from ax_anasod.generators.base import HistoryGenerator
from ax_anasod.threads import undisturbed


class HistoryAdapter(CheckedAdapter, RandomAdapter):
    """Hands a :class:`HistoryGenerator` the run so far, and its rows back as Ax parameters.

    Ax's ``RandomAdapter`` passes no data on, but makes tables of all of it before each trial.
    Here these are made when somebody asks for them; everything else is as there.
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
        history = self._reader.read(
            self._experiment,
            optimization_config,
            pending_observations,
            with_values=self.generator.reads_values,
            # Draws read no values, but need not break what is known of them.
            with_limits=self.generator.scope in ("any", "limits"),
        )
        if self.generator.known:
            metrics = self._experiment.metrics
            found = {name: metrics.get(name) for name in self.generator.known}
            known = {n: m for n, m in found.items() if isinstance(m, KnownMetric)}
            history = replace(history, features=known)
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
