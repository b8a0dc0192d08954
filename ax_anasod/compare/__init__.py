"""Comparing strategies: many runs in many processes, and what they say together.

The names are loaded on first use, so that the processes of a comparison can begin in this
room without loading Ax before they have silenced it.
"""

from ax_anasod.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__)
