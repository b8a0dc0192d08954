"""Helpers for notebooks: the cards of a search, and progress bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tqdm.auto import tqdm

from ax_anasod._ax import experiment_of
from ax_anasod.analysis import SearchOverview, SearchSummary
from ax_anasod.compare import Observer

if TYPE_CHECKING:
    from ax.api.client import Client
    from ax.core.analysis_card import AnalysisCardBase
    from ax.service.ax_client import AxClient

__all__ = ["ProgressBar", "analyses"]


def analyses(
    client: Client | AxClient,
    *,
    optimum: Mapping[str, float | None] | float | None = None,
    unit: Mapping[str, str] | str = "",
    display: bool = True,
) -> list[AnalysisCardBase]:
    """The cards of this package for a search, shown below the cell of a notebook.

    They are those of a run's ``report.html``. Ax's own overview (``client.compute_analyses()``)
    varies one count and keeps the others, which leaves the simplex.

    Args:
        client: The client of the search.
        optimum: The best possible value of the first objective, or of each by its name.
        unit: Unit of the first objective, or of each by its name, e.g. ``"percent"``.
        display: Whether they are shown. A notebook that keeps them is ten megabytes larger, since
            each has plotly inside.

    Returns:
        Ax's cards: the result, then the others in a group.

    Raises:
        OptionError: ``client`` is no client, or has no experiment yet.
    """
    experiment_of(client)
    overview = SearchOverview(optimum=optimum, unit=unit)
    return list(client.compute_analyses([SearchSummary(), overview], display))


class ProgressBar(Observer):
    """A bar over all trials of a comparison, a widget in Jupyter and text in a terminal.

    Args:
        settings: As for :class:`tqdm.tqdm`.

    Example:
        In a program, or the cell of a notebook::

            compare_strategies(benchmark, ["random", "two-level-bo"], observer=ProgressBar())
    """

    def __init__(self, **settings: Any) -> None:
        self._settings = {"unit": "trial", **settings}
        self._bar: Any = None

    def begins(self, done: int, trials: int, runs: int) -> None:
        """Show the bar."""
        self._bar = tqdm(total=trials, initial=done, **self._settings)

    def goes_on_with(self, labels: Sequence[str]) -> None:
        """Print the reason why there are more trials than were asked for."""
        tqdm.write(f"the folder's other strategies go on, too: {', '.join(labels)}")

    def noticed(self, sentence: str) -> None:
        """Print the sentence above the bar."""
        tqdm.write(sentence)

    def progressed(self, done: int, runs: int) -> None:
        """Move the bar; at its end it closes itself."""
        if self._bar is None:
            return
        self._bar.update(done - self._bar.n)
        if self._bar.total is not None and done >= self._bar.total:
            self._bar.close()

    def failed(self, label: str, seed: int, reason: str) -> None:
        """Print the failure at once: the comparison may go on for hours."""
        tqdm.write(f"{label}, seed {seed} failed: {reason}")
