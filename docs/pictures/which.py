"""Which strategy when, as a tree of questions, light and dark: `python docs/pictures/which.py`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from ax_anasod.generation_strategy import STRATEGIES

THEMES = {
    "light": {"text": "#1F2328", "line": "#8A8F98", "question": "#EEF1F5", "answer": "#DCE8FF"},
    "dark": {"text": "#E6EDF3", "line": "#8B949E", "question": "#262C36", "answer": "#1F3A6B"},
}


@dataclass(frozen=True)
class Question:
    """A question, and what follows from each answer.

    Args:
        text: The question.
        yes: What follows if so: strategies, or what is said beside them.
        why: A line below that.
    """

    text: str
    yes: tuple[str, ...]
    why: str


QUESTIONS = (
    Question(
        "One training only?", ("ax-anasod dnas",), "searches by gradients in one shared network"
    ),
    Question(
        "A distribution to draw many\ncells from, not one cell?",
        ("anasod-bo", "anasod-nep-bo"),
        "also for networks whose layers all differ",
    ),
    Question(
        "More than 500 trials,\nof milliseconds each?",
        ("regularized-evolution",),
        "a model costs more with each trial, two-level-bo 0.7 s at the 500th",
    ),
    Question(
        "No model, nothing to set?",
        ("anasod-biased-random", "anasod-local-search"),
        "simple, and the paper's baselines",
    ),
)
OTHERWISE = Question(
    "otherwise",
    ("two-level-bo",),
    "the best cell in few trials; several objectives, limits,\nhyperparameters, what you know",
)


def draw(ax: Axes, theme: dict[str, str]) -> None:
    """The questions below each other, an answer to the right of each."""
    box = {"boxstyle": "round,pad=0.55", "linewidth": 0}
    arrow = {"arrowstyle": "-|>", "color": theme["line"], "lw": 1.5}
    bottom = -len(QUESTIONS)
    for place, question in enumerate(QUESTIONS):
        y = -place
        ax.annotate("", (0, y - 0.72), (0, y - 0.28), arrowprops=arrow)
        ax.annotate("", (1.02, y), (0.55, y), arrowprops=arrow)
        ax.text(0.78, y + 0.09, "yes", ha="center", color=theme["line"], fontsize=10)
        ax.text(0.05, y - 0.53, "no", color=theme["line"], fontsize=10)
        ax.text(
            *(0, y, question.text),
            ha="center",
            va="center",
            color=theme["text"],
            fontsize=12,
            bbox={**box, "facecolor": theme["question"]},
        )
        answer(ax, 1.12, y, question, theme)
    answer(ax, -0.42, bottom, OTHERWISE, theme)
    ax.set(xlim=(-0.6, 2.6), ylim=(bottom - 0.5, 0.4))
    ax.axis("off")


def answer(ax: Axes, x: float, y: float, question: Question, theme: dict[str, str]) -> None:
    """The strategies to take, and why."""
    box = {"boxstyle": "round,pad=0.5", "linewidth": 0, "facecolor": theme["answer"]}
    text = ",  ".join(question.yes)
    ax.text(
        x, y + 0.1, text, va="center", color=theme["text"], fontsize=12, weight="bold", bbox=box
    )
    ax.text(x - 0.03, y - 0.2, question.why, va="top", color=theme["line"], fontsize=10)


def main() -> None:
    """Draw both pictures."""
    for question in (*QUESTIONS, OTHERWISE):
        for name in question.yes:
            assert name in STRATEGIES or name.startswith("ax-anasod"), name
    for name, theme in THEMES.items():
        figure, ax = plt.subplots(figsize=(10, 6), layout="constrained")
        draw(ax, theme)
        target = Path(__file__).with_name(f"which-{name}.png")
        figure.savefig(target, transparent=True, dpi=120)
        plt.close(figure)


if __name__ == "__main__":
    main()
