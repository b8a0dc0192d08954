from __future__ import annotations

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.exceptions import ArchitectureError

CELL = cells.get("hybrid-lm")


def test_architectures_are_written_as_letters() -> None:
    codes = CELL.enumerate()
    texts = CELL.to_strings(codes)
    assert len(set(texts)) == 729
    np.testing.assert_array_equal(CELL.from_strings(texts), codes)
    assert CELL.architecture("MLAMMM").operations == (
        "mlp", "linear-attention", "attention", "mlp", "mlp", "mlp",
    )  # fmt: skip


def test_words_are_read_too() -> None:
    words = "mlp|linear-attention|attention|mlp|mlp|mlp"
    assert str(CELL.architecture(words)) == "MLAMMM"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("MLAMM", "6 of the letters A, L, M"),
        ("MLAMMX", "'X'"),
        ("mlp|mlp", "6 of the letters A, L, M"),
        ("", "6 of the letters"),
    ],
)
def test_other_texts_are_refused(text: str, message: str) -> None:
    with pytest.raises(ArchitectureError, match=message):
        CELL.architecture(text)


def test_blocks_are_a_residual_chain() -> None:
    assert CELL.block_graph.residual
    assert CELL.block_graph.edges == tuple((i, i + 1) for i in range(6))
