"""Proxies that need no training as quantities that are known before a trial."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ax_anasod.cells import Cell, as_cell
from ax_anasod.core.known import KnownMetric
from ax_anasod.exceptions import RunError, UnknownNameError
from ax_anasod.networks import OperationFactory
from ax_anasod.proxies import PROXIES, Proxies, ProxyConfig
from ax_anasod.typing import Codes, Values


class KnownProxy(KnownMetric):
    """A proxy of :mod:`ax_anasod.proxies`, such as synflow.

    Args:
        name: Name of the metric.
        cell: The cell, or its ``to_dict()``, which is what Ax stores.
        config: The networks and their images, or its ``to_dict()``.
        proxy: Name of the proxy, where the metric has another one.
        operations: Modules for operations of the user's own, as for
            :func:`ax_anasod.networks.build_network`; a metric with some cannot be stored.

    Attributes:
        searched: The cell.

    Raises:
        UnknownNameError: The proxy or an operation is unknown.
        CellError: The cell describes no networks of images, or an operation has no module.
    """

    def __init__(
        self,
        name: str,
        cell: Cell | Mapping[str, Any],
        config: ProxyConfig | Mapping[str, Any] | None = None,
        proxy: str | None = None,
        operations: Mapping[str, OperationFactory] | None = None,
    ) -> None:
        self.proxy = proxy or name
        if self.proxy not in PROXIES:
            raise UnknownNameError("proxy", self.proxy, PROXIES)
        restored = as_cell(cell)
        sizes = ProxyConfig.from_dict(config) if isinstance(config, Mapping) else config
        sizes = sizes or ProxyConfig()
        self.operations = operations
        self._proxies = (
            _built_in(restored, sizes)
            if operations is None
            else Proxies(restored, sizes, operations)
        )
        super().__init__(name=name)
        self.cell, self.config, self.searched = restored.to_dict(), sizes.to_dict(), restored

    @property
    def is_sum(self) -> bool:
        """True if a value is a sum over blocks, for which no network is built."""
        return self._proxies.is_sum(self.proxy)

    @classmethod
    def serialize_init_args(cls, obj: Any) -> dict[str, Any]:
        """The arguments that Ax stores.

        Raises:
            RunError: The metric has operations of the user's own.
        """
        if obj.operations is not None:
            raise RunError(
                f"the proxy {obj.name!r} has operations of your own, which cannot be stored",
                "let it choose the first trials (start=) of a client that is stored",
            )
        stored: dict[str, Any] = super().serialize_init_args(obj)
        return stored

    def values(self, codes: Codes) -> Values:
        """The values of ``n x d`` codes, ``n``.

        Raises:
            OptionError: A value is not finite.
        """
        return self._proxies(self.proxy, codes)


@lru_cache(maxsize=4)
def _built_in(cell: Cell, config: ProxyConfig) -> Proxies:
    return Proxies(cell, config)
