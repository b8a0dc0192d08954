"""Runs: a search as a folder that survives its process.

The names are loaded on first use: looking at a run needs none of Ax.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ax_anasod.lazy import lazy_names

if TYPE_CHECKING:
    from ax_anasod.runs.execution import Execution as Execution
    from ax_anasod.runs.folder import RunFolder as RunFolder
    from ax_anasod.runs.loop import Search as Search
    from ax_anasod.runs.planning import plan_run as plan_run
    from ax_anasod.runs.results import Results as Results
    from ax_anasod.runs.run_config import RunConfig as RunConfig
    from ax_anasod.runs.training_search import TrainingSearch as TrainingSearch
    from ax_anasod.runs.view import RunView as RunView

_MODULES: Final = {
    "Execution": "execution",
    "Results": "results",
    "RunConfig": "run_config",
    "RunFolder": "folder",
    "RunView": "view",
    "Search": "loop",
    "TrainingSearch": "training_search",
    "plan_run": "planning",
}

__all__ = sorted(_MODULES)
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
