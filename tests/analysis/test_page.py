from __future__ import annotations

import re

import pandas as pd
import pytest
from ax.analysis.plotly.plotly_analysis import create_plotly_analysis_card
from ax.core.analysis_card import AnalysisCard
from plotly import graph_objects as go

from ax_anasod.analysis.page import Page

EVIL = "</script><script>alert('x')</script><img src=x onerror=alert(1)>"


def table_card(text: str, frame: pd.DataFrame) -> AnalysisCard:
    return AnalysisCard(name=text, title=text, subtitle=text, df=frame, blob="")


def figure_card(text: str) -> AnalysisCard:
    figure = go.Figure(go.Scatter(x=[1], y=[2], name=text), layout={"title": {"text": text}})
    return create_plotly_analysis_card(text, text, text, pd.DataFrame(), figure)


def body_of(page: str) -> str:
    return page[page.index("<body>") :]


def test_text_of_users_is_escaped_everywhere():
    frame = pd.DataFrame({EVIL: [EVIL]})
    page = Page(
        title=EVIL,
        facts={EVIL: EVIL},
        sections=[(EVIL, [table_card(EVIL, frame), figure_card(EVIL)])],
        missing=[(EVIL, EVIL)],
    ).render()
    # Title, head, facts, heading, two cards with subtitle, table and figure, missing.
    assert EVIL not in page
    assert "<img" not in page
    assert "&lt;/script&gt;" in page
    # The library, and plotly's two scripts per figure.
    scripts = re.findall(r"<script[^>]*>", body_of(page))
    assert len(scripts) == len(re.findall(r"</script>", body_of(page))) <= 2


def test_plotly_is_inlined_once_and_nothing_is_loaded():
    page = Page("t", {}, [("s", [figure_card("a"), figure_card("b")])], []).render()
    assert page.count("plotly.js v") == 1
    assert not re.search(r"<(script|img|iframe|link)[^>]*\s(src|href)=", page)
    assert "default-src 'none'" in page
    assert "connect-src" not in page


def test_line_breaks_of_ax_subtitles_stay():
    page = Page("t", {}, [("s", [table_card("a<br>b", pd.DataFrame())])], []).render()
    assert "<p>a<br>b</p>" in page


def test_sections_without_cards_are_left_out():
    page = Page("t", {"trials": 3}, [("nothing here", [])], []).render()
    assert "nothing here" not in page
    assert "Nothing to show" not in page
    assert "<dt>trials</dt><dd>3</dd>" in page


def test_figures_get_different_places():
    page = Page("t", {}, [("s", [figure_card("a")]), ("r", [figure_card("b")])], []).render()
    assert {"figure-1", "figure-2"} <= set(re.findall(r'id="(figure-\d)"', page))


def test_a_page_is_the_same_every_time():
    page = Page("t", {"a": 1}, [("s", [figure_card("a")])], [("b", "why")])
    assert page.render() == page.render()


def test_a_single_row_stands_upright():
    one = pd.DataFrame({"trial_index": [7], "value": [0.123456789], "text": ["a|b"]})
    page = body_of(Page("t", {}, [("s", [table_card("a", one)])], []).render())
    rows = re.findall(r"<th>(.*?)</th>\s*<td>(.*?)</td>", page)
    assert rows == [("trial_index", "7"), ("value", "0.123457"), ("text", "a|b")]
    two = pd.concat([one, one])
    page = body_of(Page("t", {}, [("s", [table_card("a", two)])], []).render())
    assert re.findall(r"<th>(.*?)</th>", page) == ["trial_index", "value", "text"]


@pytest.mark.parametrize(("number", "dtick"), [(5, "1"), (50, None)])
def test_only_few_trials_are_all_labelled(number, dtick):
    figure = go.Figure(go.Scatter(x=list(range(number))), layout={"xaxis": {"dtick": 1}})
    card = create_plotly_analysis_card("n", "n", "n", pd.DataFrame({"x": range(number)}), figure)
    page = body_of(Page("t", {}, [("s", [card])], []).render())
    found = re.search(r'"dtick":\s*(\d+)', page)
    assert (found and found[1]) == dtick
