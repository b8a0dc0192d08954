from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.analysis.moves import exchanges, line
from ax_anasod.simplex import neighbours

counts_lists = st.lists(st.integers(0, 4), min_size=2, max_size=6).filter(any)


@given(counts_lists, st.data())
def test_a_line_stays_on_the_simplex_and_passes_through_its_start(counts, data):
    start = np.array(counts)
    more, less = data.draw(
        st.permutations(range(len(counts))).map(lambda order: order[:2]), label="pair"
    )
    encodings = line(start, more, less)
    assert (encodings >= 0).all()
    assert (encodings.sum(axis=1) == start.sum()).all()
    assert (np.diff(encodings[:, more]) == 1).all()
    assert (np.diff(encodings[:, less]) == -1).all()
    assert encodings[start[more]].tolist() == counts
    others = [i for i in range(len(counts)) if i not in (more, less)]
    assert (encodings[:, others] == start[others]).all()


@given(counts_lists)
def test_exchanges_are_the_neighbours_on_the_grid(counts):
    start = np.array(counts)
    encodings, operations = exchanges(start)
    assert sorted(encodings.tolist()) == sorted(neighbours(start).tolist())
    for encoding, (more, less) in zip(encodings, operations, strict=True):
        change = np.zeros(len(counts), dtype=int)
        change[more], change[less] = 1, -1
        assert (encoding - start == change).all()
