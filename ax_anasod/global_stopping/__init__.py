"""Ax strategies for stopping a search before its last trial.

The names are loaded on first use: the rule itself needs none of Ax.
"""

from ax_anasod.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__)
