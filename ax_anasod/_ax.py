"""The seams: what we use of Ax and BoTorch beside their public names, each with its reason.

Nothing else in this package reads a private attribute of their objects, so that a release of
theirs which changes one fails in ``tests/test_ax_seams.py``, by name. What our subclasses
override or inherit is listed in that test, too.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeVar

from ax.core.experiment import Experiment
from ax.generation_strategy.generation_strategy import GenerationStrategy
from ax.utils.common.base import Base

from ax_anasod.exceptions import OptionError

if TYPE_CHECKING:
    from ax.adapter.base import Adapter
    from ax.api.client import Client
    from ax.core.data import Data, DataRow
    from ax.core.generator_run import GeneratorRun
    from ax.core.optimization_config import OptimizationConfig
    from ax.core.search_space import SearchSpace
    from ax.generation_strategy.generation_node import GenerationNode
    from ax.generators.types import TConfig
    from ax.storage.registry_bundle import RegistryBundle
    from ax.storage.sqa_store.decoder import Decoder
    from ax.storage.sqa_store.encoder import Encoder

Copied = TypeVar("Copied", bound=Base)

# Clients


def experiment_of(client: object) -> Experiment:
    """The experiment of what Ax calls a client: ``Client`` has no public way to it.

    Args:
        client: Ax's ``Client``, ``AxClient``, ``Orchestrator`` or ``Experiment``.

    Raises:
        OptionError: The client has no experiment.
    """
    try:
        found = client if isinstance(client, Experiment) else getattr(client, "_experiment", None)
        if found is None:
            found = getattr(client, "experiment", None)
    except AssertionError as error:  # A Client without one asserts.
        raise OptionError(f"{client!r} has no experiment yet") from error
    if not isinstance(found, Experiment):
        raise OptionError(f"a Client, AxClient or Experiment is needed, got {client!r}")
    return found


def strategy_of(client: object) -> GenerationStrategy:
    """The strategy of a client, which ``Client`` does not show publicly.

    Args:
        client: Ax's ``Client``, ``AxClient`` or ``Orchestrator``.

    Raises:
        OptionError: The client has no strategy (yet).
    """
    # `Client` has the first; its second one fails where there is no strategy.
    names = ("_maybe_generation_strategy", "_generation_strategy", "generation_strategy")
    strategy = next((getattr(client, name) for name in names if hasattr(client, name)), None)
    if isinstance(strategy, GenerationStrategy):
        return strategy
    raise OptionError(f"a Client or AxClient with a strategy is needed, got {client!r}")


def save_trial(client: Any, trial_index: int) -> None:
    """Write a trial to the database of a client, where it has one.

    ``Client.attach_trial`` does so, but takes no run metadata.

    Args:
        client: Ax's ``Client`` or ``AxClient``.
        trial_index: The index of the trial.
    """
    experiment = experiment_of(client)
    client._save_or_update_trial_in_db_if_possible(experiment, experiment.trials[trial_index])


def is_stored(client: Client, name: str) -> bool:
    """Return True if the database of a client has an experiment of a name; Ax has no such query."""
    return client._get_experiment_and_generation_strategy_db_id(name)[0] is not None


# Experiments and trials


def properties_of(experiment: Experiment) -> dict[str, Any]:
    """The properties that Ax stores with an experiment for its owner, to read and to write in.

    The constructor takes them, and nothing public gives them back.
    """
    properties: dict[str, Any] = experiment._properties
    return properties


def set_search_space(experiment: Experiment, search_space: SearchSpace) -> None:
    """Give an experiment that was read from a database its search space as our class.

    Ax's setter refuses any change once there are trials.
    """
    experiment._search_space = search_space


def data_rows(data: Data) -> list[DataRow]:
    """The rows of data as objects, the same ones each time; public are tables made of them.

    Making the tables takes time that grows with the run, for each trial.
    """
    rows: list[DataRow] = data._data_rows
    return rows


def origin_of(run: GeneratorRun) -> tuple[str, str]:
    """The names of the node and of the generator that proposed a trial, empty where unknown."""
    return run._generation_node_name or "", run._generator_key or ""


def set_candidate_metadata(run: GeneratorRun, metadata: dict[str, Any]) -> None:
    """Set what is stored with each arm of a proposal, by signature: its property is read-only."""
    run._candidate_metadata_by_arm_signature = metadata


# Database identities


def without_identity(original: Copied) -> Copied:
    """A copy that a database takes for another object.

    Ax's own ``clone`` gives a parameter of Ax's class, and parses a constraint again.

    Args:
        original: A parameter or a constraint.
    """
    copied = copy.copy(original)
    copied._db_id = None
    return copied


def take_identity(own: Base, loaded: Base) -> None:
    """Give our object the key of the one that was loaded, or the next save would write it twice."""
    own._db_id = loaded._db_id


def set_decoder(bundle: RegistryBundle, decoder: Decoder) -> None:
    """Set the decoder with which Ax reads databases, which a bundle's arguments cannot name."""
    bundle._decoder = decoder


def set_encoder(bundle: RegistryBundle, encoder: Encoder) -> None:
    """Set the encoder with which Ax writes databases, which a bundle's arguments cannot name."""
    bundle._encoder = encoder


# Strategies and adapters


def nodes_of(strategy: GenerationStrategy) -> list[GenerationNode]:
    """The nodes of a strategy in their order; public is a mapping of names."""
    nodes: list[GenerationNode] = strategy._nodes
    return nodes


def experiment_behind(adapter: Adapter) -> Experiment:
    """The experiment that an adapter is fitted to, for a transform, which is given no other way."""
    experiment: Experiment = adapter._experiment
    return experiment


def objectives_behind(adapter: Adapter) -> OptimizationConfig | None:
    """The objectives of an adapter; those of the experiment may have been replaced for a call."""
    config: OptimizationConfig | None = adapter._optimization_config
    return config


def transform_config(adapter: Adapter, name: str) -> TConfig:
    """The configuration of one of an adapter's transforms, for another transform."""
    config: TConfig = adapter._transform_configs[name]
    return config


def without_native_logei() -> None:
    """Keep BoTorch from compiling a C++ kernel at the first use of several objectives.

    That is minutes of waiting, needs a compiler, and gives other values than a machine without
    one, on which a run could then not be continued exactly. There is no option to leave it out.
    """
    from botorch.acquisition.multi_objective import logei

    logei._load_attempted = True
