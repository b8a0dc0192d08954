"""Proxies of the architectures of a cell, which share them, and the file that keeps them."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final, cast
from zipfile import BadZipFile

import numpy as np
import torch

from ax_anasod.cells import Cell
from ax_anasod.cells.graph import IDENTITY_OPERATIONS, ZERO_OPERATIONS
from ax_anasod.cells.keys import LISTED
from ax_anasod.exceptions import CellError, OptionError, RunError, UnknownNameError
from ax_anasod.files import read_bytes, write_whole
from ax_anasod.networks import (
    Network,
    OperationFactory,
    build_network,
    count_flops,
    num_parameters,
    published_config,
)
from ax_anasod.networks.network_config import NAS_BENCH_201
from ax_anasod.networks.operations import resolve_operations
from ax_anasod.networks.plan import CellPlan, plan_cells
from ax_anasod.networks.size import AdditiveSize, Size
from ax_anasod.proxies.proxy_config import PROXIES, SIZES, ProxyConfig
from ax_anasod.proxies.scores import Scores
from ax_anasod.threads import undisturbed
from ax_anasod.typing import AnyArray, Codes, Indices, Values

Computed = tuple[tuple[int, ...], ...]

_SECONDS_BETWEEN_WRITINGS: Final = 60.0


class Proxies:
    """Proxies of the architectures of a cell, on small networks at their first weights.

    A value depends on the architecture and on the arguments, not on what else was asked for. It
    is computed once: it is kept in memory and, without operations of the user's own, in a file
    (:class:`ValueFile`). Cells of the skeleton ``nas-bench-201`` that are one network, since they
    differ in blocks that do nothing or lie where they compute the same
    (:func:`ax_anasod.proxies.proxy_values.computed`), share the values of one of them. Each
    convolution has first weights of its own: equal ones in parallel would make naswot and jacov
    worthless.

    Args:
        cell: The cell.
        config: The networks and their images.
        operations: Modules for operations of the user's own, as for
            :func:`ax_anasod.networks.build_network`.

    Raises:
        CellError: The cell describes no networks of images, or an operation has no module.
        UnknownNameError: A name of ``operations`` is no operation of the cell.
    """

    def __init__(
        self,
        cell: Cell,
        config: ProxyConfig | None = None,
        operations: Mapping[str, OperationFactory] | None = None,
    ) -> None:
        self.cell, self.config = cell, config or ProxyConfig()
        plan_cells(cell, cell.sample(1, np.random.default_rng(0)))
        resolve_operations(cell, operations)
        self._operations = operations
        self._network = published_config(
            cell, channels=self.config.channels, cells=self.config.cells
        )
        draw = torch.Generator().manual_seed(self.config.seed)
        size, number = self.config.image_size, self.config.batch_size
        shape = (number, self._network.in_channels, size, size)
        self._images = torch.randn(shape, generator=draw)
        self._labels = torch.randint(self._network.num_classes, (number,), generator=draw)
        self._values: dict[str, dict[bytes, float]] = {}
        self._sizes: dict[str, Callable[[Codes], Values]] = {}

    def __call__(self, name: str, codes: Codes) -> Values:
        """The values of a proxy, ``n`` of ``n x d`` codes.

        Raises:
            UnknownNameError: The proxy is unknown.
            OptionError: A value is not finite.
        """
        return self.all([name], codes)[:, 0]

    def all(self, names: Sequence[str], codes: Codes) -> Values:
        """The values of several proxies, ``n x f``, which share the networks that are built.

        Raises:
            UnknownNameError: The proxy is unknown.
            OptionError: A value is not finite.
        """
        for name in names:
            if name not in PROXIES:
                raise UnknownNameError("proxy", name, PROXIES)
        canonical = self.cell.canonical(codes)
        shared = self._shared(canonical)
        self._compute([name for name in names if name not in SIZES], shared)
        values = np.empty((len(codes), len(names)))
        for column, name in enumerate(names):
            if name in SIZES:
                values[:, column] = self._size(cast(Size, name))(canonical)
            else:
                known = self._known(name)
                values[:, column] = [known[code.tobytes()] for code in shared]
        return values

    def is_sum(self, name: str) -> bool:
        """Return True if a value is a sum over blocks, for which no network is built."""
        return name in SIZES and isinstance(self._size(cast(Size, name)), AdditiveSize)

    def _compute(self, names: Sequence[str], codes: Codes) -> None:
        """Compute what lacks of the values of these codes, and keep it."""
        known = {name: self._known(name) for name in names}
        lacking = [
            code
            for code in np.unique(codes, axis=0)
            if any(code.tobytes() not in values for values in known.values())
        ]
        if not lacking:
            return
        written = time.monotonic()
        # Operations of a user's own may draw when they are called.
        with undisturbed(), torch.random.fork_rng(devices=[]):
            for code in lacking:
                torch.default_generator.manual_seed(self.config.seed)
                scores = Scores(self._built(code), self._images, self._labels)
                for name, values in known.items():
                    values[code.tobytes()] = self._checked(name, code, getattr(scores, name))
                if time.monotonic() - written > _SECONDS_BETWEEN_WRITINGS:
                    self._keep(names)
                    written = time.monotonic()
        self._keep(names)

    def _built(self, code: Indices, device: str = "cpu") -> Network:
        return build_network(
            self.cell,
            code[None],
            self._network,
            self._operations,
            seed=self.config.seed,
            device=device,
        )

    def _checked(self, name: str, code: Indices, value: float) -> float:
        if not math.isfinite(value):
            raise OptionError(
                f"{name} of {self.cell.to_strings(code[None])[0]!r} is {value}",
                "operations of your own must give finite numbers and gradients",
            )
        return value

    def _known(self, name: str) -> dict[bytes, float]:
        """The known values of a proxy: the bytes of a code -> its value."""
        if name not in self._values:
            file = self._file(name)
            none = np.empty((0, len(self.cell.code_sizes)), dtype=np.int64), np.empty(0)
            codes, values = none if file is None else file.read(len(self.cell.code_sizes))
            self._values[name] = {
                code.tobytes(): value for code, value in zip(codes, values.tolist(), strict=True)
            }
        return self._values[name]

    def _keep(self, names: Sequence[str]) -> None:
        for name in names:
            file, known = self._file(name), self._values[name]
            if file is not None:
                codes = np.frombuffer(b"".join(known), dtype=np.int64)
                file.write(codes.reshape(len(known), -1), np.array(list(known.values())))

    def _file(self, name: str) -> ValueFile | None:
        """The cache file. None for operations of the user, whose code may change."""
        if self._operations is not None:
            return None
        return ValueFile(
            {
                "proxy": name,
                "cell": self.cell.to_dict(),
                "network": self._network.to_dict(),
                "config": self.config.to_dict(),
                "torch": torch.__version__,
            }
        )

    def _size(self, name: Size) -> Callable[[Codes], Values]:
        """The function that computes a size: a sum over blocks, unless outputs are not."""
        if name not in self._sizes:
            size = (self.config.image_size, self.config.image_size)
            try:
                self._sizes[name] = AdditiveSize(
                    self.cell, self._network, name, size, self._operations
                )
            except CellError:
                self._sizes[name] = partial(self._counted, name)
        return self._sizes[name]

    def _counted(self, name: str, codes: Codes) -> Values:
        networks = (self._built(code, device="meta") for code in codes)
        if name == "parameters":
            return np.array([num_parameters(network) for network in networks], dtype=np.float64)
        size = self.config.image_size
        return np.array([count_flops(network, size) for network in networks], dtype=np.float64)

    def _shared(self, codes: Codes) -> Codes:
        """For each of ``n x d`` canonical codes that of the same network which has the values."""
        if not self._is_shared:
            return codes
        keys, first = representatives(self.cell)
        wanted = self.cell.keys(codes)
        at = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
        listed = (keys[at] == wanted)[:, None]
        return np.where(listed, first[at], codes)

    @property
    def _is_shared(self) -> bool:
        is_built_in = self._operations is None and self._network.skeleton == NAS_BENCH_201
        return is_built_in and self.cell.num_listed <= LISTED


class ValueFile:
    """The values of architectures that one description gives, kept between processes.

    It lies in ``ax_anasod/proxies`` in ``$XDG_CACHE_HOME`` (``~/.cache``) and may be deleted. What
    cannot be read, or written, is computed again: a cache decides nothing.

    Args:
        description: All that the values depend on, as JSON-able data.
    """

    def __init__(self, description: Mapping[str, Any]) -> None:
        named = os.environ.get("XDG_CACHE_HOME", "")
        folder = Path(named) if Path(named).is_absolute() else Path("~/.cache").expanduser()
        text = json.dumps(description, sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()[:32]
        self.path = folder / "ax_anasod" / "proxies" / f"{name}.npz"

    def read(self, width: int) -> tuple[Codes, Values]:
        """The codes ``n x width`` that have values, and these ``n``."""
        with suppress(OSError, RunError, ValueError, KeyError, EOFError, BadZipFile, zlib.error):
            with np.load(io.BytesIO(read_bytes(self.path)), allow_pickle=False) as content:
                codes, values = content["codes"], content["values"]
            kinds = codes.dtype == np.int64 and values.dtype == np.float64
            if kinds and codes.shape == (len(values), width):
                return codes, values
        return np.empty((0, width), dtype=np.int64), np.empty(0)

    def write(self, codes: Codes, values: Values) -> None:
        """Keep values ``n`` of ``n x d`` codes, in the place of those that were kept."""
        content = io.BytesIO()
        np.savez_compressed(content, codes=codes, values=values)
        with suppress(OSError, RunError):
            write_whole(self.path, content.getvalue(), make_folder=True)


def computed(plan: CellPlan, numbers: dict[tuple[str, tuple[int, ...], int], int]) -> Computed:
    """The sums that the outputs of a cell are, each as the sorted numbers of its terms.

    Two cells with equal numbers are one network with independent first weights: blocks that
    nothing reads, or that pass nothing on, are left out, and identities are followed. This holds
    where no block strides and operations of zeros give zeros. (Not all cells that are one network
    have equal numbers: that would be to decide whether graphs are isomorphic.)

    Args:
        plan: The cell.
        numbers: What has a number already: an operation on a sum, and which one of its kind in
            the cell. It grows.
    """
    needed = set(plan.outputs)
    for block in reversed(plan.blocks):
        if block.target in needed and block.operation not in ZERO_OPERATIONS:
            needed.add(block.source)
    sums: dict[int, list[int]] = {state: [-1 - state] for state in range(plan.num_inputs)}
    alike: Counter[tuple[str, tuple[int, ...]]] = Counter()
    for block in plan.blocks:
        read = sums.get(block.source, [])
        if block.operation in ZERO_OPERATIONS or block.target not in needed or not read:
            continue
        if block.operation not in IDENTITY_OPERATIONS:
            kind = (block.operation, tuple(sorted(read)))
            read = [numbers.setdefault((*kind, alike[kind]), len(numbers))]
            alike[kind] += 1
        sums[block.target] = sums.get(block.target, []) + read
    return tuple(tuple(sorted(sums.get(state, ()))) for state in plan.outputs)


@lru_cache(maxsize=4)
def representatives(cell: Cell) -> tuple[AnyArray, Codes]:
    """For each architecture of a cell of one part the first one that is its network.

    Args:
        cell: A cell that can be listed.

    Returns:
        The sorted keys of its ``n`` architectures, and codes ``n x d``.
    """
    codes = cell.enumerate()
    numbers: dict[tuple[str, tuple[int, ...], int], int] = {}
    first: dict[Computed, int] = {}
    plans = plan_cells(cell, codes)
    rows = [first.setdefault(computed(plan, numbers), i) for i, (plan,) in enumerate(plans)]
    keys = cell.keys(codes)
    order = np.argsort(keys, kind="stable")
    return keys[order], codes[np.array(rows)[order]]
