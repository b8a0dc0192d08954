"""States on the disk: whole or not at all, and read without executing anything."""

from __future__ import annotations

import io
import sys
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import torch
from torch import Tensor

from ax_anasod.exceptions import RunError, shown
from ax_anasod.files import open_file, write_whole
from ax_anasod.pickles import DamagedError, GlobalName, Names, RefusedError, StandIn
from ax_anasod.torch_archive import TorchArchive

# Largest size of a checkpoint that is read: 16 GiB.
_MOST_BYTES: Final = 2**34
ROOM_HINT: Final = "make room; training goes on from the last epoch that was written"

_TYPES: Final = {
    "BFloat16Storage": torch.bfloat16,
    "BoolStorage": torch.bool,
    "ByteStorage": torch.uint8,
    "CharStorage": torch.int8,
    "ComplexDoubleStorage": torch.complex128,
    "ComplexFloatStorage": torch.complex64,
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "IntStorage": torch.int32,
    "LongStorage": torch.int64,
    "ShortStorage": torch.int16,
}


def write_state(path: Path, state: dict[str, Any], *, make_folder: bool = False) -> None:
    """Write tensors and plain data so that the file is the old one or the new one, whole.

    Args:
        path: The file.
        state: Tensors, dictionaries, lists, short tuples, texts and numbers.
        make_folder: Make folders that are missing.

    Raises:
        RunError: The file cannot be written, as on a full disk; the old file is as it was.
    """
    # In memory first: what torch raises on a full disk does not say that it is full.
    content = io.BytesIO()
    torch.save(state, content)
    write_whole(path, content.getbuffer(), ROOM_HINT, make_folder=make_folder)


def read_state(path: Path) -> dict[str, Any]:
    """Read what `write_state` has written, into the memory of the CPU.

    ``torch.load(weights_only=True)`` executes nothing either, but a forged file can end the
    process in it, or have it allocate any amount of memory.

    Raises:
        RunError: The file cannot be read, or is damaged.
    """
    try:
        with open_file(path) as file:
            state = _Tensors(TorchArchive(file)).load()
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    except (DamagedError, RefusedError) as error:
        what = f"it asks for {error}" if isinstance(error, RefusedError) else str(error)
        raise RunError(
            f"{path} is damaged, or no file of this package: {what}",
            "delete it to start from its beginning",
        ) from error
    if not isinstance(state, dict):
        raise RunError(f"{path} holds a {type(state).__name__}, not a state")
    return state


def differing(stored: object, expected: Mapping[str, Any]) -> list[str]:
    """The keys whose values differ between a stored and an expected identity.

    Args:
        stored: The identity that the file holds.
        expected: The identity that it should hold; plain data by name.
    """
    try:
        return [n for n, v in expected.items() if not isinstance(stored, dict) or stored[n] != v]
    # Not plain data (tensors, missing keys): all of it differs.
    except (LookupError, RuntimeError):
        return list(expected)


def differences(stored: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """The differences in words, with both values where they are short.

    Args:
        stored: What there is; plain data by name.
        expected: What there should be; plain data by name.

    Example:
        >>> differences(
        ...     {"training": {"epochs": 3}, "cells": [1]}, {"training": {"epochs": 4}, "cells": [2]}
        ... )
        ['epochs: 3 there, 4 asked for', 'cells']
    """
    found = []
    for name in {**stored, **expected}:
        there, asked = stored.get(name), expected.get(name)
        if there == asked:
            continue
        if isinstance(there, dict) and isinstance(asked, dict):
            found += differences(there, asked)
        elif isinstance(there, list | dict) or isinstance(asked, list | dict):
            found.append(name)
        else:
            found.append(f"{name}: {shown(there)} there, {shown(asked)} asked for")
    return found


class _StateDict(OrderedDict[str, object], StandIn):
    """The ``state_dict()`` of a module: its tensors, and the versions of its parts."""

    def restore(self, state: object) -> None:
        if isinstance(state, dict) and isinstance(state.get("_metadata"), dict):
            self._metadata = state["_metadata"]

    def __reduce__(self) -> tuple[Any, ...]:
        # Written again, it is what it was.
        return OrderedDict, (), vars(self) or None, None, iter(self.items())


class _Tensors:
    """Makes the tensors of an archive.

    Args:
        archive: The archive.
    """

    def __init__(self, archive: TorchArchive) -> None:
        self._archive = archive
        # Tensors that share their numbers go on doing so.
        self._numbers: dict[str, Tensor] = {}

    def load(self) -> object:
        """The object in the archive, with its tensors.

        Raises:
            DamagedError: The archive is damaged.
            RefusedError: The archive asks for something else than tensors and plain data.
        """
        if self._archive.entry("byteorder") != sys.byteorder.encode():
            raise DamagedError("it was written on a machine with the other order of bytes")
        names: Names = {
            "collections.OrderedDict": _StateDict,
            "torch._utils._rebuild_tensor_v2": self._tensor,
            **{f"torch.{name}": kind for name, kind in _TYPES.items()},
        }
        return self._archive.load(names, self._find_numbers)

    def _find_numbers(self, key: object) -> Tensor:
        """The numbers of tensors that the archive has in an entry of their own."""
        what, kind, name, _, number = cast("tuple[Any, ...]", key)
        kind = kind.meaning if isinstance(kind, GlobalName) else None
        if what != "storage" or not isinstance(kind, torch.dtype) or not str(name).isdecimal():
            raise ValueError("it asks for something else than the numbers of tensors")
        if name not in self._numbers:
            content = bytearray(self._archive.entry(f"data/{name}"))
            # An empty buffer is refused by torch.
            found = torch.frombuffer(content, dtype=kind) if content else torch.empty(0, dtype=kind)
            self._numbers[name] = found
        numbers = self._numbers[name]
        if numbers.dtype != kind or len(numbers) != number:
            raise ValueError(f"it has {len(numbers):,} numbers where it names {number!r}")
        return numbers

    @staticmethod
    def _tensor(numbers: Any, first: Any, size: Any, stride: Any, *_rest: object) -> Tensor:
        if not isinstance(numbers, Tensor):
            raise TypeError("it has a tensor without numbers")
        reach = 1
        for step, count in sorted(zip(stride, size, strict=True)):
            # Otherwise elements would share a number, and a few numbers be a tensor of any size.
            if count > 1 and step < reach:
                raise ValueError(f"it has a tensor of the size {size} with the strides {stride}")
            reach += step * (count - 1)
        return numbers.as_strided(size, stride, first)
