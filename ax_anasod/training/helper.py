"""What the other processes do where several train one network (see ``spread``)."""

from __future__ import annotations

import io
import signal
import warnings
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Any, Final

import torch
from torch import distributed
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from ax_anasod.exceptions import AnasodError, OptionError
from ax_anasod.locks import end_with_parent
from ax_anasod.training.process_group import ProcessGroup, Rank
from ax_anasod.training.training import Training

# How long processes wait for each other in a step, before one of them counts as lost.
_TIMEOUT: Final = timedelta(minutes=10)
IMPORTABLE: Final = "define its classes and functions in a module, or train on one device"
"""What to do about a network that another process cannot make."""


def packed(content: Any) -> bytes:
    """What is sent to another process.

    Raises:
        PicklingError, AttributeError, TypeError: It cannot be sent.
    """
    # Copies: tensors that are shared between processes need room in /dev/shm, which containers
    # have little of, and an open file each.
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


def unpacked(content: bytes) -> Any:
    """What another process sent.

    Raises:
        OptionError: This process lacks the code of the network.
    """
    try:
        return torch.load(io.BytesIO(content), weights_only=False)
    except (AttributeError, ImportError) as error:
        raise OptionError(
            f"the network cannot be made in another process: {error}", IMPORTABLE
        ) from error


def join(store: TCPStore, place: Rank, kind: str) -> None:
    """Join the group of the processes that train together."""
    distributed.init_process_group(
        "cpu:gloo,cuda:nccl" if kind == "cuda" else "gloo",
        store=store,
        rank=place.rank,
        world_size=place.size,
        timeout=_TIMEOUT,
    )


def serve(pipe: Connection, place: Rank, port: int, kind: str) -> None:
    """What a process of the team does until the first one ends."""
    end_with_parent()
    # Ctrl-C reaches all processes of a terminal; the first one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The first process shows the same ones.
    warnings.simplefilter("ignore")
    if kind == "cuda":
        torch.cuda.set_device(place.rank)
    pipe.send((0, None))
    store = TCPStore("127.0.0.1", port, is_master=False)
    join(store, place, kind)
    trainings: dict[int, Training] = {}
    data: Any = None
    orders: dict[str, Callable[[int, Any], object]] = {
        "start": lambda key, content: trainings.update(
            {key: Training(data=data, others=ProcessGroup(place), **unpacked(content))}
        ),
        "learn": lambda key, number: trainings[key].learn(number),
        "forget": lambda key, _: trainings.pop(key, None),
    }
    while True:
        try:
            order, key, content = pipe.recv()
        except EOFError:
            return
        failure: AnasodError | None = None
        try:
            if order == "data":
                data = unpacked(content)
            else:
                orders[order](key, content)
        except AnasodError as error:
            failure = error
        pipe.send((key, failure))
