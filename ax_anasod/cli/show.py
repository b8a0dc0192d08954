"""``ax-anasod show``: what a run has found."""

from __future__ import annotations

from shlex import quote

from ax_anasod.cli import arguments as args


def show(directory: args.RunDirectory, json: args.Json = False) -> None:
    """Show the results of a run, or of a comparison, so far; it may still be going on."""
    from ax_anasod.cli.session import quiet_libraries, waiting

    with quiet_libraries():
        with waiting("loading Ax"):
            from ax_anasod.cli.summary import print_results
            from ax_anasod.compare.folder import holds_comparison
            from ax_anasod.runs import Results, RunView
        if holds_comparison(directory):
            from ax_anasod.cli.comparison_view import show_comparison

            show_comparison(directory, as_json=json)
            return
        view = RunView.read(directory)
        results = Results(view.config, view.records, directory)
        resume = f"ax-anasod resume {quote(str(directory))}"
        ended = sum(record.end is not None for record in view.records)
        if view.running:
            state = f"running, {ended} of {view.config.trials} trials"
        elif results.stop_reason is not None:
            state = (
                f"ended by its rule at {ended} of {view.config.trials} trials; go on to the end "
                f"with: {resume} --until-improvement-below 0"
            )
        elif ended < view.config.trials:
            state = f"stopped at {ended} of {view.config.trials} trials; go on with: {resume}"
        else:
            state = "finished"
        print_results(results, as_json=json, state=state)
