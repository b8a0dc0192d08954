"""Trackers: TensorBoard, MLflow, Weights & Biases or one's own watch a run from outside.

They are told what the journal of a run has, each thing once, also when the run was killed and
goes on. The names are loaded on first use.
"""

from ax_anasod.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__)
