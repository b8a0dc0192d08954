"""Keys: different for different codes, and ordered as these."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.cells import Cell, keys
from ax_anasod.exceptions import CellError

sizes_and_codes = st.lists(st.integers(2, 300), min_size=1, max_size=12).flatmap(
    lambda sizes: st.tuples(
        st.just(tuple(sizes)),
        st.lists(st.tuples(*(st.integers(0, s - 1) for s in sizes)), min_size=1, max_size=20),
    )
)


@given(sizes_and_codes)
def test_keys_order_as_codes_do(drawn: tuple[tuple[int, ...], list[tuple[int, ...]]]) -> None:
    sizes, rows = drawn
    codes = np.array(rows, dtype=np.int64)
    made = [keys.byte_keys(codes, sizes)]
    if keys.fits_int64(sizes):
        made.append(keys.pack(codes, sizes))
    for packed in made:
        for i, one in enumerate(rows):
            assert (packed < packed[i]).tolist() == [row < one for row in rows]
            assert (packed == packed[i]).tolist() == [row == one for row in rows]


@given(sizes_and_codes)
def test_unpack_inverts_pack(drawn: tuple[tuple[int, ...], list[tuple[int, ...]]]) -> None:
    sizes, rows = drawn
    codes = np.array(rows, dtype=np.int64)
    if keys.fits_int64(sizes):
        assert keys.unpack(keys.pack(codes, sizes), sizes).tolist() == codes.tolist()


def test_the_largest_packable_cell() -> None:
    assert keys.fits_int64((2,) * 63)
    assert not keys.fits_int64((2,) * 64)
    ones = np.ones((1, 63), dtype=np.int64)
    assert keys.pack(ones, (2,) * 63).tolist() == [2**63 - 1]


def test_keys_find_rows_of_any_cell(cell: Cell, rng: np.random.Generator) -> None:
    codes = cell.sample(500, rng)
    known = np.unique(cell.keys(codes))
    found = np.searchsorted(known, cell.keys(codes))
    assert (known[found] == cell.keys(codes)).all()
    assert len(known) == len(np.unique(codes, axis=0))


def test_pack_refuses_what_64_bits_cannot_number() -> None:
    cell = Cell("wide", [f"op {i}" for i in range(12)], num_blocks=40)
    with pytest.raises(CellError):
        cell.pack(np.zeros((1, 40), dtype=int))
