"""Nodes that the builders put together."""

from __future__ import annotations

from typing import Any

from ax.adapter.registry import GeneratorRegistryBase
from ax.core.trial_status import TrialStatus
from ax.generation_strategy.generation_node import GenerationNode
from ax.generation_strategy.generator_spec import GeneratorSpec
from ax.generation_strategy.transition_criterion import MinTrials


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
            MinTrials(
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
