"""``ax-anasod show``: what a run has found."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from ax_anasod.cli import options as opt
from ax_anasod.dnas import result_files as dnas
from ax_anasod.exceptions import OptionError
from ax_anasod.runs.layout import COMPARISON

if TYPE_CHECKING:
    from ax_anasod.runs import Results, RunView


def show(directory: opt.RunDirectory, pick: opt.Pick = None, json: opt.Json = False) -> None:
    """Show the results of a search or a comparison so far; it may still be going on."""
    # Whoever looks at a run again and again does not want to wait for Ax: a run needs none.
    from ax_anasod.cli.summary import print_results
    from ax_anasod.compare.comparison_files import holds_comparison
    from ax_anasod.runs import Results, RunView

    for file, words in ((dnas.CONFIG, "a differentiable search"), (COMPARISON, "a comparison")):
        if pick is not None and (directory / file).exists():
            raise OptionError(f"--pick is for the front of a search by trials, not for {words}")
    if (directory / dnas.CONFIG).exists():
        from ax_anasod.cli.dnas_results import show_search

        show_search(directory, as_json=json)
        return
    if holds_comparison(directory):
        from ax_anasod.cli.comparison_view import show_comparison

        show_comparison(directory, as_json=json)
        return
    view = RunView.read(directory)
    results = Results(view.config, view.records, directory, pick)
    print_results(results, as_json=json, state=_state(view, results))


def _state(view: RunView, results: Results) -> str:
    if not view.damaged:
        return _progress(view, results)
    return (
        f"{_progress(view, results)}; the last {view.damaged:,} bytes of its journal are damaged, "
        "as after a power failure, and do not count"
    )


def _progress(view: RunView, results: Results) -> str:
    resume = f"ax-anasod resume {quote(str(view.path))}"
    ended = f"{len(results.ends)} of {view.config.trials} trials"
    if view.running:
        return f"running, {ended}"
    if results.stop_reason is not None:
        return (
            f"ended by its rule at {ended}; go on to the end with: {resume} "
            "--until-improvement-below 0"
        )
    if len(results.ends) < view.config.trials:
        return f"stopped at {ended}; go on with: {resume}"
    return "finished"
