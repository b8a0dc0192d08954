"""Checks that all our adapters make before anything is generated."""

from __future__ import annotations

from ax.adapter.base import Adapter
from ax.core.generator_run import GeneratorRun
from ax.core.observation import ObservationFeatures
from ax.core.optimization_config import MultiObjectiveOptimizationConfig, OptimizationConfig
from ax.core.search_space import SearchSpace
from ax.generators.types import TConfig

from ax_anasod.core import AnasodSearchSpace
from ax_anasod.core.architectures import record_architectures
from ax_anasod.core.ax_objectives import check_scope
from ax_anasod.core.ax_parameters import hyperparameters_of
from ax_anasod.core.means import fail_unusable_trials, proposed_before, warn_once
from ax_anasod.exceptions import ObjectiveWarning, OptionError
from ax_anasod.generators import EncodingGenerator, HistoryGenerator


class CheckedAdapter(Adapter):
    """Refuses what the generator would pass over, and fixed parameters that no trial can have.

    Raises:
        OptionError: The experiment has other parameters than the strategy; or it has outcome
            constraints, a sum of several metrics, or
            several objectives, and the generator (or the model that follows it) cannot
            search these.
        UnknownNameError: A name is not a parameter of the search space.
        EncodingError: A fixed count is no whole number from 0 to N.
        ArchitectureError: A fixed choice has no such value.
    """

    generator: EncodingGenerator | HistoryGenerator

    def _validate_gen_inputs(
        self,
        n: int,
        search_space: SearchSpace | None = None,
        optimization_config: OptimizationConfig | None = None,
        pending_observations: dict[str, list[ObservationFeatures]] | None = None,
        fixed_features: ObservationFeatures | None = None,
        model_gen_options: TConfig | None = None,
    ) -> None:
        self._check_space()
        super()._validate_gen_inputs(
            n,
            search_space,
            optimization_config,
            pending_observations,
            fixed_features,
            model_gen_options,
        )
        fail_unusable_trials(self._experiment)
        config = optimization_config or self._experiment.optimization_config
        check_scope(config, self.generator.scope)
        self._warn_of_thresholds(config)
        if fixed_features is not None:
            # Before Ax's transforms cut a fraction off or pass an unknown name over.
            self.generator.search_space.partial(fixed_features.parameters)
            self.generator.search_space.partial_setting(fixed_features.parameters)

    def _check_space(self) -> None:
        """Check that an experiment has the parameters of the strategy.

        Raises:
            OptionError: The parameters of the experiment and of the strategy differ.
        """
        own, space = self.generator.search_space, self._experiment.search_space
        lacking = [name for name in space.parameters if name not in own.parameters]
        unknown = [name for name in own.parameters if name not in space.parameters]
        hint = "build the strategy for the search space of the experiment"
        if lacking or unknown:
            raise OptionError(
                "the strategy was built for another search space than the experiment has: "
                f"it lacks {lacking} and has {unknown} too many",
                hint,
            )
        if not own.hyperparameters:
            return
        names = own.hyperparameters.names
        other = hyperparameters_of([space.parameters[name] for name in names])
        for mine, theirs in zip(own.hyperparameters.parameters, other.parameters, strict=True):
            if not mine.is_like(theirs):
                raise OptionError(
                    f"the strategy was built for another {mine.name!r} than the experiment has: "
                    f"{mine} is not {theirs}",
                    hint,
                )

    def _warn_of_thresholds(self, config: OptimizationConfig | None) -> None:
        if not isinstance(config, MultiObjectiveOptimizationConfig):
            return
        bounded = {name for bound in config.objective_thresholds for name in bound.metric_names}
        lacking = [name for name in config.objective.metric_names if name not in bounded]
        if bounded and lacking:
            warn_once(
                self._experiment,
                f"there is a threshold on {', '.join(sorted(bounded))} and none on "
                f"{', '.join(lacking)}: Ax's Pareto front is empty then; give all of them or none",
                ObjectiveWarning,
            )

    def gen(
        self,
        n: int,
        search_space: SearchSpace | None = None,
        optimization_config: OptimizationConfig | None = None,
        pending_observations: dict[str, list[ObservationFeatures]] | None = None,
        fixed_features: ObservationFeatures | None = None,
        model_gen_options: TConfig | None = None,
    ) -> GeneratorRun:
        """Propose, and record which architectures proposed encodings stand for."""
        run = super().gen(
            n,
            search_space,
            optimization_config,
            pending_observations,
            fixed_features,
            model_gen_options,
        )
        generator, space = self.generator, self.generator.search_space
        if isinstance(space, AnasodSearchSpace):
            before = proposed_before(pending_observations)
            repeat = generator.repeat_architectures
            record_architectures(run, self._experiment, space, generator.seed, before, repeat)
        return run
