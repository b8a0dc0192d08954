"""The report of a real search, opened in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from ax_anasod.analysis import write_report
from ax_anasod.experiment import make_client
from ax_anasod.nasbench import NASBenchGraphBenchmark
from ax_anasod.runners import BenchmarkQuery
from tests.conftest import PATIENCE

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No name resolves, so that a page that needs the network shows it everywhere.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--enable-logging=stderr",
    "--v=0",
    # Scripts run until nothing is left to do, at most for these simulated milliseconds.
    "--virtual-time-budget=20000",
    "--dump-dom",
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="needs chromium (Debian: apt install chromium)"),
]


@dataclass(frozen=True)
class Visit:
    """What a browser made of a page.

    Args:
        dom: The document after all scripts ran.
        console: What the page wrote to the console, errors of the browser included.
        requests: The addresses that the page, not the browser itself, asked the network for.
    """

    dom: str
    console: list[str]
    requests: list[str]


def visit(page: Path, folder: Path) -> Visit:
    """Open a file in headless chromium."""
    log = folder / "network.json"
    done = subprocess.run(
        [
            str(BROWSER),
            *FLAGS,
            f"--user-data-dir={folder / 'profile'}",
            f"--log-net-log={log}",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    recorded = json.loads(log.read_text(encoding="utf-8"))
    started = recorded["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    return Visit(
        dom=done.stdout,
        console=[line for line in done.stderr.splitlines() if ":CONSOLE" in line],
        requests=[
            event["params"]["url"]
            for event in recorded["events"]
            if event["type"] == started
            # Chromium's own requests (updates, accounts) come from no page.
            and event.get("params", {}).get("initiator", "not an origin") != "not an origin"
        ],
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Visit:
    folder = tmp_path_factory.mktemp("browser")
    benchmark = NASBenchGraphBenchmark("cora")
    query = BenchmarkQuery(benchmark, seed=0)
    client = make_client(benchmark.cell, "anasod-bo", objectives="valid_error", seed=0)
    for _ in range(13):
        (index,) = client.get_next_trials(1)
        if index == 3:
            client.mark_trial_failed(index)
            continue
        values = query.of(client._experiment.trials[index])["values"]
        client.complete_trial(index, raw_data={"valid_error": values["valid_error"]})
    page = write_report(
        client._experiment,
        client._generation_strategy,
        folder / "report.html",
        title="ANASOD-BO on cora",
        optimum=benchmark.optimum("valid_error"),
        unit="percent",
    )
    return visit(page, folder)


def test_every_figure_is_drawn(report):
    figures = re.split(r'<div id="figure-\d+"', report.dom)[1:]
    assert len(figures) >= 5
    for figure in figures:
        assert 'class="main-svg"' in figure.split("</section>")[0]


def test_marks_and_labels_are_drawn(report):
    by_card = {
        re.search(r"<h3>(.*?)</h3>", section)[1]: section
        for section in report.dom.split("<section")[1:]
    }
    incumbent = by_card["Incumbent: valid_error"]
    # Twelve values, the star on the best of them, and the failed trial.
    assert len(re.findall(r'<path class="point\b', incumbent)) == 14
    assert ">valid_error [%]</text>" in incumbent
    assert ">failed or abandoned (1)</text>" in incumbent
    assert ">optimum 18.07 %</text>" in incumbent
    bars = by_card["Operation distribution of the trials"]
    assert len(re.findall(r'<g class="point"><path', bars)) == 13 * 9
    assert "13 trials (12 completed, 1 failed)" in by_card["Best trial"]


def test_the_console_is_empty(report):
    assert report.console == []


def test_nothing_is_requested(report):
    assert report.requests == []


def test_a_page_with_errors_and_requests_would_be_noticed(tmp_path):
    page = tmp_path / "bad.html"
    page.write_text(
        "<body><script src='http://example.invalid/library.js'></script>"
        "<script>fetch('http://example.invalid/data').catch(() => 0); undefined.name</script>"
        "</body>"
    )
    seen = visit(page, tmp_path)
    assert any("TypeError" in line for line in seen.console)
    assert {"http://example.invalid/library.js", "http://example.invalid/data"} <= set(
        seen.requests
    )
