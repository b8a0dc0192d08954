"""What comes after a search by training: the encoding that was found, trained for good.

`evaluate` trains the best trial's network with a protocol of the paper, on the data set of the
search or on another one; `train_ensemble` trains several architectures of its encoding.
"""

from ax_anasod.retraining.ensemble import EnsembleResult, train_ensemble
from ax_anasod.retraining.found import Found
from ax_anasod.retraining.member import Retrained, evaluate
from ax_anasod.retraining.plan import evaluation_task

__all__ = [
    "EnsembleResult",
    "Found",
    "Retrained",
    "evaluate",
    "evaluation_task",
    "train_ensemble",
]
