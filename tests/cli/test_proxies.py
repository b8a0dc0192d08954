"""``ax-anasod proxies``, and proxies as ``--feature`` and ``--start``."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.proxies import Proxies, ProxyConfig
from tests.cli.conftest import Command, write_table

Refused = Callable[..., str]
CELL = 'name = "small"\noperations = ["skip_connect", "nor_conv_1x1", "none"]\nnum_blocks = 3\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Path("small.toml").write_text(CELL)


@pytest.fixture
def trained() -> list[object]:
    """A table whose accuracy is synflow."""
    cell = cells.resolve("small.toml")
    codes = cell.enumerate()
    flow = Proxies(cell, ProxyConfig(seed=2))("synflow", codes)
    rows = [
        {"arch": text, "score": 50.0 + value, "naswot": float(n)}
        for n, (text, value) in enumerate(zip(cell.to_strings(codes), flow, strict=True))
    ]
    write_table(Path("table.csv"), rows)
    return ["--benchmark", "table", "--data", "table.csv", "--cell", "small.toml"]


def test_rank_agreement_with_what_is_known(command: Command, trained: list[object]) -> None:
    options = ["--accuracy", "score", "--architectures", 0, "--seed", 2, "--out", "proxies.csv"]
    outcome = command("proxies", "synflow", "parameters", *trained, *options, "--json")
    assert outcome.code == 0, outcome.err
    flow, size = outcome.json["proxies"]
    assert flow["rank_agreement"] == {"score_error": pytest.approx(1.0)}
    assert 0 < size["rank_agreement"]["score_error"] < 1
    rows = list(csv.DictReader(Path("proxies.csv").read_text().splitlines()))
    assert len(rows) == len(cells.resolve("small.toml").enumerate())
    assert float(rows[0]["synflow"]) >= flow["smallest"]
    table = command("proxies", "flops", "--cell", "darts", "--architectures", 3)
    assert table.code == 0
    assert "3 architectures of darts" in table.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["synflo", "--cell", "darts"], "did you mean 'synflow'?"),
        (["--cell", "nas-bench-graph"], "describes graph neural networks"),
        (["--cell", "darts", "--architectures", 0], "too many architectures"),
        ([], "the proxies of which cell?"),
        (["--cell", "darts", "--accuracy", "x"], "--accuracy is for --benchmark"),
        (["--cell", "darts", "--out", "small.toml"], "there is a file small.toml already"),
    ],
)
def test_what_is_refused(refused: Refused, options: list[object], message: str) -> None:
    assert message in refused("proxies", *options)


def test_a_run_with_proxies_goes_on(command: Command, trained: list[object]) -> None:
    search = ["search", *trained, "--accuracy", "score", "--seed", 2, "--strategy", "two-level-bo"]
    known = ["--option", "num_initial=6", "--start", "-synflow", "--feature", "zico"]
    whole = command(*search, *known, "--trials", 10, "--json").json
    # The smallest synflow has the smallest accuracy here.
    assert whole["values"]["score_error"][0] == 50.0
    assert command(*search, *known, "--trials", 7, "--out", "run").code == 0
    assert command("resume", "run", "--trials", 10, "--json").json["values"] == whole["values"]
    config = json.loads(Path("run/config.json").read_text())
    assert [feature["name"] for feature in config["proxies"]] == ["zico"]
    config["proxies"][0]["values"][0] += 0.5
    Path("run/config.json").write_text(json.dumps(config))
    changed = command("resume", "run", "--trials", 11)
    assert changed.code == 2
    assert "the feature 'zico' has other values than when the run began" in changed.err


def test_a_column_comes_before_a_proxy(command: Command, trained: list[object]) -> None:
    search = ["search", *trained, "--accuracy", "score", "--strategy", "two-level-bo"]
    content = command(*search, "--start", "naswot", "--trials", 5, "--json").json
    last = cells.resolve("small.toml").to_strings(cells.resolve("small.toml").enumerate())[-5:]
    assert content["architectures"] == last[::-1]
    assert np.isfinite(content["values"]["score_error"]).all()
