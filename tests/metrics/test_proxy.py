"""Proxies as known quantities of an Ax experiment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ax.api.client import Client
from torch import nn

from ax_anasod import cells
from ax_anasod._ax import experiment_of
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.core import architecture_of
from ax_anasod.exceptions import OptionError, RunError, UnknownNameError
from ax_anasod.experiment import make_client
from ax_anasod.metrics import KnownProxy
from ax_anasod.proxies import Proxies, ProxyConfig
from ax_anasod.storage import close_database, storage_config

WHOLE = cells.get("nas-bench-201")
CELL = RestrictedCell(WHOLE, WHOLE.sample(40, np.random.default_rng(0)))


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def go_on(client: Client, trials: int) -> list[list[int]]:
    for _ in range(trials):
        (index,) = client.get_next_trials(1)
        code = architecture_of(client, index).code
        client.complete_trial(index, {"error": float((code != 3).sum() + 0.1 * code[0])})
    trials_so_far = sorted(experiment_of(client).trials)
    return [architecture_of(client, index).code.tolist() for index in trials_so_far]


def make(**kwargs: object) -> Client:
    return make_client(
        CELL, "two-level-bo", start="synflow", features=["zico"], num_initial=6, seed=3, **kwargs
    )


@pytest.mark.parametrize("storage", ["json", "sql"])
def test_a_search_with_proxies_goes_on_exactly(storage: str, tmp_path: Path) -> None:
    whole = go_on(make(), 12)
    flows = Proxies(CELL, ProxyConfig(seed=3))("synflow", CELL.enumerate())
    first = Proxies(CELL, ProxyConfig(seed=3))("synflow", np.array(whole[:5]))
    assert first[0] == flows.max()
    assert list(first) == sorted(first, reverse=True)
    if storage == "json":
        client = make()
        go_on(client, 8)
        client.save_to_json_file(str(tmp_path / "run.json"))
        client = Client.load_from_json_file(str(tmp_path / "run.json"))
    else:
        client = make(storage_config=storage_config(tmp_path / "run.db"), name="run")
        go_on(client, 8)
        close_database()
        client = Client.load_from_database("run", storage_config(tmp_path / "run.db"))
    assert go_on(client, 4) == whole
    close_database()


def test_a_cell_too_large_for_a_feature_may_start() -> None:
    darts = cells.get("darts")
    with pytest.raises(OptionError, match="'synflow' cannot be a feature on cell 'darts'"):
        make_client(darts, "two-level-bo", features=["synflow"])
    make_client(darts, "two-level-bo", features=["flops"], start="-parameters")


def test_operations_of_a_user_are_not_stored(tmp_path: Path) -> None:
    cell = Cell("mine", ["conv", "skip_connect"], num_blocks=3)
    own = {"conv": lambda c_in, c_out, stride: nn.Conv2d(c_in, c_out, 3, stride, 1)}
    proxy = KnownProxy("flow", cell, proxy="synflow", operations=own)
    client = make_client(cell, "two-level-bo", features={"flow": proxy}, start="flow")
    client.get_next_trials(1)
    assert architecture_of(client, 0).code.tolist() == [0, 0, 0]
    with pytest.raises(RunError, match="'flow' has operations of your own"):
        client.save_to_json_file(str(tmp_path / "run.json"))
    with pytest.raises(UnknownNameError):
        KnownProxy("flow", cell, operations=own)
