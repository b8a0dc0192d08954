"""Which files are in the folder of a comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ax_anasod.runs.layout import COMPARISON

PLAN: Final = COMPARISON
RUNS: Final = "runs"
LOCK: Final = "comparison.lock"


def holds_comparison(path: Path) -> bool:
    """True for the folder of a comparison."""
    return (path / PLAN).exists()
