"""Training networks on images or sequences of tokens: data, the loop, checkpoints.

The names are loaded on first use: the command line reads the settings of a training
(:mod:`ax_anasod.training.training_config`, :mod:`ax_anasod.training.hardware`) without torch.
"""

from ax_anasod.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__)
