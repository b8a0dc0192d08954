"""Runs: a search as a folder that survives its process.

The names are loaded on first use: looking at a run needs none of Ax.
"""

from ax_anasod.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__)
