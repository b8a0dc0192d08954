"""The common parts of the files of trained networks, whatever the networks take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from torch import Tensor, nn

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.exceptions import AnasodError, OptionError, RunError, shown
from ax_anasod.schema import conform
from ax_anasod.training.checkpoint import read_state, write_state
from ax_anasod.typing import Codes

FORMAT: Final = "ax_anasod model"
DECODER_FORMAT: Final = "ax_anasod decoder"
VERSION: Final = 1
HINT: Final = "load_model reads what ax-anasod evaluate or save_model has written"
# More than any network has: each takes a moment to build.
_MOST_OPERATIONS: Final = 100_000
_BUILT_FROM: Final = ("cell", "codes", "config")

Module = TypeVar("Module", bound=nn.Module)
Config = TypeVar("Config")


@dataclass(frozen=True)
class Description:
    """The content of the file of any network, but for the weights; the base of each kind's.

    Its fields are those of the model, but for three that the network is built from.
    """

    cell: dict[str, Any]
    codes: list[list[int]]
    config: dict[str, Any]
    own_operations: tuple[str, ...]
    dataset: str
    metrics: dict[str, Any]

    @property
    def about(self) -> dict[str, Any]:
        """The fields of the model that its network is not built from."""
        return {name: v for name, v in vars(self).items() if name not in _BUILT_FROM}


def write_model(path: Path, file_format: str, kind: type[Description], model: Any) -> None:
    """Write the weights of a model and what else is needed to use it.

    Args:
        path: The file.
        file_format: The name of its format.
        kind: The form of its content.
        model: The model, with a network, a cell, codes and the other fields of ``kind``.

    Raises:
        CellError: The class of the cell is not registered.
        RunError: The file cannot be written, as on a full disk.
    """
    content = {
        "version": VERSION,
        "format": file_format,
        "cell": model.cell.to_dict(),
        "codes": np.asarray(model.codes).tolist(),
        "config": model.network.config.to_dict(),
    }
    for field in fields(kind):
        if field.name not in _BUILT_FROM:
            value = getattr(model, field.name)
            content[field.name] = list(value) if isinstance(value, tuple) else value
    content["metrics"] = dict(model.metrics)
    content["weights"] = {n: w.detach().cpu() for n, w in model.network.state_dict().items()}
    try:
        write_state(path, content, make_folder=True)
    except RunError as error:
        raise RunError(error.message, "make room, or choose another folder") from error


def read_model(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The content of the file of a model, and its weights.

    Raises:
        RunError: The file cannot be read, is damaged or foreign, or comes from a later version.
    """
    try:
        content = read_state(path)
    except RunError as error:
        raise RunError(error.message, HINT) from error
    if content.get("format") not in (FORMAT, DECODER_FORMAT):
        raise RunError(f"{path} is no model of this package", HINT)
    version = content.get("version")
    if type(version) is not int or version != VERSION:
        raise RunError(
            f"{path} has the version {shown(version)} of the format, not {VERSION}",
            "update ax_anasod",
        )
    weights = content.get("weights")
    if not isinstance(weights, dict) or not all(isinstance(w, Tensor) for w in weights.values()):
        raise RunError(f"{path} is damaged: it has no weights", HINT)
    return content, weights


Kind = TypeVar("Kind", bound=Description)


def read_description(
    path: Path,
    content: Mapping[str, Any],
    kind: type[Kind],
    read_config: Callable[[dict[str, Any]], Config],
    layers: Callable[[Config], int],
    operations: Mapping[str, Any] | None,
) -> tuple[Kind, Cell, Codes, Config, dict[str, Any]]:
    """Read the parts that a network is built from.

    Args:
        path: The file.
        content: The content of the file.
        kind: What such a file holds, as a dataclass.
        read_config: Makes the configuration of its ``to_dict()``.
        layers: How many cells a network of a configuration has.
        operations: The operations of the user's own that the network was built with.

    Returns:
        The content in its type, the cell, the codes, the configuration, and the operations.

    Raises:
        RunError: The file is damaged.
        OptionError: The network needs operations that were not given.
    """
    try:
        held = conform(kind, content)
    except ValueError as error:
        raise RunError(f"{path} is damaged: it {error}", HINT) from error
    given = dict(operations or {})
    missing = [name for name in held.own_operations if name not in given]
    if missing:
        raise OptionError(
            f"the model in {path} was built with own operations {shown(missing)}",
            "load_model(path, operations={name: factory, ...})",
        )
    own = {name: given[name] for name in held.own_operations}
    try:
        cell = cells.from_dict(held.cell)
        config = read_config(held.config)
        if layers(config) * cell.num_blocks > _MOST_OPERATIONS:
            raise OptionError(
                f"a network of {layers(config)} cells with {cell.num_blocks:,} operations each"
            )
        codes = cell.validate_codes(np.array(held.codes, dtype=np.int64))
    except (AnasodError, TypeError, ValueError, OverflowError) as error:
        raise RunError(f"{path} describes no network: {error}", HINT) from error
    return held, cell, codes, config, own


def with_weights(
    path: Path, weights: Mapping[str, Tensor], build: Callable[[str], Module], *, own: bool
) -> Module:
    """A network with the weights of a file, in evaluation mode.

    Args:
        path: The file.
        weights: Its weights.
        build: Makes the network on a device.
        own: Whether it has operations of the user's own.

    Raises:
        RunError: The weights are not those of the network, or there is none.
    """
    try:
        # First only what it would be: no file may have more weights made than it holds.
        shapes = {name: weight.shape for name, weight in build("meta").state_dict().items()}
        if shapes != {name: weight.shape for name, weight in weights.items()}:
            raise RuntimeError("other weights")
        network = build("cpu")
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise RunError(
            f"the weights in {path} are not those of its architecture",
            "give the operations that it was trained with" if own else HINT,
        ) from error
    except (AnasodError, TypeError, ValueError, OverflowError) as error:
        raise RunError(f"{path} describes no network: {error}", HINT) from error
    return network.eval()
