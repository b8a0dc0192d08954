"""``ax-anasod resume``: a run goes on."""

from __future__ import annotations

from pathlib import Path

from ax_anasod.cli import arguments as args
from ax_anasod.dnas import layout as dnas


def resume(
    directory: args.RunDirectory,
    trials: args.TrialsInAll = None,
    until_improvement_below: args.UntilImprovementBelow = None,
    python: args.TrustedProgram = None,
    address: args.TrustedAddress = None,
    json: args.Json = False,
) -> int:
    """Go on with a run that was stopped or killed, or that should be longer.

    The trials are those that the run would have had without the interruption; those of a
    longer run, too, but for anasod-biased-random, whose schedule is that of the trials planned.
    """
    from ax_anasod.cli.session import note, note_changes, quiet_libraries, waiting

    if (directory / dnas.CONFIG).exists():
        return _resume_dnas(directory, trials, until_improvement_below, json)
    with quiet_libraries():
        with waiting("loading Ax"):
            from ax_anasod.cli.carry_out import carry_out
            from ax_anasod.cli.restore import restore
            from ax_anasod.exceptions import OptionError
            from ax_anasod.runs import RunFolder
        with RunFolder.open(directory) as folder:
            config, records = folder.config, folder.journal.records
            if folder.journal.set_aside is not None:
                note(
                    "the end of the journal was damaged, as after a power failure, and counts as "
                    f"never written; it is kept in {folder.journal.set_aside}"
                )
            note_changes(config.environment)
            planned = trials or max(config.trials, len(records))
            if planned < len(records):
                raise OptionError(
                    f"the run has {len(records)} trials already, more than --trials {planned}",
                    "give a larger number of trials, those so far included",
                )
            run = restore(folder, python, address)
            folder.plan(planned, until_improvement_below)
            run.config = folder.config
            schedule = config.options.get("num_trials")
            if schedule is not None and planned > schedule:
                note(
                    f"the schedule of {config.strategy} was planned for {schedule} trials and "
                    "stays as it is at its end"
                )
            return carry_out(run, folder, planned, as_json=json)


def _resume_dnas(
    directory: Path, trials: int | None, until_improvement_below: float | None, as_json: bool
) -> int:
    from ax_anasod.cli.session import quiet_libraries, waiting
    from ax_anasod.exceptions import OptionError

    for flag, value in (
        ("--trials", trials),
        ("--until-improvement-below", until_improvement_below),
    ):
        if value is not None:
            raise OptionError(f"{flag} is not for a differentiable search, which has no trials")
    with quiet_libraries():
        with waiting("loading torch"):
            from ax_anasod.cli.dnas_view import continue_search
        return continue_search(directory, as_json=as_json)
