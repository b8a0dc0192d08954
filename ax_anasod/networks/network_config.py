"""The shape of a network around its cells.

The command line reads the fields of :class:`NetworkConfig`, so that cells, and numpy with them,
are imported only where they are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from annotated_types import Ge, Le

from ax_anasod.exceptions import OptionError
from ax_anasod.settings import Configuration, ProperFraction, checked

if TYPE_CHECKING:
    from ax_anasod.cells import Cell

NASNET: Final = "nasnet"
NAS_BENCH_201: Final = "nas-bench-201"
Skeleton = Literal["nasnet", "nas-bench-201"]

# Both skeletons halve the images twice, and the second one has equally long stages.
_STAGES: Final = 3


@checked
@dataclass(frozen=True)
class NetworkConfig(Configuration):
    """The skeleton of a network and its sizes; JSON-able through `to_dict`.

    The defaults are those of the paper's open-domain experiments (Appendix A.2).

    Args:
        skeleton: ``nasnet`` (DARTS and the paper's open domain) or ``nas-bench-201``.
        channels: Channels of the operations before the first reduction; each of the two
            reductions doubles them.
        cells: Cells of the whole network, its layers. The skeleton ``nas-bench-201`` has three
            equally long stages (published: 15, five a stage).
        num_classes: Number of logits.
        in_channels: Channels of the images.
        auxiliary: Whether there is an auxiliary tower at two thirds of the depth.
        drop_path: Probability, in [0, 1), with which a path is dropped from the start;
            `Network.set_drop_path` changes it.

    Raises:
        UnknownNameError: If there is no such skeleton.
        OptionError: If a number is out of range.

    Example:
        >>> config = NetworkConfig(channels=8, cells=6)
        >>> NetworkConfig.from_dict(config.to_dict()) == config
        True
    """

    # Less and more than any network has that is trained.
    skeleton: Skeleton = NASNET
    channels: Annotated[int, Ge(1), Le(10**5)] = 36
    cells: Annotated[int, Ge(_STAGES), Le(1000)] = 24
    num_classes: Annotated[int, Ge(2), Le(10**6)] = 10
    in_channels: Annotated[int, Ge(1), Le(10**4)] = 3
    auxiliary: bool = False
    drop_path: ProperFraction = 0.0

    def __post_init__(self) -> None:
        if self.skeleton == NAS_BENCH_201 and self.cells % _STAGES:
            raise OptionError(
                f"cells must be a multiple of {_STAGES}, the stages of the skeleton "
                f"{NAS_BENCH_201!r}, got {self.cells}"
            )

    @property
    def layers(self) -> int:
        """The number of architectures that a network has room for."""
        return self.cells


def published_config(cell: Cell, **changes: Any) -> NetworkConfig:
    """The configuration that was published with a cell.

    NAS-Bench-201 has its own skeleton (16 channels, 15 cells); DARTS has 36 channels and 20
    cells in the skeleton ``"nasnet"``; every other cell gets the paper's open domain
    (36 channels, 24 cells).

    Source: Dong and Yang (ICLR 2020); Liu et al. (ICLR 2019); paper, Appendix A.2.

    Args:
        cell: The cell.
        **changes: Fields of `NetworkConfig` that differ.

    Raises:
        UnknownNameError: If a change is no field.
        OptionError: If a number is out of range.

    Example:
        >>> from ax_anasod import cells
        >>> published_config(cells.get("nas-bench-201"), num_classes=100).cells
        15
    """
    from ax_anasod.cells import NASBench201Cell, full_cell

    base = full_cell(cell)
    fields: dict[str, Any] = {}
    if isinstance(base, NASBench201Cell):
        fields = {"skeleton": NAS_BENCH_201, "channels": 16, "cells": 15}
    elif len(base.block_graph.part_names) > 1:
        fields = {"cells": 20}
    return NetworkConfig.from_dict({**fields, **changes})
