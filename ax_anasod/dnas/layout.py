"""Which files are in the folder of a differentiable search."""

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
