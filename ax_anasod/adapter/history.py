"""Between an Ax experiment and a generator that reads the history."""

from __future__ import annotations

from ax.adapter.base import GenResults
from ax.adapter.random import RandomAdapter
from ax.core.observation import ObservationFeatures
from ax.core.optimization_config import OptimizationConfig
from ax.core.search_space import SearchSpace
from ax.generators.types import TConfig

from ax_anasod.adapter.checked import CheckedAdapter
from ax_anasod.core.history import History
from ax_anasod.generators.base import HistoryGenerator
from ax_anasod.threads import undisturbed


class HistoryAdapter(CheckedAdapter, RandomAdapter):
    """Hands a :class:`HistoryGenerator` the run so far, and its rows back as Ax parameters.

    Ax's ``RandomAdapter`` passes no data on; everything else is as there.
    """

    generator: HistoryGenerator

    def _gen(  # type: ignore[override]  # Ax orders these differently from its own base.
        self,
        n: int,
        search_space: SearchSpace,
        pending_observations: dict[str, list[ObservationFeatures]],
        fixed_features: ObservationFeatures | None,
        optimization_config: OptimizationConfig | None,
        model_gen_options: TConfig | None,
    ) -> GenResults:
        coding = self.generator.coding
        history = History.from_experiment(
            self._experiment, coding, optimization_config, pending_observations
        )
        fixed = {} if fixed_features is None else coding.partial(fixed_features.parameters)
        with undisturbed():
            rows = self.generator.propose(n, history, fixed)
        return GenResults(
            observation_features=[
                ObservationFeatures(parameters=dict(parameters))
                for parameters in coding.parameters(rows)
            ],
            weights=[1.0] * len(rows),
            gen_metadata=self.generator.metadata(),
        )
