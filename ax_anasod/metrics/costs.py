"""Costs of the networks that a search trains as quantities that are known before a trial."""

from __future__ import annotations

from typing import cast, get_args

from ax_anasod.core.known import KnownMetric
from ax_anasod.exceptions import CellError
from ax_anasod.metrics.known import KnownSize
from ax_anasod.networks.additive import Size
from ax_anasod.training import TrainingTask


def known_cost(name: str, task: TrainingTask) -> KnownMetric | None:
    """A cost of a task's networks, all of whose layers are one architecture.

    Args:
        name: Name of the cost (:data:`ax_anasod.training.costs.COSTS`).
        task: The task, with the size of its images.

    Returns:
        None where the cost follows from a network only: a latency, operations of the user's own,
        whose modules a stored experiment does not have, or more than a sum over the blocks.
    """
    if name not in get_args(Size) or task.operations is not None or task.image_size is None:
        return None
    try:
        return KnownSize(cast("Size", name), task.cell, task.network, task.image_size)
    except CellError:
        return None
