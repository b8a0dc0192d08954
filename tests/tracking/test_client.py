from __future__ import annotations

from pathlib import Path

import pytest
from ax.api.client import Client

from ax_anasod import architecture_of, make_client
from ax_anasod.journal import Completed, Failed, Record
from ax_anasod.tracking import ClientTracking, TrackedRun, Tracker
from tests.tracking.conftest import CELL, Recorder


class Keeper(Tracker):
    """Keeps the records of trials."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def on_trial_end(self, run: TrackedRun, record: Record, best: Completed | None) -> None:
        self.records.append(record)


@pytest.mark.parametrize("strategy", ["random", "anasod-random"])
def test_trials_of_a_loop_are_records(strategy: str) -> None:
    client = make_client(CELL, strategy, objectives="error", reported=["ms"], seed=0)
    keeper = Keeper()
    tracking = ClientTracking(client, [keeper])
    first, second, third = client.get_next_trials(max_trials=3)
    client.complete_trial(second, raw_data={"error": 3.0, "ms": 1.5})
    client.mark_trial_failed(third, failed_reason="out of memory")
    tracking.update()
    tracking.update()

    assert [record.trial for record in keeper.records] == [second, third]
    completed, failed = (record.end for record in keeper.records)
    assert isinstance(completed, Completed)
    architecture = architecture_of(client, second)
    assert completed.values == {"error": 3.0, "ms": 1.5}
    assert completed.architecture == str(architecture)
    operations = architecture.operations
    assert completed.encoding == {name: operations.count(name) for name in CELL.operations}
    assert isinstance(failed, Failed)
    assert failed.reason == "out of memory"
    client.complete_trial(first, raw_data={"error": 2.0, "ms": 1.5})
    tracking.end()
    assert [record.trial for record in keeper.records] == [second, third, first]


def test_epochs_and_the_end_are_told_and_a_loaded_client_goes_on(tmp_path: Path) -> None:
    client = make_client(CELL, "random", objectives="error", seed=0)
    recorder = Recorder()
    with ClientTracking(client, [recorder], folder=tmp_path) as tracking:
        (index,) = client.get_next_trials(max_trials=1)
        for epoch in (1, 2):
            tracking.epoch(index, epoch, {"error": 9.0 - epoch})
        client.complete_trial(index, raw_data={"error": 7.0})
    assert recorder.told == [("epoch", 0, 1), ("epoch", 0, 2), ("trial", 0), ("end", True)]
    client.save_to_json_file(str(tmp_path / "client.json"))
    loaded = Client.load_from_json_file(str(tmp_path / "client.json"))
    after = Recorder()
    tracking = ClientTracking(loaded, [after], folder=tmp_path)
    (index,) = loaded.get_next_trials(max_trials=1)
    loaded.complete_trial(index, raw_data={"error": 6.0})
    tracking.end(finished=False)
    assert after.told == [("trial", 1), ("end", False)]
