"""Values that are looked up, and latencies measured once and kept with the trial, as Ax metrics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ax.api.client import Client
from ax.api.protocols.metric import IMetric
from ax.core.metric import Metric

from ax_anasod import cells
from ax_anasod._ax import experiment_of
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.experiment import attach_architecture, make_client
from ax_anasod.metrics import LatencyMetric, LookupMetric
from ax_anasod.networks import NetworkConfig
from ax_anasod.storage import close_database, storage_config
from ax_anasod.training import LatencyConfig

CELL = cells.get("nas-bench-201")
CONFIG = NetworkConfig(skeleton="nas-bench-201", channels=4, cells=3)
QUICK = LatencyConfig(seconds=0.1)
METADATA = {"architecture": "conv|skip", "values": {"valid_error": 3.5, "test_error": 4}}


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_database()


def metric(**changes: object) -> LatencyMetric:
    arguments = {"cell": CELL, "config": CONFIG, "image_size": (8, 8), "measurement": QUICK}
    return LatencyMetric("latency", **{**arguments, **changes})  # type: ignore[arg-type]


def client(**options: object) -> Client:
    return make_client(
        CELL,
        "two-level-bo",
        objectives="error",
        reported="latency",
        metrics=metric(),
        num_initial=2,
        **options,  # type: ignore[arg-type]
    )


def latencies(found: Client) -> list[float]:
    data = experiment_of(found).lookup_data().df
    return data[data["metric_name"] == "latency"].sort_values("trial_index")["mean"].tolist()


def test_it_is_measured_with_the_first_data_of_a_trial_and_kept(tmp_path: Path) -> None:
    stored = storage_config(tmp_path / "search.db")
    search = client(storage_config=stored, name="mine")
    for _ in range(3):
        for index in search.get_next_trials(1):
            search.complete_trial(index, {"error": 10.0 - index})
    assert len(latencies(search)) == 3
    assert all(0 < value < 1000 for value in latencies(search))
    trial = experiment_of(search).trials[0]
    record = trial.run_metadata["latency"]["latency"]
    assert record["median"] == pytest.approx(latencies(search)[0])
    assert record["versions"].keys() == {"torch"}
    # Fetched again it is the same, here and in another process.
    again = experiment_of(search).metrics["latency"].fetch_trial_data(trial).unwrap().df
    assert again["mean"].tolist() == [record["median"]]
    loaded = Client.load_from_database("mine", storage_config=stored)
    restored = experiment_of(loaded).metrics["latency"]
    assert isinstance(restored, LatencyMetric)
    assert restored.measurement == QUICK.to_dict()
    np.testing.assert_allclose(latencies(loaded), latencies(search), atol=1e-9)
    fetched = restored.fetch_trial_data(experiment_of(loaded).trials[0]).unwrap().df
    assert fetched["mean"].tolist() == pytest.approx([record["median"]])


def test_slow_cells_have_larger_values() -> None:
    search = client()
    for operation in ("nor_conv_3x3", "skip_connect"):
        code = [[CELL.operations.index(operation)] * CELL.num_blocks]
        attach_architecture(search, CELL.to_strings(np.array(code))[0], {"error": 1.0})
    one, other = latencies(search)
    assert one > 1.5 * other


def test_another_cell_is_refused() -> None:
    search = make_client(cells.get("nasnet"), "random", objectives="error", reported="other")
    attach = search.get_next_trials(1)
    trial = experiment_of(search).trials[next(iter(attach))]
    failed = metric().fetch_trial_data(trial)
    assert isinstance(failed.err.exception, OptionError)
    assert "nas-bench-201" in failed.err.message


def test_bad_arguments() -> None:
    with pytest.raises(UnknownNameError):
        metric(measurement={"device": "abacus"})


def test_it_is_a_metric_in_both_of_axs_forms() -> None:
    metric = LookupMetric("valid_error")

    assert isinstance(metric, IMetric)
    assert isinstance(metric, Metric)
    assert metric.name == "valid_error"


def test_it_fetches_its_own_value_without_noise() -> None:
    assert LookupMetric("valid_error").fetch(0, METADATA) == (0, 3.5)
    assert LookupMetric("test_error").fetch(0, METADATA) == (0, 4.0)


def test_a_quantity_that_was_not_looked_up_is_named() -> None:
    with pytest.raises(UnknownNameError):
        LookupMetric("valid_eror").fetch(0, METADATA)
