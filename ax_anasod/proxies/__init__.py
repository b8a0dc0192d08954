"""Scores of architectures that need no training, of small networks at their first weights.

They know nothing of Ax: :class:`ax_anasod.metrics.KnownProxy` makes one a feature of a search, or
what its first trials are chosen by. The names are loaded on first use, so that the command line
lists them without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ax_anasod.lazy import lazy_names

if TYPE_CHECKING:
    from ax_anasod.proxies.proxy_config import PROXIES as PROXIES
    from ax_anasod.proxies.proxy_config import ProxyConfig as ProxyConfig
    from ax_anasod.proxies.proxy_values import Proxies as Proxies
    from ax_anasod.proxies.scores import Scores as Scores

_MODULES: Final = {
    "PROXIES": "proxy_config",
    "Proxies": "proxy_values",
    "ProxyConfig": "proxy_config",
    "Scores": "scores",
}

__all__ = sorted(_MODULES)
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
