from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re

import pandas as pd
import pytest
from ax.analysis.plotly.plotly_analysis import create_plotly_analysis_card
from ax.core.analysis_card import AnalysisCard
from plotly import graph_objects as go

from ax_anasod.analysis.page import Page, paragraphs, picture

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
    # The data of the figure, the packed library, and the page's own script.
    scripts = re.findall(r"<script[^>]*>", body_of(page))
    assert len(scripts) == len(re.findall(r"</script>", body_of(page))) == 3


def hash_of(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def test_only_the_two_scripts_of_the_page_may_run():
    page = Page("t", [("s", [figure_card("a"), figure_card("b")])]).render()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    (allowed,) = re.findall(r"script-src ([^;]+);", policy)
    (own,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    (packed,) = re.findall(r"<script type=\"text/plain\" id=\"plotly\">(.*?)</script>", page)
    library = gzip.decompress(base64.b64decode(packed)).decode()
    assert "plotly.js v" in library
    assert allowed == f"'sha256-{hash_of(own)}' 'sha256-{hash_of(library)}'"
    assert "default-src 'none'" in policy
    assert not re.search(r"<(script|img|iframe|link)[^>]*\s(src|href)=", page)
    # plotly.js alone has 4.8 MB.
    assert len(page) < 2_200_000


def test_a_page_without_figures_has_no_library():
    page = Page("t", [("s", [table_card("a", pd.DataFrame({"x": [1]}))])]).render()
    assert "plotly" not in body_of(page).split("<script>")[0]
    assert len(page) < 30_000


def test_line_breaks_of_ax_subtitles_stay():
    page = Page("t", [("s", [table_card("a<br>b", pd.DataFrame())])]).render()
    assert "<p>a<br>b</p>" in page


def test_sections_without_cards_are_left_out():
    page = Page("t", [("nothing here", [])], facts={"trials": 3}).render()
    assert "nothing here" not in page
    assert "Nothing to show" not in page
    assert "<dt>trials</dt><dd>3</dd>" in page


def test_figures_get_different_places():
    page = Page("t", [("s", [figure_card("a")]), ("r", [figure_card("b")])]).render()
    assert {"figure-1", "figure-2"} <= set(re.findall(r"id='(figure-\d)'", page))


def test_a_page_is_the_same_every_time():
    page = Page("t", [("s", [figure_card("a")])], [("b", "why")], {"a": 1})
    assert page.render() == page.render()


def test_a_single_row_stands_upright():
    one = pd.DataFrame({"trial_index": [7], "value": [0.123456789], "text": ["a|b"]})
    page = body_of(Page("t", [("s", [table_card("a", one)])]).render())
    rows = re.findall(r"<th>(.*?)</th>\s*<td>(.*?)</td>", page)
    assert rows == [("trial_index", "7"), ("value", "0.123457"), ("text", "a|b")]
    two = pd.concat([one, one])
    page = body_of(Page("t", [("s", [table_card("a", two)])]).render())
    assert re.findall(r"<th>(.*?)</th>", page) == ["trial_index", "value", "text"]


@pytest.mark.parametrize(("number", "dtick"), [(5, "1"), (50, None)])
def test_only_few_trials_are_all_labelled(number, dtick):
    figure = go.Figure(go.Scatter(x=list(range(number))), layout={"xaxis": {"dtick": 1}})
    card = create_plotly_analysis_card("n", "n", "n", pd.DataFrame({"x": range(number)}), figure)
    page = body_of(Page("t", [("s", [card])]).render())
    found = re.search(r'"dtick":\s*(\d+)', page)
    assert (found and found[1]) == dtick


def test_a_long_table_is_given_as_a_file_with_all_digits():
    frame = pd.DataFrame(
        {"value": [1 / 3, 2.0, 0.5, 4.0], "name": ["=1+1", "a,b", "</script>", "long" * 30]}
    )
    page = body_of(Page("t", [("s", [table_card("My table", frame)])]).render())
    assert "data-file='my_table.csv'" in page
    (content,) = re.findall(r"<script type='application/json' id='data-1'>(.*?)</script>", page)
    assert json.loads(content) == (
        f'value,name\n{1 / 3!r},\'=1+1\n2.0,"a,b"\n0.5,</script>\n4.0,{"long" * 30}\n'
    )
    assert f"<td>{'long' * 30}</td>" in page


def test_cards_without_anything_for_the_same_reason_are_named_together():
    page = Page("t", [], [("A", "early"), ("B", "late"), ("C", "early"), ("A", "early")]).render()
    assert re.findall(r"<li><b>(.*?)</b>: (.*?)</li>", page) == [("A, C", "early"), ("B", "late")]


def test_pictures_and_sentences_are_parts_of_a_page():
    parts = [picture("<b>", "what", b"\x89PNG"), paragraphs("Notes", ["a & b", "c"])]
    page = body_of(Page("t", [("s", parts)]).render())
    assert '<img alt="&lt;b&gt;" src="data:image/png;base64,iVBORw==">' in page
    assert "<h3>Notes</h3><p>a &amp; b</p><p>c</p>" in page


def test_headings_leave_out_no_level_and_keys_move_what_is_wide():
    card = table_card("Wide <one>", pd.DataFrame({"a": range(5)}))
    parts = [paragraphs("First", ["<h3>"])]
    page = body_of(Page("t", [("", parts), ("s", [card])]).render())
    headings = ["h2>First</h2", "h2>s</h2", "h3>Wide &lt;one&gt;</h3"]
    assert re.findall(r"<(h[23]>.*?</h[23])>", page) == headings
    assert 'tabindex="0" role="group" aria-label="Wide &lt;one&gt;"' in page
