"""Runs with given values, and the fitted adapter of their strategy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from ax.api.client import Client

from ax_anasod._ax import experiment_of, nodes_of, strategy_of
from ax_anasod.adapter import EncodingAdapter
from ax_anasod.cells import Cell
from ax_anasod.experiment import make_client

Build = Callable[..., Client]


@pytest.fixture(scope="session")
def run(toy_cell: Cell) -> Build:
    """A client with the given encodings as trials; a string in place of a value is a state."""

    def build(
        encodings: Sequence[Sequence[int]],
        outcomes: Sequence[Any],
        cell: Cell = toy_cell,
        **options: Any,
    ) -> Client:
        client = make_client(cell, "anasod-bo", **options)
        names = list(experiment_of(client).search_space.parameters)
        for counts, outcome in zip(encodings, outcomes, strict=True):
            index = client.attach_trial(dict(zip(names, counts, strict=True)))
            if outcome == "failed":
                client.mark_trial_failed(index)
            elif outcome == "abandoned":
                client.mark_trial_abandoned(index)
            elif outcome != "running":
                raw = outcome if isinstance(outcome, dict) else {"error": outcome}
                client.complete_trial(index, raw_data=dict(raw))
        return client

    return build


@pytest.fixture(scope="session")
def fit() -> Callable[[Client], EncodingAdapter]:
    """The adapter as the model node of the client's strategy fits it."""

    def fitted(client: Client) -> EncodingAdapter:
        (spec,) = nodes_of(strategy_of(client))[-1].generator_specs
        spec.fit(experiment_of(client))
        adapter = spec.fitted_adapter
        assert isinstance(adapter, EncodingAdapter)
        return adapter

    return fitted
