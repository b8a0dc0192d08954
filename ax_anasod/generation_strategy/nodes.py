"""Nodes that the builders put together."""

from __future__ import annotations

from typing import Any

from ax.adapter.registry import GeneratorRegistryBase
from ax.core.experiment import Experiment
from ax.core.trial_status import TrialStatus
from ax.generation_strategy.generation_node import GenerationNode
from ax.generation_strategy.generation_strategy import GenerationStrategy
from ax.generation_strategy.generator_spec import GeneratorSpec
from ax.generation_strategy.transition_criterion import MinTrials

from ax_anasod.core.history import fail_unusable_trials
from ax_anasod.core.objectives import Scope


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
    draws: GeneratorRegistryBase,
    model: GeneratorRegistryBase,
    arguments: dict[str, Any],
    num_initial: int,
    scope: Scope = "one",
) -> GenerationStrategy:
    """Random draws in a node ``"initial"``, then the generator the strategy is named after.

    Args:
        name: Name of the strategy.
        draws: Member of the registry for the random draws.
        model: Member of the registry for what follows.
        arguments: Stored arguments of the model, ``cell`` and ``seed`` among them.
        num_initial: Trials with data before the model.
        scope: The objectives that the model can search: others are refused at the first
            draw, not after all of them.
    """
    common = {"cell": arguments["cell"], "seed": arguments["seed"], "scope": scope}
    if "repeat_architectures" in arguments:
        common["repeat_architectures"] = arguments["repeat_architectures"]
    return GenerationStrategy(
        name=name,
        nodes=[
            node("initial", draws, common, next_node=name, num_trials=num_initial),
            node(name, model, arguments),
        ],
    )
