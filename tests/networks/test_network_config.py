import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod import cells
from ax_anasod.cells import RestrictedCell
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.networks import NetworkConfig, published_config


@given(
    st.builds(
        NetworkConfig,
        skeleton=st.sampled_from(["nasnet", "nas-bench-201"]),
        channels=st.integers(1, 64),
        cells=st.integers(1, 10).map(lambda stage: 3 * stage),
        num_classes=st.integers(2, 1000),
        in_channels=st.integers(1, 4),
        auxiliary=st.booleans(),
        drop_path=st.floats(0, 0.99),
    )
)
def test_it_survives_json(config):
    assert NetworkConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"channels": 0}, "channels must be at least 1 .*, got 0"),
        ({"channels": 2.5}, "channels must be a whole number"),
        ({"cells": 2}, "cells must be at least 3 .*, got 2"),
        ({"num_classes": 1}, "num_classes must be at least 2 .*, got 1"),
        ({"in_channels": True}, "in_channels must be a whole number"),
        ({"auxiliary": 0.4}, "auxiliary must be true or false, got 0.4"),
        ({"drop_path": 1.0}, "drop_path must be at least 0 and below 1, got 1.0"),
        ({"drop_path": float("nan")}, "drop_path must be"),
        ({"skeleton": "nas-bench-201", "cells": 16}, "cells must be a multiple of 3"),
    ],
)
def test_wrong_numbers_are_refused(wrong, message):
    with pytest.raises(OptionError, match=message):
        NetworkConfig(**wrong)


def test_wrong_names_are_refused_with_the_nearest():
    with pytest.raises(UnknownNameError):
        NetworkConfig(skeleton="nasnett")
    with pytest.raises(UnknownNameError):
        NetworkConfig.from_dict({"chanels": 3})


def test_the_paper_has_24_cells_of_36_channels():
    config = published_config(cells.get("nasnet"))
    assert (config.skeleton, config.cells, config.channels) == ("nasnet", 24, 36)


def test_benchmarks_have_their_own_sizes():
    assert published_config(cells.get("darts")).cells == 20
    cell = cells.get("nas-bench-201")
    expected = NetworkConfig("nas-bench-201", channels=16, cells=15)
    assert published_config(cell) == expected
    few = RestrictedCell(cell, np.zeros((1, 6), dtype=int))
    assert published_config(few, auxiliary=True) == dataclasses.replace(expected, auxiliary=True)
