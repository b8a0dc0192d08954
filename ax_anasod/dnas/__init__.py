"""Differentiable search: a supernet whose operation distribution learns with its weights.

Source: paper, Section 3.2 and Algorithm 1 (ANASOD-DNAS), and the methods that it is compared
with in Table 3. The names are loaded on first use: the command line looks for the files of a
search (:mod:`ax_anasod.dnas.result_files`) without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ax_anasod.lazy import lazy_names

if TYPE_CHECKING:
    from ax_anasod.dnas.dnas_config import OneShotConfig as OneShotConfig
    from ax_anasod.dnas.methods import METHODS as METHODS
    from ax_anasod.dnas.methods import MethodConfig as MethodConfig
    from ax_anasod.dnas.methods import method as method
    from ax_anasod.dnas.result import OneShotResult as OneShotResult
    from ax_anasod.dnas.result_files import SearchEpoch as SearchEpoch
    from ax_anasod.dnas.run import OneShotRun as OneShotRun
    from ax_anasod.dnas.search_loop import DistributionSearch as DistributionSearch
    from ax_anasod.dnas.selection import Ranking as Ranking
    from ax_anasod.dnas.selection import select as select
    from ax_anasod.dnas.supernet import SuperNetwork as SuperNetwork
    from ax_anasod.dnas.supernet import build_supernet as build_supernet

_MODULES: Final = {
    "METHODS": "methods",
    "DistributionSearch": "search_loop",
    "MethodConfig": "methods",
    "OneShotConfig": "dnas_config",
    "OneShotResult": "result",
    "OneShotRun": "run",
    "Ranking": "selection",
    "SearchEpoch": "result_files",
    "SuperNetwork": "supernet",
    "build_supernet": "supernet",
    "method": "methods",
    "select": "selection",
}

__all__ = sorted(_MODULES)
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
