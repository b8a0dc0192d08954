"""A comparison as one HTML page: tables, curves, ranks and the size of the differences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from ax.analysis.plotly.plotly_analysis import PlotlyAnalysisCard, create_plotly_analysis_card
from ax.core.analysis_card import AnalysisCard
from plotly import graph_objects as go

from ax_anasod.analysis.axis import ValueAxis
from ax_anasod.analysis.page import Html, Page, paragraphs
from ax_anasod.compare.contender_summary import Summary
from ax_anasod.compare.effects import AverageRanks, average_ranks, effects_frame, interquartile_band
from ax_anasod.compare.run_results import curves
from ax_anasod.compare.significance import LEVEL, seeds_needed
from ax_anasod.compare.texts import notes, table
from ax_anasod.files import write_whole
from ax_anasod.objectives import Objective
from ax_anasod.plots import style
from ax_anasod.plots.figure import looks

_DASHES: Final = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}
_SHOWN_FROM: Final = 0.1
# Of the figure of the ranks, in pixels.
_RANK_ROW: Final = 34
_RANK_MARGINS: Final = 150


def write_page(summary: Summary, path: Path) -> None:
    """Write the page of a comparison.

    Args:
        summary: What the finished runs say.
        path: The file; it is replaced as a whole.

    Raises:
        RunError: The page cannot be written.
    """
    plan = summary.plan
    contents: list[AnalysisCard | Html] = [_best(summary), _table(summary)]
    quantities = [("incumbent", plan.objective)]
    quantities += [(plan.columns[quantity.name], quantity) for quantity in plan.reported]
    contents += [_curves(summary, column, quantity) for column, quantity in quantities]
    ranked = average_ranks(summary)
    if ranked is not None:
        contents.append(_ranks(ranked))
    if summary.differences:
        contents.append(_effects(summary))
    contents.append(paragraphs("How to read the table", notes(summary)))
    page = Page(f"Strategies on {plan.subject}", [("", contents)], facts=_facts(summary))
    write_whole(path, page.render())


def _best(summary: Summary) -> Html:
    """A sentence on the strategy that is ahead, and on whether that is more than chance."""
    plan, frame = summary.plan, summary.frame
    unit, sign = plan.objective.unit, plan.objective.sign
    known = frame[frame["mean"].notna()].to_dict(orient="records")
    if not known:
        return paragraphs("Result", ["No run has finished yet."])
    first = min(known, key=lambda row: sign * row["mean"])
    runs = "1 run" if first["seeds"] == 1 else f"{first['seeds']} runs"
    sentence = (
        f"{first['strategy']} is ahead: {style.with_unit(first['mean'], unit)} on average over "
        f"{runs}"
    )
    if plan.objective.optimum is not None:
        sentence += f", {style.gap_in_words(first['mean'], plan.objective.optimum, unit)}"
    p_value = first["p_holm"]
    if not np.isnan(p_value):
        verdict = "is more than chance" if p_value <= LEVEL else "may be chance"
        sentence += f". Its difference from {summary.reference} {verdict} (p = {p_value:.2g})"
    elif len(known) > 1 and not (frame["p_holm"] <= LEVEL).any():  # the reference itself is first
        sentence += ". No other strategy differs from it by more than chance"
    return paragraphs("Result", [f"{sentence}."])


def _table(summary: Summary) -> AnalysisCard:
    header, rows = table(summary)
    return AnalysisCard(
        name="Comparison",
        title="All strategies",
        subtitle=f"After all trials of each run. Searched: {summary.plan.objective.name}.",
        df=pd.DataFrame(rows, columns=header),
        blob="",
    )


def _curves(summary: Summary, column: str, quantity: Objective) -> PlotlyAnalysisCard:
    """Interquartile means of the incumbents against the queries, with bootstrap bands."""
    plan, figure, frames = summary.plan, go.Figure(), []
    for label, (colour, line) in looks(plan.labels).items():
        trials = next(c.trials for c in plan.contenders if c.label == label)
        values = curves(summary.results, label, column, trials)
        values = values.loc[:, values.notna().all(axis=0)]
        if values.empty:
            continue
        band = interquartile_band(values.to_numpy())
        queries = (values.columns.to_numpy() + 1).tolist()
        frame = pd.DataFrame({"query": queries, **vars(band)}).assign(strategy=label)
        frames.append(frame)
        shown = style.plotly_text(label)
        if not np.isnan(band.lower).any():
            figure.add_trace(
                go.Scatter(
                    x=[*queries, *queries[::-1]],
                    y=[*band.upper.tolist(), *band.lower[::-1].tolist()],
                    fill="toself",
                    fillcolor=_pale(colour),
                    line={"width": 0, "shape": "hv"},
                    hoverinfo="skip",
                    showlegend=False,
                    legendgroup=shown,
                )
            )
        figure.add_trace(
            go.Scatter(
                x=queries,
                y=band.centre.tolist(),
                mode="lines",
                line={"color": colour, "dash": _DASHES[line], "width": 2, "shape": "hv"},
                name=shown,
                legendgroup=shown,
                customdata=np.stack([band.lower, band.upper], axis=1).tolist(),
                hovertemplate=(
                    f"{shown}<br>%{{x}} queries: %{{y:.5g}}<br>95% interval: "
                    "%{customdata[0]:.5g} to %{customdata[1]:.5g}<extra></extra>"
                ),
            )
        )
    if quantity.optimum is not None:
        figure.add_hline(quantity.optimum, line_dash="dot", line_color=style.OPTIMUM)
    figure.update_layout(
        xaxis={"title": {"text": "queries"}, "zeroline": False},
        yaxis=style.value_axis(quantity.name, quantity.unit, range=_visible(frames, quantity)),
    )
    what = "The best so far" if column == "incumbent" else "Of the best so far, not searched"
    optimum = (
        ""
        if quantity.optimum is None
        else f" Dotted: the optimum of {style.with_unit(quantity.optimum, quantity.unit)}."
    )
    return create_plotly_analysis_card(
        name="Curves",
        title=f"{quantity.name} over the queries",
        subtitle=(
            f"{what}: the mean of the middle half of the runs (interquartile mean), with 95% "
            f"intervals by the bootstrap over the runs.{optimum}"
        ),
        df=pd.concat(frames) if frames else pd.DataFrame(),
        fig=figure,
    )


def _visible(frames: Sequence[pd.DataFrame], quantity: Objective) -> list[float] | None:
    """The range of what is worth seeing: the first few queries are far above all others."""
    if not frames:
        return None
    kept = pd.concat([f[f["query"] >= 1 + _SHOWN_FROM * (f["query"].max() - 1)] for f in frames])
    values = kept[["centre", "lower", "upper"]].to_numpy()
    axis = ValueAxis.fit(values, quantity.optimum, minimize=quantity.minimize)
    return [axis.lower, axis.upper]


def _ranks(ranked: AverageRanks) -> PlotlyAnalysisCard:
    """The critical-difference diagram: who differs from whom."""
    labels = [*ranked.ranks]
    heights = [-float(row) for row in range(len(labels))]
    figure = go.Figure(
        go.Scatter(
            x=[*ranked.ranks.values()],
            y=heights,
            mode="markers",
            marker={"size": 12, "color": style.GOLD, "line": {"width": 1, "color": style.GREY}},
            hovertemplate="%{x:.2f}<extra></extra>",
            showlegend=False,
        )
    )
    most = len(labels)
    for number, clique in enumerate(ranked.cliques):
        at = [ranked.ranks[clique[0]], ranked.ranks[clique[-1]]]
        figure.add_trace(
            go.Scatter(
                x=[at[0] - 0.04, at[1] + 0.04],
                y=[0.9 + 0.45 * number] * 2,
                mode="lines",
                line={"color": style.GREY, "width": 6},
                hovertemplate=f"no significant difference: {', '.join(clique)}<extra></extra>",
                showlegend=False,
            )
        )
    figure.update_layout(
        height=_RANK_MARGINS + _RANK_ROW * most,
        xaxis={
            "title": {"text": "average rank"},
            "range": [0.8, most + 0.2],
            "tickvals": [*range(1, most + 1)],
            "zeroline": False,
        },
        yaxis={
            "tickvals": heights,
            "ticktext": [
                f"{style.plotly_text(name)}  {rank:.2f}" for name, rank in ranked.ranks.items()
            ],
            "range": [0.4 - most, 1.2 + 0.45 * len(ranked.cliques)],
            "zeroline": False,
        },
    )
    needed = seeds_needed(math.comb(most, 2))
    few = (
        ""
        if ranked.seeds >= needed
        else f" With {ranked.seeds} seeds no two of {most} strategies can differ significantly; "
        f"that takes {needed}."
    )
    test = "" if np.isnan(ranked.p_value) else f" Friedman's test: p = {ranked.p_value:.2g}."
    return create_plotly_analysis_card(
        name="CriticalDifferences",
        title="Average ranks, and which strategies differ",
        subtitle=(
            f"Over {ranked.seeds} seeds; 1 is the best. A grey bar joins strategies no two of "
            f"which differ significantly (Wilcoxon's signed-rank test of each pair at {LEVEL:g}, "
            f"after Holm's correction).{test}{few}"
        ),
        df=pd.DataFrame({"strategy": labels, "average_rank": [*ranked.ranks.values()]}),
        fig=figure,
    )


def _effects(summary: Summary) -> AnalysisCard:
    unit = style.unit_of_difference(summary.plan.objective.unit)
    of_values = f", in {unit}" if unit else ""
    return AnalysisCard(
        name="Effects",
        title=f"How much the strategies differ from {summary.reference}",
        subtitle=(
            f"Difference: interquartile mean over the pairs of runs with one seed{of_values}, with "
            "its 95% interval. Better: the probability that a run of the strategy ends better than "
            "one of the reference (0.5: alike; Vargha and Delaney's A)."
        ),
        df=effects_frame(summary),
        blob="",
    )


def _facts(summary: Summary) -> dict[str, object]:
    plan = summary.plan
    return {
        "benchmark": plan.benchmark_name,
        "data set": plan.dataset or "-",
        "seeds": plan.seeds,
        "strategies": len(plan.contenders),
        "ax-anasod": plan.environment.get("ax-anasod", "-"),
        "started": plan.created,
    }


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.15)"
