"""The report of a real search, opened in a real browser, wide and narrow, light and dark."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ax_anasod._ax import experiment_of, strategy_of
from ax_anasod.analysis import write_report
from ax_anasod.analysis.page import Page
from ax_anasod.experiment import make_client
from ax_anasod.nasbench import NASBenchGraphBenchmark
from ax_anasod.runners import BenchmarkQuery

playwright = pytest.importorskip("playwright.sync_api")

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, _BROWSERS)), None)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    # No name resolves, so that a page that needs the network shows it everywhere.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
# A strategy of encodings and one of architectures, a telephone and a screen.
VISITS = [("anasod-bo", 390, "dark"), ("two-level-bo", 1400, "light")]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="needs chromium (Debian: apt install chromium)"),
]


@dataclass
class Visit:
    """A page in a browser.

    Args:
        page: Playwright's page.
        width: Its width in pixels.
        console: What it wrote to the console, errors of the browser included.
        requests: The addresses that it asked for, its own left out.
    """

    page: playwright.Page
    width: int
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def cards(self) -> dict[str, playwright.Locator]:
        """Title -> section of the page."""
        sections = self.page.locator("section").all()
        return {section.locator("h2, h3").inner_text(): section for section in sections}


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def visit(browser: playwright.Browser) -> Callable[..., Visit]:
    def open_page(path: Path, width: int = 1400, scheme: str = "light") -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True
        )
        seen = Visit(context.new_page(), width)
        seen.page.on("console", lambda message: seen.console.append(message.text))
        seen.page.on("pageerror", lambda error: seen.console.append(str(error)))
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.goto(path.as_uri())
        seen.requests.remove(path.as_uri())
        return seen

    return open_page


def make_report(strategy: str, folder: Path) -> Path:
    benchmark = NASBenchGraphBenchmark("cora")
    query = BenchmarkQuery(benchmark, seed=0)
    client = make_client(benchmark.cell, strategy, objectives="valid_error", seed=0)
    for _ in range(13):
        (index,) = client.get_next_trials(1)
        if index == 3:
            client.mark_trial_failed(index)
            continue
        values = query.of(experiment_of(client).trials[index])["values"]
        client.complete_trial(index, raw_data={"valid_error": values["valid_error"]})
    return write_report(
        experiment_of(client),
        strategy_of(client),
        folder / "report.html",
        title=f"{strategy} on cora",
        optimum=benchmark.optimum("valid_error"),
        unit="percent",
    )


@pytest.fixture(scope="module", params=VISITS, ids=lambda each: f"{each[0]}-{each[1]}-{each[2]}")
def report(request, tmp_path_factory, visit) -> Visit:
    strategy, width, scheme = request.param
    seen = visit(make_report(strategy, tmp_path_factory.mktemp("browser")), width, scheme)
    count = seen.page.locator(".figure").count()
    drawn = "document.querySelectorAll('.figure .main-svg .bglayer').length"
    seen.page.wait_for_function(f"{drawn} >= {count}")
    return seen


def test_every_figure_is_drawn_and_nothing_is_wider_than_the_page(report):
    cards = report.cards()
    assert list(cards)[:3] == [
        "Best trial",
        "Incumbent: valid_error",
        "Operation distribution of the trials",
    ]
    assert len([title for title in cards if title.startswith("How well the model")]) == 1
    assert report.page.locator(".figure").count() == 7
    assert report.page.evaluate("document.documentElement.scrollWidth") <= report.width
    for figure in report.page.locator(".figure .main-svg").all():
        box = figure.bounding_box()
        assert box is None or box["x"] + box["width"] <= report.width


def test_nothing_goes_wrong_and_nothing_is_requested(report):
    assert report.console == []
    assert report.requests == []


def test_marks_and_labels_are_drawn(report):
    cards = report.cards()
    incumbent = cards["Incumbent: valid_error"].inner_html()
    beyond = re.search(r">beyond the axis \((\d+)\)</text>", incumbent)
    # Twelve values, those beyond the axis at its edge, the star on the best, and the failed trial.
    marks = 14 + (0 if beyond is None else int(beyond[1]))
    assert len(re.findall(r'<path class="point\b', incumbent)) == marks
    assert ">valid_error [%]</text>" in incumbent
    assert ">failed or abandoned (1)</text>" in incumbent
    assert ">optimum 18.07 %</text>" in incumbent
    bars = cards["Operation distribution of the trials"].inner_html()
    assert len(re.findall(r'<g class="point"><path', bars)) == 13 * 9
    result = cards["Best trial"]
    assert "13 trials (12 completed, 1 failed)" in result.inner_text()
    assert "percentage points above the optimum of 18.07 %" in result.inner_text()
    # Four blocks, an input and an output.
    assert result.locator("svg rect").count() == 6


def test_figures_have_the_colours_of_the_page(report):
    ink = report.page.evaluate("getComputedStyle(document.body).color")
    fill = "element => getComputedStyle(element).fill"
    assert report.page.locator(".xtitle").first.evaluate(fill) == ink


def test_colours_change_with_those_of_the_system(report):
    page, fill = report.page, "element => getComputedStyle(element).fill"
    title = page.locator(".xtitle").first
    before = title.evaluate(fill)
    scheme = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    page.emulate_media(color_scheme="light" if scheme else "dark")
    page.wait_for_function(
        "before => getComputedStyle(document.querySelector('.xtitle')).fill !== before", arg=before
    )
    assert title.evaluate(fill) == page.evaluate("getComputedStyle(document.body).color")


def rows_of(table: playwright.Locator, column: int) -> list[str]:
    return table.locator(f"tbody tr:visible td:nth-child({column + 1})").all_inner_texts()


def test_the_table_of_the_trials_sorts_filters_and_is_a_file(report, tmp_path):
    section = report.cards()["Trials"]
    table, page = section.locator("table"), report.page
    columns = [text.strip() for text in table.locator("th").all_inner_texts()]
    value, status = columns.index("valid_error"), columns.index("status")
    assert "architecture" in columns
    button = table.locator("th button").nth(value)
    button.click()
    ascending = rows_of(table, value)
    assert ascending[-1] == ""
    numbers = [float(text) for text in ascending[:-1]]
    assert numbers == sorted(numbers)
    button.click()
    descending = rows_of(table, value)
    assert descending == [*reversed(ascending[:-1]), ""]
    assert table.locator("th").nth(value).get_attribute("aria-sort") == "descending"

    middle = numbers[5]
    section.locator("input").fill(f"completed valid_error<={middle}")
    shown = [float(text) for text in rows_of(table, value)]
    assert shown == [number for number in reversed(numbers) if number <= middle]
    assert section.locator("output").inner_text() == f"{len(shown)} of 13 rows"
    section.locator("input").fill("FAILED")
    assert rows_of(table, status) == ["failed"]
    section.locator("input").fill("")
    assert len(rows_of(table, status)) == 13

    with page.expect_download() as started:
        section.get_by_text("Download CSV").click()
    file = tmp_path / started.value.suggested_filename
    started.value.save_as(file)
    assert file.name == "trials.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0].split(",")[:3] == ["trial_index", "status", "valid_error"]
    assert len(lines) == 14


def test_no_other_script_may_run(tmp_path, visit):
    page = tmp_path / "page.html"
    page.write_text(Page("t", []).render(), encoding="utf-8")
    seen = visit(page)
    seen.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
        }"""
    )
    assert seen.page.evaluate("window.ran") is None
    assert "Content Security Policy" in seen.console[-1]


def test_a_page_with_errors_and_requests_would_be_noticed(tmp_path, visit):
    page = tmp_path / "bad.html"
    page.write_text(
        "<body><script src='http://example.invalid/library.js'></script>"
        "<script>fetch('http://example.invalid/data').catch(() => 0); undefined.name</script>"
        "</body>"
    )
    seen = visit(page)
    seen.page.wait_for_timeout(200)
    assert any("Cannot read properties of undefined" in line for line in seen.console)
    assert {"http://example.invalid/library.js", "http://example.invalid/data"} <= {*seen.requests}
