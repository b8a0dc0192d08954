r"""The picture on top of the README, light and dark, from real searches on NAS-Bench-201.

A table of NAS-Bench-201 and the folder of a comparison on it, made by

    ax-anasod compare --benchmark table --data nb201.csv.gz --cell nas-bench-201 \
      --accuracy cifar10_test_200 --strategies random,tpe,two-level-bo --trials 100 --seeds 10 \
      --out DIR

    python docs/pictures/front.py --data nb201.csv.gz --compare DIR
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle

from ax_anasod import AnasodSearchSpace, Cell, architecture_of, cells, make_client

COLUMN = "cifar10_test_200"
OPERATIONS = ("nor_conv_3x3", "nor_conv_1x1", "skip_connect")
LABELS = ("3×3", "1×1", "skip")
COLOURS = ("#4C78DB", "#F0883E", "#35A98F")
THEMES = {
    "light": {"text": "#1F2328", "faint": "#8A8F98", "line": "#D0D7DE"},
    "dark": {"text": "#E6EDF3", "faint": "#8B949E", "line": "#3D444D"},
}
STRATEGIES = {
    "random": ("random", "faint"),
    "tpe": ("TPE (Optuna)", "#F0883E"),
    "two-level-bo": ("two-level-bo", "#4C78DB"),
}
# Where the three corners of the triangle are, in the order of the operations.
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])


def errors_of(table: pd.DataFrame) -> dict[tuple[str, ...], float]:
    """Operations of the six blocks -> test error in percent, of cells of these operations."""
    cell = cells.get("nas-bench-201")
    codes = cell.from_strings(table["arch"].tolist())
    names = np.array(cell.operations)[codes]
    wanted = np.isin(names, OPERATIONS).all(axis=1)
    values = 100 - table.loc[wanted, COLUMN].to_numpy()
    return {tuple(row): float(v) for row, v in zip(names[wanted], values, strict=True)}


def search(
    cell: Cell, errors: dict[tuple[str, ...], float], trials: int
) -> npt.NDArray[np.float64]:
    """Fractions of the incumbents of one search by `anasod-bo`, one a row, repeats left out."""
    client = make_client(cell, "anasod-bo", objectives="error", seed=0, num_initial=4)
    best, path = np.inf, []
    for _ in range(trials):
        for index in client.get_next_trials(max_trials=1):
            architecture = architecture_of(client, index)
            value = errors[architecture.operations]
            client.complete_trial(index, raw_data={"error": value})
            if value < best:
                best = value
                path.append(architecture.fractions)
    distinct = [path[0], *(b for a, b in pairwise(path) if not np.allclose(a, b))]
    return np.array(distinct)


def draw_cell(ax: Axes, operations: Sequence[str], theme: dict[str, str]) -> None:
    """A cell of NAS-Bench-201 as a graph, its counts as coloured blocks below it."""
    places = np.array([[0.0, 1.1], [1.05, 2.1], [1.95, 0.35], [3.0, 1.35]])
    edges = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
    bends = [-0.1, 0.1, 0.0, 0.0, -0.15, 0.15]
    for (a, b), bend, operation in zip(edges, bends, operations, strict=True):
        colour = COLOURS[OPERATIONS.index(operation)]
        arrow = FancyArrowPatch(
            (places[a][0], places[a][1]),
            (places[b][0], places[b][1]),
            connectionstyle=f"arc3,rad={bend}",
            arrowstyle="-|>,head_length=5,head_width=3",
            shrinkA=9,
            shrinkB=9,
            lw=3.2,
            color=colour,
        )
        ax.add_patch(arrow)
    for x, y in places:
        ax.add_patch(Circle((x, y), 0.13, color=theme["faint"], zorder=3))
    ordered = sorted(operations, key=OPERATIONS.index)
    for place, operation in enumerate(ordered):
        colour = COLOURS[OPERATIONS.index(operation)]
        ax.add_patch(Rectangle((0.06 + 0.5 * place, -0.62), 0.4, 0.4, color=colour))
    counts = [ordered.count(name) for name in OPERATIONS]
    text = "     ".join(f"{label}: {n}" for n, label in zip(counts, LABELS, strict=True))
    ax.text(1.5, -1.0, text, ha="center", va="center", color=theme["text"], fontsize=10)
    ax.set(xlim=(-0.3, 3.3), ylim=(-1.25, 2.6), aspect="equal")
    ax.set_title("an architecture, and its operation counts", color=theme["text"], fontsize=11)
    ax.axis("off")


def draw_triangle(
    ax: Axes,
    errors: dict[tuple[str, ...], float],
    path: npt.NDArray[np.float64],
    theme: dict[str, str],
) -> None:
    """All distributions of six blocks, coloured by mean error, and the path of a search."""
    sums: dict[tuple[int, ...], list[float]] = {}
    for operations, value in errors.items():
        sums.setdefault(tuple(operations.count(name) for name in OPERATIONS), []).append(value)
    points = np.array([*sums]) / 6 @ CORNERS
    means = np.array([np.mean(values) for values in sums.values()])
    shown = ax.scatter(
        *points.T, c=np.minimum(means, 15), s=330, cmap="viridis_r", marker="h", linewidths=0
    )
    walk = path @ CORNERS
    ax.plot(*walk.T, color="white", lw=4.5, solid_capstyle="round")
    ax.plot(*walk.T, color="#D1495B", lw=2, solid_capstyle="round")
    ax.scatter(*walk[-1:].T, marker="*", s=190, color="#D1495B", edgecolors="white", zorder=4)
    offsets = ((-0.02, -0.13), (0.02, -0.13), (0.0, 0.09))
    for corner, offset, label in zip(CORNERS, offsets, LABELS, strict=True):
        ax.text(*(corner + offset), label, ha="center", color=theme["text"], fontsize=11)
    bar = ax.figure.colorbar(shown, ax=ax, shrink=0.62, pad=0.03)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=theme["faint"], labelsize=8, length=0)
    bar.set_label("mean error, % (15: or more)", color=theme["faint"], fontsize=8)
    ax.set(xlim=(-0.12, 1.12), ylim=(-0.2, 1.02), aspect="equal")
    ax.set_title("the space of distributions, searched", color=theme["text"], fontsize=11)
    ax.axis("off")


def draw_curves(ax: Axes, folder: Path, optimum: float, theme: dict[str, str]) -> None:
    """Mean incumbent against queries, with the standard error of the seeds."""
    results = pd.read_csv(folder / "results.csv")
    for name, (label, colour) in STRATEGIES.items():
        rows = results[results["strategy"] == name]
        values = rows.pivot(index="trial", columns="seed", values="incumbent")
        queries = np.arange(1, len(values) + 1)
        mean, error = values.mean(axis=1), values.sem(axis=1)
        colour = theme.get(colour, colour)
        ax.plot(queries, mean, color=colour, lw=2.2, label=label)
        ax.fill_between(queries, mean - error, mean + error, color=colour, alpha=0.2, lw=0)
    ax.axhline(optimum, color=theme["text"], lw=1, ls=(0, (4, 3)))
    ax.text(
        99,
        optimum - 0.02,
        "the best of 15,625",
        ha="right",
        va="top",
        color=theme["text"],
        fontsize=9,
    )
    ax.set(xlim=(5, 100), ylim=(optimum - 0.18, 7.6), xlabel="queries", ylabel="test error, %")
    ax.legend(frameon=False, labelcolor=theme["text"], fontsize=9.5)
    ax.set_title(f"{results['seed'].nunique()} seeds, CIFAR-10", color=theme["text"], fontsize=11)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(theme["line"])
    ax.tick_params(colors=theme["faint"])
    ax.xaxis.label.set_color(theme["faint"])
    ax.yaxis.label.set_color(theme["faint"])


def main() -> None:
    """Draw both pictures."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True, help="table of NAS-Bench-201")
    parser.add_argument("--compare", type=Path, required=True, help="folder of the comparison")
    options = parser.parse_args()
    table = pd.read_csv(options.data)
    errors = errors_of(table)
    cell = Cell("three operations", OPERATIONS, num_blocks=6)
    assert len(errors) == cell.num_codes
    assert AnasodSearchSpace.from_cell(cell).cell == cell
    path = search(cell, errors, trials=25)
    best = min(errors, key=lambda operations: errors[operations])
    optimum = float(100 - table[COLUMN].max())
    for name, theme in THEMES.items():
        figure, axes = plt.subplots(
            1, 3, figsize=(12, 3.5), width_ratios=(1, 1.05, 1.15), layout="constrained"
        )
        draw_cell(axes[0], best, theme)
        draw_triangle(axes[1], errors, path, theme)
        draw_curves(axes[2], options.compare, optimum, theme)
        target = Path(__file__).with_name(f"front-{name}.png")
        figure.savefig(target, transparent=True, dpi=120)
        plt.close(figure)


if __name__ == "__main__":
    main()
