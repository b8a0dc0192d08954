"""Which files are in the folder of a differentiable search, and a word of its result."""

from __future__ import annotations

from typing import Final

CONFIG: Final = "dnas.json"
CHECKPOINT: Final = "checkpoint.pt"
EPOCHS: Final = "epochs.csv"
FOUND: Final = "found.json"
"""The result; a search starts from it, and ``evaluate`` trains it."""
RESULTS: Final = "search.json"
TRAINED: Final = "trained.json"
"""Losses of cells that were trained alone for a few epochs."""
LOCK: Final = "dnas.lock"
FILES: Final = (CHECKPOINT, EPOCHS, FOUND, RESULTS, TRAINED)
"""What a search writes after its configuration."""
RANKED: Final = {
    "nothing": "taken from p",
    "supernet": "ranked by the supernet",
    "training": "the first ones ranked by short trainings, draws behind them by the supernet",
}
"""What cells were ranked by -> the same in words."""
