"""ANASOD: neural architecture search over operation distributions, on top of Ax.

The public names of the package, each loaded from its room on first use (PEP 562):
a bare ``import ax_anasod`` pulls in neither torch nor Ax nor numpy, so that the
command line answers at once.

Example:
    >>> import ax_anasod
    >>> ax_anasod.UnknownNameError("dataset", "corra", ["cora", "arxiv"]).hint
    "did you mean 'cora'?"
"""

import importlib
import logging
import sys
import warnings

from ax_anasod.lazy import lazy_names, names_of_stub

# A program that uses one of these may save an experiment, so our classes must be registered with
# Ax's storage by then.
_AX_HALF = frozenset(
    {
        "core",
        "generators",
        "adapter",
        "generation_strategy",
        "global_stopping",
        "early_stopping",
        "runners",
        "metrics",
        "storage",
        "analysis",
        "experiment",
        "runs",
        "compare",
        "notebook",
        "reproduce",
        "testing",
        "tracking",
        "retraining",
    }
)
# linear_operator 0.6.1 compiles a helper at import; what the user has set comes before this.
warnings.filterwarnings("ignore", r"`torch\.jit\.script`", FutureWarning, append=True)

_MODULES = names_of_stub(__name__)
_load, __dir__, _ = lazy_names(__name__)

__all__ = sorted(name for name, module in _MODULES.items() if module != __name__)


def __getattr__(name: str) -> object:
    module = _MODULES.get(name, "")
    room = name if module == __name__ else module.removeprefix(f"{__name__}.")
    if room in _AX_HALF:
        _load_ax()
    return _load(name)


def _load_ax() -> None:
    """Load Ax with our classes registered, without a line in its log for each trial.

    A program that has imported Ax before keeps its log as it is.
    """
    importlib.import_module(f"{__name__}.optional").require_docstrings()
    if "ax" in sys.modules:
        importlib.import_module(f"{__name__}.storage")
        return
    disabled = logging.root.manager.disable
    logging.disable(max(disabled, logging.INFO))
    try:
        importlib.import_module(f"{__name__}.storage")
    finally:
        logging.disable(disabled)
    importlib.import_module("ax.utils.common.logger").ROOT_STREAM_HANDLER.setLevel(logging.WARNING)
