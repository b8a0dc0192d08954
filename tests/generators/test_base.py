"""What all generators on the history have in common."""

from __future__ import annotations

import numpy as np
import pytest

from ax_anasod.cells import Cell
from ax_anasod.generators import DirichletGenerator, HistoryGenerator, RandomArchitectureGenerator


@pytest.mark.parametrize("kind", [DirichletGenerator, RandomArchitectureGenerator])
def test_they_keep_no_state_and_repeat_encodings(
    kind: type[HistoryGenerator], toy_cell: Cell
) -> None:
    generator = kind(toy_cell.to_dict(), seed=4)

    assert generator._get_state() == {}
    assert not generator.deduplicate
    assert generator.seed == 4
    assert generator.cell == toy_cell


def test_it_is_abstract(toy_cell: Cell) -> None:
    with pytest.raises(TypeError, match="abstract"):
        HistoryGenerator(toy_cell.to_dict())


def test_the_kind_of_rows_is_that_of_the_space(toy_cell: Cell) -> None:
    assert DirichletGenerator(toy_cell.to_dict()).search_space.rows([]).shape == (0, 3)
    assert RandomArchitectureGenerator(toy_cell.to_dict()).search_space.rows([]).shape == (0, 6)
    assert np.issubdtype(
        DirichletGenerator(toy_cell.to_dict()).search_space.rows([]).dtype, np.integer
    )
