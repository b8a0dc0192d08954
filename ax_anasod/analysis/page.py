"""Analysis cards as one HTML page that needs nothing else, and that runs its own scripts only."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, Final, NewType

import numpy as np
import pandas as pd
from ax.analysis.plotly.plotly_analysis import PlotlyAnalysisCard
from ax.core.analysis_card import AnalysisCard
from plotly import graph_objects as go
from plotly import io as pio
from plotly.offline import get_plotlyjs

from ax_anasod.escaping import for_csv, for_figure, for_html, lines_for_terminal
from ax_anasod.plots import style

Html = NewType("Html", str)
"""A part of a page whose text is escaped already."""

_CONFIG: Final = {
    "responsive": True,
    "displaylogo": False,
    # plotly offers to upload the figure to its makers.
    "modeBarButtonsToRemove": ["sendChartToCloud", "sendDataToCloud"],
    "plotlyServerURL": "",
}
# In pixels; Ax draws small tables as figures too.
_HEIGHT: Final = 470
_TABLE_HEIGHT: Final = 160
# Shorter tables are taken in at a glance.
_FEWEST_SORTED: Final = 4
_HINT: Final = "Filter: text, or column<number"
_PAGE: Final = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';
  script-src $hashes; style-src 'unsafe-inline'; img-src data: blob:; font-src data:;
  base-uri 'none'; form-action 'none'">
<title>$title</title>
<style>
$style</style>
</head>
<body>
<header>
<h1>$title</h1>
</header>
<noscript><p>The figures of this page need JavaScript; the tables do not.</p></noscript>
<main>
$body
</main>
$plotly<script>
$script</script>
</body>
</html>
""")


@dataclass(frozen=True)
class Page:
    """The content of a page, in this order.

    Args:
        title: The heading.
        sections: Heading and contents of each section; one without contents is left out, and a
            heading that is empty is not shown.
        missing: Name and reason of the cards that have nothing to show.
        facts: Name -> value, shown last.
    """

    title: str
    sections: Sequence[tuple[str, Sequence[AnalysisCard | Html]]]
    missing: Sequence[tuple[str, str]] = ()
    facts: Mapping[str, object] | None = None

    def render(self) -> str:
        """The page as HTML, plotly.js included once where there are figures.

        All text is escaped, and the page's own security policy forbids the browser to load
        anything from anywhere, and to run anything but the page's own scripts.
        """
        numbers = iter(range(1, 1 + sum(len(contents) for _, contents in self.sections)))
        parts: list[str] = []
        for heading, contents in self.sections:
            if contents and heading:
                parts.append(f"<h2>{for_html(heading)}</h2>")
            for content in contents:
                part: str = content if isinstance(content, str) else _card(content, next(numbers))
                # No level of headings is left out; in escaped text nothing looks like a tag.
                parts.append(part if heading else part.replace("h3>", "h2>"))
        body = "\n".join([*parts, _missing(self.missing), _facts(self.facts or {})])
        with_figures = any(
            isinstance(content, PlotlyAnalysisCard)
            for _, contents in self.sections
            for content in contents
        )
        return framed(for_html(self.title), body, with_figures=with_figures)


def picture(title: str, text: str, png: bytes) -> Html:
    """A PNG as a part of a page.

    Args:
        title: Its heading.
        text: What it shows.
        png: The content of its file.
    """
    data = base64.b64encode(png).decode("ascii")
    return Html(
        f"<section><h3>{for_html(title)}</h3><p>{for_html(text)}</p>"
        f'<img alt="{for_html(title)}" src="data:image/png;base64,{data}"></section>'
    )


def paragraphs(title: str, sentences: Sequence[str]) -> Html:
    """Sentences as a part of a page, each a paragraph."""
    body = "".join(f"<p>{for_html(sentence)}</p>" for sentence in sentences)
    return Html(f"<section><h3>{for_html(title)}</h3>{body}</section>")


def scrollable(name: str) -> str:
    """The attributes of what may be wider than the page, so that keys move it, too.

    Args:
        name: What a screen reader calls it.
    """
    return f'tabindex="0" role="group" aria-label="{for_html(name)}"'


def _facts(facts: Mapping[str, object]) -> str:
    if not facts:
        return ""
    rows = "\n".join(
        f"<div><dt>{for_html(name)}</dt><dd>{for_html(str(value))}</dd></div>"
        for name, value in facts.items()
    )
    return f"<h2>About this run</h2>\n<dl>\n{rows}\n</dl>"


def _missing(missing: Sequence[tuple[str, str]]) -> str:
    if not missing:
        return ""
    names: dict[str, list[str]] = {}
    for name, reason in missing:
        names.setdefault(reason, []).append(name)
    items = "\n".join(
        f"<li><b>{for_html(', '.join(dict.fromkeys(own)))}</b>: {for_html(reason)}</li>"
        for reason, own in names.items()
    )
    return f"<h2>Nothing to show</h2>\n<ul class='missing'>\n{items}\n</ul>"


def _card(card: AnalysisCard, number: int) -> str:
    if isinstance(card, PlotlyAnalysisCard):
        figure = card.get_figure()
        if len(card.df) > style.MOST_LABELS and figure.layout.xaxis.dtick == 1:
            # Ax labels every trial, for which the axis of a long search has no room.
            figure.update_xaxes(dtick=None)
        body = _figure(figure, number, card.title)
    elif len(card.df) < _FEWEST_SORTED:
        body = f"<div class='table' {scrollable(card.title)}>{_table(card.df)}</div>"
    else:
        name = re.sub(r"[^\w-]+", "_", card.title).strip("_").lower()
        body = (
            f"<div class='table sortable' data-of='data-{number}' data-file='{name}.csv'"
            f" data-hint='{_HINT}' {scrollable(card.title)}>{_table(card.df)}</div>\n"
            f"{_data(number, json.dumps(_csv(card.df)))}"
        )
    # Ax breaks the lines of its subtitles with <br>, the only markup let through.
    subtitle = for_html(card.subtitle).replace("&lt;br&gt;", "<br>")
    return (
        f"<section id='card-{number}'>\n<h3>{for_html(card.title)}</h3>\n"
        f"<p>{subtitle}</p>\n{body}\n</section>"
    )


def _data(number: int, content: str) -> str:
    """JSON that the page's script reads; browsers do not run it."""
    # The only thing that could end the element.
    safe = content.replace("<", "\\u003c")
    return f"<script type='application/json' id='data-{number}'>{safe}</script>"


def _figure(figure: go.Figure, number: int, title: str) -> str:
    is_table = all(isinstance(trace, go.Table) for trace in figure.data)
    figure.update_layout(
        # The page's script sets the colours: those of light or dark.
        template="none",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 70, "r": 30, "t": 40, "b": 20 if is_table else 60},
        height=_TABLE_HEIGHT if is_table else figure.layout.height or _HEIGHT,
    )
    content = _escaped(figure.to_plotly_json()) | {"config": _CONFIG}
    return (
        f"<div class='figure' id='figure-{number}' data-of='data-{number}' role='figure'"
        f' aria-label="{for_html(title)}"></div>\n'
        f"{_data(number, str(pio.to_json(content, validate=False)))}"
    )


def _shown(value: object) -> object:
    return lines_for_terminal(value) if isinstance(value, str) else value


def _escaped(content: Any) -> Any:
    """A figure whose texts hold no links."""
    if isinstance(content, str):
        return for_figure(content)
    if isinstance(content, Mapping):
        return {key: _escaped(value) for key, value in content.items()}
    if isinstance(content, np.ndarray) and content.dtype == object:
        content = content.tolist()
    if isinstance(content, list | tuple):
        return [_escaped(value) for value in content]
    return content


def _table(frame: pd.DataFrame) -> str:
    """A table; a single row stands upright, so that long values have room to wrap."""
    texts = frame.select_dtypes(exclude="number")
    frame = frame.assign(**{str(name): texts[name].map(_shown) for name in texts})
    upright = len(frame) == 1
    if upright:
        # Mixed columns must not become floats, or trial 7 would be trial 7.0.
        frame = frame.astype(object).T
    # Long architectures are shown whole.
    with pd.option_context("display.max_colwidth", None):
        return str(
            frame.to_html(
                index=upright,
                header=not upright,
                border=0,
                na_rep="",
                float_format=lambda value: f"{value:.6g}",
                classes="upright" if upright else "",
            )
        )


def _csv(frame: pd.DataFrame) -> str:
    """A table with all digits, as a file in which a spreadsheet computes nothing."""
    shown = frame.map(for_csv).rename(columns=for_csv)
    return str(shown.to_csv(index=False, lineterminator="\n"))


def framed(title: str, body: str, *, with_figures: bool) -> str:
    """A page: one file that needs nothing else.

    It has two scripts, this package's own and plotly.js, and its security policy names both by
    their hashes: no other text runs, also none that has come into the page by a mistake, and
    nothing is loaded from anywhere. Files beside the page would need no hashes, but a report that
    is sent or moved would lose them. plotly.js is packed, which makes a page of 5 MB one of 2.

    Args:
        title: The heading, as HTML.
        body: What stands below it, as HTML.
        with_figures: Whether the page needs plotly.js.
    """
    script = _own("page.js")
    hashes, plotly = [_hash(f"\n{script}")], ""
    if with_figures:
        packed, its_hash = _plotly()
        hashes.append(its_hash)
        plotly = f'<script type="text/plain" id="plotly">{packed}</script>\n'
    return _PAGE.substitute(
        title=title,
        body=body,
        style=_own("page.css"),
        script=script,
        plotly=plotly,
        hashes=" ".join(hashes),
    )


def _own(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


@cache
def _plotly() -> tuple[str, str]:
    """plotly.js, packed, and the hash of what is run."""
    code: str = get_plotlyjs()
    packed = gzip.compress(code.encode("utf-8"), mtime=0)
    return base64.b64encode(packed).decode("ascii"), _hash(code)


def _hash(script: str) -> str:
    """The hash by which a security policy names a script."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
