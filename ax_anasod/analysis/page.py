"""Analysis cards as one HTML page that needs nothing else."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from ax.analysis.plotly.color_constants import AX_BLUE
from ax.analysis.plotly.plotly_analysis import PlotlyAnalysisCard
from ax.core.analysis_card import AnalysisCard
from plotly import graph_objects as go
from plotly import io as pio
from plotly.offline import get_plotlyjs

from ax_anasod.analysis import style
from ax_anasod.analysis.page_template import PAGE

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
            f"<h2>{html.escape(heading)}</h2>\n"
            + "\n".join(_card(card, next(numbers)) for card in cards)
            for heading, cards in self.sections
            if cards
        )
        return PAGE.substitute(
            title=html.escape(self.title),
            facts=_facts(self.facts),
            body=body,
            missing=_missing(self.missing),
            plotlyjs=get_plotlyjs(),
        )


def _facts(facts: Mapping[str, object]) -> str:
    return "\n".join(
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(str(value))}</dd></div>"
        for name, value in facts.items()
    )


def _missing(missing: Sequence[tuple[str, str]]) -> str:
    if not missing:
        return ""
    items = "\n".join(
        f"<li><b>{html.escape(name)}</b>: {html.escape(reason)}</li>" for name, reason in missing
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
    subtitle = html.escape(card.subtitle).replace("&lt;br&gt;", "<br>")
    return (
        f"<section id='card-{number}'>\n<h3>{html.escape(card.title)}</h3>\n"
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
            figure,
            config=_CONFIG,
            full_html=False,
            include_plotlyjs=False,
            div_id=div_id,
            default_height=f"{_TABLE_HEIGHT if is_table else _HEIGHT}px",
        )
    )


def _table(frame: pd.DataFrame) -> str:
    """A table; a single row stands upright, so that long values have room to wrap."""
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
