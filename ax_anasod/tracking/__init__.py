"""Trackers: TensorBoard, MLflow, Weights & Biases or one's own watch a run from outside.

They are told what the journal of a run has, each thing once, also when the run was killed and
goes on. The names are loaded on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ax_anasod.lazy import lazy_names

if TYPE_CHECKING:
    from ax_anasod.tracking.client import ClientTracking as ClientTracking
    from ax_anasod.tracking.mlflow import MLflowTracker as MLflowTracker
    from ax_anasod.tracking.telling import Telling as Telling
    from ax_anasod.tracking.telling import TrackerWarning as TrackerWarning
    from ax_anasod.tracking.tensorboard import TensorBoardTracker as TensorBoardTracker
    from ax_anasod.tracking.tracker import TRACKERS as TRACKERS
    from ax_anasod.tracking.tracker import TrackedRun as TrackedRun
    from ax_anasod.tracking.tracker import Tracker as Tracker
    from ax_anasod.tracking.tracker import make_trackers as make_trackers
    from ax_anasod.tracking.wandb import WandbTracker as WandbTracker

_MODULES: Final = {
    "TRACKERS": "tracker",
    "ClientTracking": "client",
    "MLflowTracker": "mlflow",
    "Telling": "telling",
    "TensorBoardTracker": "tensorboard",
    "TrackedRun": "tracker",
    "Tracker": "tracker",
    "TrackerWarning": "telling",
    "WandbTracker": "wandb",
    "make_trackers": "tracker",
}

__all__ = sorted(_MODULES)
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
