"""Analysis cards as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from ax.analysis.plotly.color_constants import AX_BLUE
from ax.analysis.plotly.plotly_analysis import PlotlyAnalysisCard
from ax.core.analysis_card import AnalysisCard
from plotly import graph_objects as go
from plotly import io as pio
from plotly.offline import get_plotlyjs

from ax_anasod.analysis.page_template import PAGE
from ax_anasod.escaping import for_figure, for_html, lines_for_terminal
from ax_anasod.plots import style

_CONFIG = {
    "responsive": True,
    "displaylogo": False,
    # plotly offers to upload the figure to its makers.
    "modeBarButtonsToRemove": ["sendChartToCloud", "sendDataToCloud"],
    "plotlyServerURL": "",
}
# In pixels; Ax draws small tables as figures too.
_HEIGHT = 470
_TABLE_HEIGHT = 160


@dataclass(frozen=True)
class Page:
    """What a page shows, in this order.

    Args:
        title: The heading.
        facts: Name -> value, shown below the heading.
        sections: Heading and cards of each section; a section without cards is left out.
        missing: Name and reason of the cards that have nothing to show.
    """

    title: str
    facts: Mapping[str, object]
    sections: Sequence[tuple[str, Sequence[AnalysisCard]]]
    missing: Sequence[tuple[str, str]]

    def render(self) -> str:
        """The page as HTML, plotly.js included once.

        All text is escaped, and the page's own security policy forbids the browser to load
        anything from anywhere.
        """
        numbers = iter(range(1, 1 + sum(len(cards) for _, cards in self.sections)))
        body = "\n".join(
            f"<h2>{for_html(heading)}</h2>\n"
            + "\n".join(_card(card, next(numbers)) for card in cards)
            for heading, cards in self.sections
            if cards
        )
        return PAGE.substitute(
            title=for_html(self.title),
            facts=_facts(self.facts),
            body=body,
            missing=_missing(self.missing),
            plotlyjs=get_plotlyjs(),
        )


def _facts(facts: Mapping[str, object]) -> str:
    return "\n".join(
        f"<div><dt>{for_html(name)}</dt><dd>{for_html(str(value))}</dd></div>"
        for name, value in facts.items()
    )


def _missing(missing: Sequence[tuple[str, str]]) -> str:
    if not missing:
        return ""
    items = "\n".join(
        f"<li><b>{for_html(name)}</b>: {for_html(reason)}</li>" for name, reason in missing
    )
    return f"<h2>Nothing to show</h2>\n<ul class='missing'>\n{items}\n</ul>"


def _card(card: AnalysisCard, number: int) -> str:
    if isinstance(card, PlotlyAnalysisCard):
        figure = card.get_figure()
        if len(card.df) > style.MOST_LABELS and figure.layout.xaxis.dtick == 1:
            # Ax labels every trial, for which the axis of a long search has no room.
            figure.update_xaxes(dtick=None)
        body = _figure(figure, f"figure-{number}")
    else:
        body = f"<div class='table'>{_table(card.df)}</div>"
    # Ax breaks the lines of its subtitles with <br>, the only markup let through.
    subtitle = for_html(card.subtitle).replace("&lt;br&gt;", "<br>")
    return (
        f"<section id='card-{number}'>\n<h3>{for_html(card.title)}</h3>\n"
        f"<p>{subtitle}</p>\n{body}\n</section>"
    )


def _figure(figure: go.Figure, div_id: str) -> str:
    is_table = all(isinstance(trace, go.Table) for trace in figure.data)
    figure.update_layout(
        template="plotly_white",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": style.GREY, "activecolor": AX_BLUE},
        margin={"l": 70, "r": 30, "t": 40, "b": 20 if is_table else 60},
    )
    return str(
        pio.to_html(
            _escaped(figure.to_plotly_json()),
            validate=False,
            config=_CONFIG,
            full_html=False,
            include_plotlyjs=False,
            div_id=div_id,
            default_height=f"{_TABLE_HEIGHT if is_table else _HEIGHT}px",
        )
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
