"""``ax-anasod show``: what a run has found."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Final

from ax_anasod.cli import options as opt
from ax_anasod.cli.option_groups import option
from ax_anasod.dnas import result_files as dnas
from ax_anasod.exceptions import OptionError
from ax_anasod.runs.layout import COMPARISON, REPORT, holds_comparison
from ax_anasod.settings import NonNegativeInt

if TYPE_CHECKING:
    from ax_anasod.cli.watch import RunSnapshot
    from ax_anasod.runs import Results, RunView

# Of how many trials the time that is left is estimated.
_RECENT: Final = 20
_WHILE: Final = "While it works"


def show(
    directory: opt.RunDirectory,
    pick: opt.Pick = None,
    watch: Annotated[
        bool,
        option(_WHILE, "Look again every second until the run ends, or Ctrl-C."),
    ] = False,
    serve: Annotated[
        NonNegativeInt | None,
        option(
            _WHILE,
            "Serve the report and a page that follows the run on this port, to this machine only, "
            "until Ctrl-C; 0: a free port.",
            metavar="PORT",
        ),
    ] = None,
    json: opt.Json = False,
) -> None:
    """Show the results of a search or a comparison so far; it may still be going on."""
    # Do not import Ax here: `show` must be fast, and reading a run does not need it.
    from ax_anasod.cli.summary import print_results
    from ax_anasod.runs import Results, RunView

    for file, words in ((dnas.CONFIG, "a differentiable search"), (COMPARISON, "a comparison")):
        if pick is not None and (directory / file).exists():
            raise OptionError(f"--pick is for the front of a search by trials, not for {words}")
    if watch and serve is not None:
        raise OptionError("--watch is for a terminal and --serve for a browser", "take one of them")
    if watch or serve is not None:
        _watch(directory, pick, serve, as_json=json)
        return
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


def _watch(directory: Path, pick: str | None, port: int | None, *, as_json: bool) -> None:
    """Show a run again and again, on the terminal or, at a port, in a browser."""
    flag = "--watch" if port is None else "--serve"
    if as_json:
        raise OptionError(f"--json is not for {flag}", "show DIR --json prints one object")
    if (directory / dnas.CONFIG).exists():
        raise OptionError(
            f"{flag} is for a search by trials or a comparison, not for a differentiable search",
            f"it has a log for TensorBoard: tensorboard --logdir {quote(str(directory))}",
        )
    look = partial(_look, directory, pick)
    if holds_comparison(directory):
        from ax_anasod.cli.comparison_view import look_at_comparison

        look = partial(look_at_comparison, directory)
    if port is None:
        from ax_anasod.cli.watch import watch

        watch(look)
    else:
        from ax_anasod.cli.serve import serve_page

        serve_page(look, directory / REPORT, port)


def _look(directory: Path, pick: str | None) -> RunSnapshot:
    from ax_anasod.cli.summary import in_words, results_table
    from ax_anasod.cli.watch import RunSnapshot
    from ax_anasod.runs import Results, RunView

    view = RunView.read(directory)
    results = Results(view.config, view.records, directory, pick)
    state, best = _state(view, results), results.best
    objective = results.objective
    line = state
    if best is not None:
        value = in_words(best.values[objective.name], objective.unit)
        line = f"{state}, best {objective.name} {value} (trial {best.trial})"
    return RunSnapshot(line, view.running, results_table(results, state))


def _state(view: RunView, results: Results) -> str:
    if not view.damaged:
        return _progress(view, results)
    return (
        f"{_progress(view, results)}; the last {view.damaged:,} bytes of its journal are damaged, "
        "as after a power failure, and do not count"
    )


def _progress(view: RunView, results: Results) -> str:
    from ax_anasod.cli.summary import duration

    resume = f"ax-anasod resume {quote(str(view.path))}"
    ends = results.ends
    ended = f"{len(ends)} of {view.config.trials} trials"
    if view.running:
        left = view.config.trials - len(ends)
        recent = [end.seconds for end in ends[-_RECENT:]]
        if not recent or left <= 0:
            return f"running, {ended}"
        return f"running, {ended}, about {duration(left * sum(recent) / len(recent))} left"
    if results.stop_reason is not None:
        return (
            f"ended by its rule at {ended}; go on to the end with: {resume} "
            "--until-improvement-below 0"
        )
    if len(ends) < view.config.trials:
        return f"stopped at {ended}; go on with: {resume}"
    return "finished"
