"""The task of a search by training: the networks of a cell, on a data set."""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, Self

import numpy as np

from ax_anasod import trust
from ax_anasod.cells import Cell, from_dict
from ax_anasod.exceptions import OptionError, shown
from ax_anasod.networks import Network, NetworkConfig, build_network
from ax_anasod.networks.decoder import Decoder
from ax_anasod.networks.decoder_config import DecoderConfig
from ax_anasod.objectives import Objective, find_quantity, name_list
from ax_anasod.schema import conform
from ax_anasod.settings import PositiveInt, check_value
from ax_anasod.training.costs import COSTS
from ax_anasod.training.hardware import Hardware
from ax_anasod.training.images import ImageData
from ax_anasod.training.latency import LatencyConfig
from ax_anasod.training.pairing import (
    AnyDataConfig,
    AnyNetworkConfig,
    check_pair,
    decoder_of,
    enough_memory,
    fitted_network,
    measured_on,
)
from ax_anasod.training.supervision import TrainingData
from ax_anasod.training.training import Training
from ax_anasod.training.training_config import DataConfig, SequenceConfig, TrainingConfig
from ax_anasod.typing import Codes, Counts

Layers = Literal["sampled", "repeated"]

KIND: Final = "benchmark"
"""Key of the description that says what it describes, as in that of a benchmark."""
TRAINING: Final = "training"
"""Its value for a task."""

_IDENTITY: Final = ("cell", "data", "network", "training", "operations")
# Fields of a network that follow from the data and the training.
_FITTED: Final = ("num_classes", "in_channels", "auxiliary", "vocabulary")


@dataclass(frozen=True)
class TrainingTask:
    """Everything but the architectures: from this and codes, a network and its training follow.

    Args:
        cell: The cell that is searched.
        data: The images, or the sequences.
        network: The skeleton, with the classes and channels of the images or the vocabulary of
            the sequences.
        training: How each network is trained.
        hardware: On what.
        layers: ``"sampled"``: each layer of a network is another architecture drawn from the
            trial's encoding (paper, Section 4.2); ``"repeated"``: all layers are one.
        operations: Where modules for operations of the user's own are found, as
            ``"package.module:NAME"`` of a mapping for `ax_anasod.networks.build_network`.
        minimize: Names of costs (:data:`ax_anasod.training.costs.COSTS`) that are searched beside
            the validation error, or the loss on sequences; of sequences also ``"loss"`` and the
            errors of their parts, which are then searched instead.
        costs: Names of further costs that are recorded, such as those with a limit.
        image_size: Height and width of the images in pixels, once they were read.
        latency: How latency is measured, where it is one of the costs.

    Raises:
        UnknownNameError: The kind of layers or a cost is unknown.
        OptionError: A cost is named twice, or something is for images and something else for
            sequences.
    """

    cell: Cell
    data: AnyDataConfig
    network: AnyNetworkConfig
    training: TrainingConfig
    hardware: Hardware
    layers: Layers = "sampled"
    operations: str | None = None
    minimize: tuple[str, ...] = ()
    costs: tuple[str, ...] = ()
    image_size: tuple[int, int] | None = None
    latency: LatencyConfig = field(default_factory=LatencyConfig)

    name: ClassVar[str] = TRAINING

    def __post_init__(self) -> None:
        check_value("kind of layers", self.layers, Layers)
        names = (*name_list("minimize", self.minimize), *self.costs)
        check_pair(self.data, self.network, self.training, names)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The quantities that are measured and searched, and the costs that are minimised."""
        measured = measured_on(self.data)
        searched = [o for o in measured if o.name in self.minimize] or measured[:1]
        return (*searched, *(COSTS[name].objective for name in self.minimize if name in COSTS))

    @property
    def reported(self) -> tuple[Objective, ...]:
        """The quantities that are measured but not searched, and costs that are only recorded."""
        recorded = (*measured_on(self.data), *(COSTS[name].objective for name in self.cost_names))
        searched = {objective.name for objective in self.objectives}
        return tuple(o for o in recorded if o.name not in searched)

    @property
    def cost_names(self) -> tuple[str, ...]:
        """The costs that are recorded of each network: its parameters, and what was asked for."""
        names = dict.fromkeys((*self.minimize, "parameters", *self.costs))
        return tuple(name for name in names if name in COSTS)

    @property
    def dataset(self) -> str:
        """Name of the data set."""
        return self.data.dataset

    def optimum(self, objective: str) -> None:
        """Check the name of a quantity; its optimum is unknown, since not all networks are trained.

        Raises:
            UnknownNameError: There is no quantity of this name.
        """
        find_quantity(objective, (*self.objectives, *self.reported))

    def all_values(self) -> None:
        """Return None: the values of all architectures are unknown."""

    def fitted(self, data: TrainingData) -> Self:
        """The task with what these data and the training say of a network."""
        network = fitted_network(self.network, self.training, data)
        size = data.image_size if isinstance(data, ImageData) else None
        return replace(self, network=network, image_size=size)

    def draw(self, counts: Counts, rng: np.random.Generator) -> Codes:
        """Draw the architectures of a network from an encoding.

        Source: paper, Section 4.2: "at each layer".

        Args:
            counts: ``k`` counts of the encoding.
            rng: The source of randomness.

        Returns:
            ``n x d`` codes, one a layer, or a single one where it is repeated.
        """
        return self.cell.decode(np.repeat(counts[None, :], self._architectures, axis=0), rng)

    def example(self) -> Codes:
        """The codes of some network, always the same."""
        return self.cell.sample(self._architectures, np.random.default_rng(0))

    @property
    def _architectures(self) -> int:
        return self.network.layers if self.layers == "sampled" else 1

    def build(self, codes: Codes, seed: int, device: str = "cpu") -> Network | Decoder:
        """The network of ``n x d`` codes, with first weights drawn from a seed.

        On the device ``"meta"`` it has none.

        Raises:
            AnasodError: The cell does not fit the skeleton, an operation has no module, or its
                weights do not fit the memory.
        """
        operations = find_operations(self.operations)
        with enough_memory(self.network):
            if isinstance(self.network, DecoderConfig):
                return decoder_of(self.cell, codes, self.network, operations, seed, device)
            return build_network(
                self.cell, codes, self.network, operations, seed=seed, device=device
            )

    def start(
        self,
        codes: Codes,
        data: TrainingData,
        seed: int,
        checkpoint: Path | None = None,
    ) -> Training:
        """The training of a network, which goes on from a checkpoint where there is one.

        Args:
            codes: ``n x d``, its architectures.
            data: The images or sequences.
            seed: Its weights and all random numbers of the training are derived from it.
            checkpoint: The file of its state, None where nothing is written.

        Raises:
            AnasodError: The network cannot be built, or not be trained on these images.
        """
        identity = {"codes": codes.tolist(), **self.identity()}
        del identity["training"]  # compared by `Training` itself
        return Training(
            self.build(codes, seed),
            data,
            self.training,
            seed=seed,
            hardware=self.hardware,
            checkpoint=checkpoint,
            identity=identity,
        )

    def identity(self) -> dict[str, Any]:
        """The identity of the task, as JSON-able data: another one is another training.

        Images that were moved elsewhere are the same images, and other hardware trains the same
        network.
        """
        described = json.loads(json.dumps(self.to_dict()))
        described["data"]["path"] = None
        return {name: described[name] for name in _IDENTITY}

    def digests(self) -> dict[str, str]:
        """A digest of each part of the `identity`; the same before and after `fitted`."""
        parts = self.identity()
        parts["network"] = {k: v for k, v in parts["network"].items() if k not in _FITTED}
        return {
            name: hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()[:16]
            for name, part in parts.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description, from which `from_dict` restores the task.

        One with operations of the user's own has a seal (see `ax_anasod.trust`), since these
        are imported.
        """
        description = {KIND: TRAINING, **{name: _plain(v) for name, v in vars(self).items()}}
        if self.operations is None:
            return description
        return {**description, trust.SEAL: trust.seal({"operations": self.operations})}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Self:
        """The task that `to_dict` described.

        Raises:
            OptionError: The description is of something else or damaged, or it asks to import a
                module that is not loaded and was not written by this user on this machine.
            CellError: Its cell is damaged.
            UnknownNameError: The description has an unknown option.
        """
        if description.get(KIND) != TRAINING:
            raise OptionError(f"{shown(description.get(KIND))} describes no training")
        try:
            described = conform(_Description, description)
        except ValueError as error:
            raise OptionError(f"the description of a training {error}") from error
        _check_trusted(described.operations, description.get(trust.SEAL))
        sequences = "sequences" in described.data
        parts = {
            "cell": from_dict(described.cell),
            "data": (SequenceConfig if sequences else DataConfig).from_dict(described.data),
            "network": (DecoderConfig if sequences else NetworkConfig).from_dict(described.network),
        }
        return cls(**{**vars(described), **parts})


def _plain(value: Any) -> Any:
    """A field of a task as JSON-able data."""
    if isinstance(value, tuple):
        return list(value)
    return value.to_dict() if hasattr(value, "to_dict") else value


def _check_trusted(operations: str | None, sealed: object) -> None:
    """Raise an error if a file alone asks to import a module that is not loaded yet."""
    if operations is None:
        return
    module = operations.partition(":")[0]
    if module not in sys.modules and not trust.is_trusted({"operations": operations}, sealed):
        raise OptionError(
            f"the run asks to import the module {module!r}, which can execute anything, and was "
            "not started by you on this machine",
            "if you trust it, import it yourself: ax-anasod --import MODULE ...",
        )


@dataclass(frozen=True)
class _Description:
    """The content of `TrainingTask.to_dict`; `data` tells which classes two of its parts have."""

    cell: dict[str, Any]
    data: dict[str, Any]
    network: dict[str, Any]
    training: TrainingConfig
    hardware: Hardware
    layers: Layers
    operations: str | None
    minimize: tuple[str, ...] = ()
    costs: tuple[str, ...] = ()
    image_size: tuple[PositiveInt, PositiveInt] | None = None
    latency: LatencyConfig = field(default_factory=LatencyConfig)


def find_operations(where: str | None) -> Mapping[str, Any] | None:
    """Import the operations of a user's own; see the arguments of `TrainingTask`.

    Raises:
        OptionError: The operations cannot be imported, or are no mapping to functions.
    """
    if where is None:
        return None
    module, _, name = where.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise OptionError(
            f"the operations {where!r} cannot be imported: {error}",
            "give package.module:NAME of a mapping; PYTHONPATH says where modules are found",
        ) from error
    if not isinstance(found, Mapping) or not all(map(callable, found.values())):
        raise OptionError(
            f"the operations {where!r} are {found!r}",
            "they must be a mapping from names to functions of (c_in, c_out, stride), or of a "
            "DecoderConfig",
        )
    return found
