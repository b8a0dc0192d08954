"""What the names of a trial's parameters tell."""

from __future__ import annotations

import pytest

from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.core.trial_space import TrialSpace
from ax_anasod.exceptions import UnknownNameError

COUNTS = {"n_conv": 2, "n_pool": 3, "n_skip": 1}
ARCHITECTURE = {f"block_{i}": "conv" for i in range(6)}


def test_parameters_tell_by_their_names(toy_cell: Cell) -> None:
    space = TrialSpace(toy_cell, None)

    assert isinstance(space.of(COUNTS), AnasodSearchSpace)
    assert isinstance(space.of(ARCHITECTURE), CellSearchSpace)
    # Of neither: the space of encodings says what is missing.
    assert isinstance(space.of({"n_conv": 6}), AnasodSearchSpace)


def test_a_given_kind_is_kept(toy_cell: Cell) -> None:
    assert isinstance(TrialSpace(toy_cell, "architecture").of(COUNTS), CellSearchSpace)
    assert isinstance(TrialSpace(toy_cell, "encoding").of(ARCHITECTURE), AnasodSearchSpace)


def test_a_wrong_kind_is_refused(toy_cell: Cell) -> None:
    with pytest.raises(UnknownNameError, match=r"'encodings'.*did you mean 'encoding'"):
        TrialSpace(toy_cell, "encodings")  # type: ignore[arg-type]
