"""Nodes, and generation strategies of nodes, for the builders of strategies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

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
from ax_anasod.adapter import AnasodGenerators
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace, TrialKind
from ax_anasod.core.means import fail_unusable_trials
from ax_anasod.exceptions import RunError
from ax_anasod.generators import EncodingGenerator, HistoryGenerator

DRAWS: Final[dict[TrialKind, str]] = {"encoding": "anasod-random", "architecture": "random"}
"""The strategy that draws at random in each kind of search space."""


class SearchStrategy(GenerationStrategy):
    """Ax's ``GenerationStrategy``, which asks no tables for what its generators know.

    Before each proposal Ax looks up which trials have no data yet, in a table of all trials. The
    generators behind a ``HistoryAdapter`` see that in the history. It is stored as a
    ``GenerationStrategy``, and becomes a `SearchStrategy` again when it is read from a database.

    Args:
        args: Positional arguments of Ax's ``GenerationStrategy``.
        kwargs: Its other arguments.
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
        """Propose trials, as Ax's ``GenerationStrategy`` does.

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
        # Ax adds the proposals of this call.
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
    """A state that changes when a trial starts or ends, but not when one is marked failed."""
    running = experiment.trial_indices_by_status[TrialStatus.RUNNING]
    return len(experiment.trials), len(running)


def _two_threads() -> RunError:
    return RunError(
        "the experiment was used by two threads at once while a trial was being proposed",
        "Ax's Client serves one thread at a time: hold a lock around every call",
    )


def _reads_history(node: GenerationNode) -> bool:
    return all(s.generator_enum is AnasodGenerators.HISTORY for s in node.generator_specs)


class MinObserved(MinTrials):
    """Ax's ``MinTrials``, which does not count a trial whose value is NaN or infinite."""

    def num_contributing_to_threshold(
        self, experiment: Experiment, trials_from_node: set[int]
    ) -> int:
        """Count the trials, after those without a usable value have been marked failed."""
        fail_unusable_trials(experiment)
        return super().num_contributing_to_threshold(experiment, trials_from_node)


def common_arguments(
    search_space: AnasodSearchSpace | CellSearchSpace, seed: int
) -> dict[str, Any]:
    """Stored arguments that every generator takes.

    Args:
        search_space: What is searched.
        seed: The seed of the run.
    """
    arguments: dict[str, Any] = {"cell": search_space.cell.to_dict(), "seed": seed}
    if search_space.hyperparameters:
        arguments["hyperparameters"] = search_space.hyperparameters.to_dict()
    return arguments


def history_node(
    name: str,
    strategy: str,
    common: Mapping[str, Any],
    options: Mapping[str, Any],
    next_node: str | None = None,
    num_trials: int = 0,
) -> GenerationNode:
    """A node of a generator that proposes from the history of the run.

    Args:
        name: As for :func:`node`.
        strategy: Name of the strategy whose generator it is.
        common: Arguments of every generator.
        options: Its further arguments.
        next_node: As for :func:`node`.
        num_trials: Trials of the node, as for :func:`node`.
    """
    arguments = {**common, "registered_as": strategy, "options": options}
    return node(name, AnasodGenerators.HISTORY, arguments, next_node, num_trials)


def node(
    name: str,
    generator: AnasodGenerators,
    generator_kwargs: dict[str, Any],
    next_node: str | None = None,
    num_trials: int = 0,
) -> GenerationNode:
    """A node of one generator.

    Args:
        name: Its name; also the generator's key in stored trials.
        generator: Member of the registry.
        generator_kwargs: Stored arguments of the generator and its adapter.
        next_node: The node that follows once ``num_trials`` trials have data.
        num_trials: The number of these trials.
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


def draws_before(
    model: HistoryGenerator | EncodingGenerator,
    common: Mapping[str, Any],
    next_node: str,
    num_trials: int,
) -> GenerationNode:
    """A node ``"initial"`` of random draws before those of a model.

    The first draw already refuses what the model would refuse: several objectives, or a value
    that it cannot take.

    Args:
        model: The generator that follows.
        common: Arguments of every generator.
        next_node: As for :func:`node`.
        num_trials: Trials of the node, as for :func:`node`.
    """
    options = {"scope": model.scope, "above": model.above}
    if model.space == "encoding":
        options["repeat_architectures"] = model.repeat_architectures
    return history_node("initial", DRAWS[model.space], common, options, next_node, num_trials)
