"""What the builders put together: nodes, and strategies of nodes."""

from __future__ import annotations

from typing import Any, Final

from ax.adapter.registry import GeneratorRegistryBase
from ax.core.data import Data
from ax.core.experiment import Experiment
from ax.core.generator_run import GeneratorRun
from ax.core.observation import ObservationFeatures
from ax.core.trial_status import TrialStatus
from ax.generation_strategy.generation_node import GenerationNode
from ax.generation_strategy.generation_strategy import GenerationStrategy
from ax.generation_strategy.generator_spec import GeneratorSpec
from ax.generation_strategy.transition_criterion import MinTrials

from ax_anasod._ax import nodes_of
from ax_anasod.adapter.generator_registry import SETUPS, AnasodGenerators
from ax_anasod.adapter.history_adapter import HistoryAdapter
from ax_anasod.core import TrialKind
from ax_anasod.core.means import fail_unusable_trials
from ax_anasod.exceptions import RunError
from ax_anasod.generators import EncodingGenerator, HistoryGenerator

DRAWS: Final[dict[TrialKind, AnasodGenerators]] = {
    "encoding": AnasodGenerators.ANASOD_RANDOM,
    "architecture": AnasodGenerators.RANDOM_ARCHITECTURE,
}
"""What draws at random in each kind of search space."""


class SearchStrategy(GenerationStrategy):
    """Ax's ``GenerationStrategy``, which asks no tables for what its generators know.

    Before each proposal Ax looks up which trials have no data yet, in a table of all trials. The
    generators behind a :class:`HistoryAdapter` see that in the history. It is stored as a
    ``GenerationStrategy``; read from a database it is one of these again.

    Args:
        args: As for Ax's ``GenerationStrategy``.
        kwargs: Likewise.
    """

    _proposing = False

    def gen(
        self,
        experiment: Experiment,
        data: Data | None = None,
        n: int | None = None,
        fixed_features: ObservationFeatures | None = None,
        num_trials: int = 1,
    ) -> list[list[GeneratorRun]]:
        """Propose trials, as Ax's does.

        Raises:
            RunError: Another thread has used the experiment meanwhile.
        """
        if self._proposing:
            raise _two_threads()
        before = _state(experiment)
        self._proposing = True
        try:
            return self._gen(experiment, data, n, fixed_features, num_trials)
        except Exception as error:
            if _state(experiment) != before:
                raise _two_threads() from error
            raise
        finally:
            # Ax compares strategies by their attributes.
            del self._proposing

    def _gen(
        self,
        experiment: Experiment,
        data: Data | None,
        n: int | None,
        fixed_features: ObservationFeatures | None,
        num_trials: int,
    ) -> list[list[GeneratorRun]]:
        if not all(_reads_history(node) for node in nodes_of(self)):
            return super().gen(experiment, data, n, fixed_features, num_trials)
        self.experiment = experiment
        node = self.current_node
        limit = node.new_trial_limit(raise_generation_errors=False) if num_trials > 1 else -1
        number = max(1, num_trials if limit == -1 else min(num_trials, limit))
        # Ax adds what is proposed in this call.
        pending: dict[str, list[ObservationFeatures]] = {}
        return [
            self._gen_with_multiple_nodes(
                experiment=experiment,
                data=data,
                n=n,
                pending_observations=pending,
                fixed_features=fixed_features,
                first_generation_in_multi=i == 0,
            )
            for i in range(number)
        ]


def _state(experiment: Experiment) -> tuple[int, int]:
    """What changes with each trial that starts or ends, and not where one is marked failed."""
    running = experiment.trial_indices_by_status[TrialStatus.RUNNING]
    return len(experiment.trials), len(running)


def _two_threads() -> RunError:
    return RunError(
        "the experiment was used by two threads at once while a trial was being proposed",
        "Ax's Client serves one thread at a time: hold a lock around every call",
    )


def _reads_history(node: GenerationNode) -> bool:
    setups = [SETUPS.get(spec.generator_enum.value) for spec in node.generator_specs]
    return all(s is not None and issubclass(s.adapter_class, HistoryAdapter) for s in setups)


class MinObserved(MinTrials):
    """Ax's ``MinTrials``, which does not count a trial whose value is NaN or infinite."""

    def num_contributing_to_threshold(
        self, experiment: Experiment, trials_from_node: set[int]
    ) -> int:
        """How many trials count, after those without a usable value have been marked failed."""
        fail_unusable_trials(experiment)
        return super().num_contributing_to_threshold(experiment, trials_from_node)


def node(
    name: str,
    generator: GeneratorRegistryBase,
    generator_kwargs: dict[str, Any],
    next_node: str | None = None,
    num_trials: int = 0,
) -> GenerationNode:
    """A node of one generator.

    Args:
        name: Its name; also the generator's key in stored trials.
        generator: Member of the registry.
        generator_kwargs: Stored arguments of the generator and its adapter.
        next_node: Where to go once ``num_trials`` trials have data.
        num_trials: How many.
    """
    # Only trials with data count: a model cannot be fitted to trials that are running or
    # have failed. While workers wait for the last of them, the node keeps drawing, so that
    # none of them idles.
    criteria = (
        [
            MinObserved(
                threshold=num_trials,
                transition_to=next_node,
                count_only_trials_with_data=True,
                not_in_statuses=[TrialStatus.FAILED, TrialStatus.ABANDONED],
                use_all_trials_in_exp=True,
            )
        ]
        if next_node is not None
        else []
    )
    return GenerationNode(
        name=name,
        generator_specs=[
            GeneratorSpec(
                generator_enum=generator,
                generator_kwargs=generator_kwargs,
                generator_key_override=name,
            )
        ],
        transition_criteria=criteria,
        # Repeats of an encoding are further observations of it; Ax would stop the run
        # once a space of 210 encodings offers nothing new.
        should_deduplicate=False,
    )


def draws_then_model(
    name: str,
    member: GeneratorRegistryBase,
    arguments: dict[str, Any],
    model: HistoryGenerator | EncodingGenerator,
    num_initial: int,
) -> GenerationStrategy:
    """Random draws in a node ``"initial"``, then the generator the strategy is named after.

    What the generator would refuse (several objectives, a value that it cannot take) is refused
    at the first draw, not after all of them.

    Args:
        name: Name of the strategy.
        member: Member of the registry for the generator.
        arguments: Stored arguments of the generator and its adapter.
        model: The generator.
        num_initial: Trials with data before it.
    """
    draws = {
        "cell": arguments["cell"],
        "seed": arguments["seed"],
        "scope": model.scope,
        "above": model.above,
    }
    if "hyperparameters" in arguments:
        draws["hyperparameters"] = arguments["hyperparameters"]
    if model.space == "encoding":
        draws["repeat_architectures"] = model.repeat_architectures
    return SearchStrategy(
        name=name,
        nodes=[
            node("initial", DRAWS[model.space], draws, next_node=name, num_trials=num_initial),
            node(name, member, arguments),
        ],
    )
