"""The card of what the features of a search have carried."""

from __future__ import annotations

import numpy as np
import pytest

from ax_anasod._ax import experiment_of, strategy_of
from ax_anasod.analysis import FeatureTable, write_report
from ax_anasod.cells import Cell
from ax_anasod.core import architecture_of
from ax_anasod.experiment import make_client
from ax_anasod.typing import Codes, Values

CELL = Cell("plain", ["conv", "pool", "skip"], num_blocks=5)
NOISE = np.random.default_rng(1).permutation(len(CELL.enumerate())).astype(float)


def error(codes: Codes) -> Values:
    return np.asarray(3.0 + codes @ np.array([1.0, 0.7, 0.5, 0.3, 0.1]))


def noise(codes: Codes) -> Values:
    return NOISE[codes @ 3 ** np.arange(5)]


def test_what_is_right_carries_more_than_noise(tmp_path: object) -> None:
    client = make_client(
        CELL, "two-level-bo", features={"right": lambda c: -error(c), "noise": noise}, num_initial=8
    )
    for index in range(24):
        client.get_next_trials(1)
        code = architecture_of(client, index).code[None]
        client.complete_trial(index, {"error": float(error(code)[0])})
    experiment = experiment_of(client)
    (card,) = FeatureTable().compute(experiment).flatten()
    frame = card.df.set_index("feature")
    assert frame.loc["right", "share"] > frame.loc["noise", "share"]
    assert frame.loc["right", "agreement"] == pytest.approx(-1.0)
    assert frame.loc["right", "warning"] == ""
    assert "no better than chance" in frame.loc["noise", "warning"]
    page = write_report(experiment, strategy_of(client), f"{tmp_path}/report.html", title="x")
    assert "What was known before" in page.read_text()


def test_where_no_trial_had_a_feature() -> None:
    client = make_client(CELL, "two-level-bo", features={"right": error}, num_initial=2)
    for index in range(2):
        client.get_next_trials(1)
        client.complete_trial(index, {"error": 1.0 + index})
    reason = FeatureTable().validate_applicable_state(experiment_of(client))
    assert reason == "No trial was proposed by a model with features."
