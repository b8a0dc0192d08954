"""Which architectures of a cell are one network."""

from __future__ import annotations

import numpy as np

from ax_anasod import cells
from ax_anasod.proxies.sharing import representatives
from ax_anasod.surrogates.paths import effective_paths, path_numbers

CELL = cells.get("nas-bench-201")


def test_what_is_one_network_has_the_same_paths() -> None:
    keys, first = representatives(CELL)
    codes = CELL.enumerate()
    paths = np.sort(path_numbers(effective_paths(CELL, codes)), axis=1)[
        np.argsort(CELL.keys(codes))
    ]
    mine = np.searchsorted(keys, CELL.keys(first))
    np.testing.assert_array_equal(paths, paths[mine])
    # The reverse does not hold: one convolution whose result is read twice is not two.
    assert len(np.unique(mine)) > len(np.unique(paths, axis=0)) > 4000


def test_a_convolution_read_twice_is_one() -> None:
    once, twice, renamed = CELL.from_strings(
        [
            "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|skip_connect~1|skip_connect~2|",
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|skip_connect~2|",
            "|skip_connect~0|+|nor_conv_3x3~0|none~1|+|nor_conv_3x3~0|none~1|skip_connect~2|",
        ]
    )
    keys, first = representatives(CELL)

    def of(code: np.ndarray) -> list[int]:
        return list(first[np.searchsorted(keys, CELL.keys(code[None]))][0])

    assert of(once) != of(twice)
    assert of(twice) == of(renamed)
