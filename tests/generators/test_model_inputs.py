"""Which numbers a surrogate on architectures is given."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell, one_hot_adjacency, path_features
from ax_anasod.exceptions import CellError
from ax_anasod.generators.model_inputs import Inputs, check_features, features

DARTS = cells.get("darts")


@pytest.mark.parametrize("cell", [cells.get("nas-bench-201"), DARTS], ids=lambda cell: cell.name)
def test_kinds_are_those_of_the_cells(cell: Cell) -> None:
    codes = cell.sample(5, np.random.default_rng(0))

    np.testing.assert_array_equal(
        features(cell, codes, "adjacency", 10), one_hot_adjacency(cell, codes)
    )
    np.testing.assert_array_equal(
        features(cell, codes, "path", 300), path_features(cell, codes, max_features=300)
    )


@pytest.mark.parametrize("kind", get_args(Inputs))
def test_what_a_cell_has_is_not_refused(kind: Inputs) -> None:
    check_features(DARTS, kind, 300)


def test_what_it_does_not_have_is() -> None:
    with pytest.raises(CellError):
        check_features(DARTS, "path", 10)
