"""Networks that a search by training or by gradients has found, trained for good.

`evaluate` trains the most promising network with a protocol of the paper, on the data set of the
search or on another one; `train_ensemble` trains several networks of one encoding, `train_top`
the best trials of a search.
"""

from ax_anasod.retraining.ensemble import EnsembleResult, train_ensemble
from ax_anasod.retraining.evaluation_task import evaluation_task
from ax_anasod.retraining.member import Retrained, evaluate
from ax_anasod.retraining.search_result import BestCells, BestTrial, SearchResult, read_search
from ax_anasod.retraining.top import TopResult, best_trials, train_top

__all__ = [
    "BestCells",
    "BestTrial",
    "EnsembleResult",
    "Retrained",
    "SearchResult",
    "TopResult",
    "best_trials",
    "evaluate",
    "evaluation_task",
    "read_search",
    "train_ensemble",
    "train_top",
]
