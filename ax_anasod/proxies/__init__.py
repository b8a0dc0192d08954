"""Scores of architectures that need no training, of small networks at their first weights.

They know nothing of Ax: :class:`ax_anasod.metrics.KnownProxy` makes one a feature of a search, or
what its first trials are chosen by. The names are loaded on first use, so that the command line
lists them without torch.
"""

from ax_anasod.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__)
