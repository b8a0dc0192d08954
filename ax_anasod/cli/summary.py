"""The results of a run: as a table for people, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ax_anasod.cli.terminal import PlainTable, print_result
from ax_anasod.journal import BETWEEN_LAYERS, Completed, Failed, Stopped
from ax_anasod.runs import Results
from ax_anasod.runs.layout import TRIALS

if TYPE_CHECKING:
    from ax_anasod.picking import Pick

_TWO_DECIMALS: Final = {"percent": "%", "points": "points"}
_UNITS: Final = (("d", 86_400.0), ("h", 3600.0), ("min", 60.0))


def print_results(results: Results, *, as_json: bool, state: str | None = None) -> None:
    """Print the results: JSON on stdout and the table on stderr, or the table on stdout.

    Args:
        results: The results.
        as_json: Print JSON.
        state: State of the run, if it needs a line.
    """
    table = results_table(results, state)
    print_result(table, content=results.to_dict() if as_json else None)


def in_words(value: float, unit: str) -> str:
    """A value with its unit."""
    if unit in _TWO_DECIMALS:
        return f"{value:.2f} {_TWO_DECIMALS[unit]}"
    return f"{value:.6g} {unit}".rstrip()


def duration(seconds: float) -> str:
    """A duration in words.

    Example:
        >>> duration(0.0312), duration(7.25), duration(5400.0)
        ('31 ms', '7.2 s', '1.5 h')
    """
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    for unit, length in _UNITS:
        if seconds >= 2 * length or (unit != "min" and seconds >= length):
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"


def results_table(results: Results, state: str | None) -> PlainTable:
    """The results as a table, with the state of the run where it is given."""
    config, content = results.config, results.to_dict()
    table = PlainTable(config.experiment_name, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    if state is not None:
        table.add_row("state", state)
    table.add_row("trials", _count(results.ends))
    if results.stop_reason is not None:
        table.add_row("stopped early", results.stop_reason)
    best = results.best
    if best is not None:
        _add_best(table, results, best)
    for name, carried in (results.features or {}).items():
        words = (
            f"{carried['share']:.0%} of the prior variance, rank correlation "
            f"{carried['agreement']:+.2f} with what is minimised"
        )
        table.add_row(f"feature {name}", "; ".join(filter(None, (words, carried["warning"]))))
    costs = [cost for cost in content["cost_seconds"] or [] if cost is not None]
    if costs:
        table.add_row("simulated cost", duration(sum(costs)))
    screen, spent = config.screen, results.costs
    if screen is not None and spent:
        table.add_row(
            "cost",
            f"{spent[-1]:.6g} evaluations: {screen.spent:.6g} for {screen.trials} of "
            f"{screen.column}, and one a trial",
        )
    if results.ends:
        each = duration(content["seconds_per_trial"])
        table.add_row("wall time", f"{duration(results.seconds)} (median {each} a trial)")
    if results.out is not None:
        table.add_row("folder", str(results.out))
    return table


def _add_best(table: PlainTable, results: Results, best: Completed) -> None:
    objective = results.objective
    value = best.values[objective.name]
    table.add_row(
        f"best {objective.name}", f"{in_words(value, objective.unit)} (trial {best.trial})"
    )
    for quantity in (*results.config.objectives[1:], *results.config.reported):
        table.add_row(f"its {quantity.name}", in_words(best.values[quantity.name], quantity.unit))
    encoding = [f"{count} {operation}" for operation, count in best.encoding.items() if count]
    table.add_row("encoding", ", ".join(encoding))
    for name, value in results.beside(best).items():
        table.add_row(name, f"{value:.6g}" if isinstance(value, float) else str(value))
    table.add_row("architecture", _architecture(best, results.out is not None))
    regret = objective.regret(best.values[objective.name])
    if objective.optimum is not None and regret is not None:
        # A difference of percentages is none itself.
        unit = "points" if objective.unit == "percent" else objective.unit
        optimum = in_words(objective.optimum, objective.unit)
        table.add_row("optimum", f"{optimum} (regret {in_words(regret, unit)})")
    pick = results.pick
    if pick is not None:
        _add_front(table, results, best, pick)


def _add_front(table: PlainTable, results: Results, best: Completed, pick: Pick) -> None:
    front, picked = results.pareto_front, results.picked
    names = [o.name for o in results.config.objectives]
    table.add_row("Pareto front", f"{len(front)} trials: {', '.join(names)}")
    for end in front:
        values = (in_words(end.values[o.name], o.unit) for o in results.config.objectives)
        mark = " <- picked" if end is picked else ""
        table.add_row(f"  trial {end.trial}", ", ".join(values) + mark)
    if picked is None:
        table.add_row("picked", f"none: no trial of the front is {pick.words}")
        return
    others = "" if results.config.pick or results.rule else "; other rules: show DIR --pick ..."
    table.add_row("picked", f"trial {picked.trial}, {pick.words}{others}")
    if picked is not best:
        table.add_row("picked architecture", _architecture(picked, results.out is not None))


def _count(ends: Sequence[Completed | Failed]) -> str:
    """The numbers of all trials and of those that did not come to their end."""
    kinds = {
        "failed": sum(isinstance(end, Failed) for end in ends),
        "stopped early": sum(isinstance(end, Stopped) for end in ends),
    }
    parts = [f"{number} {kind}" for kind, number in kinds.items() if number]
    return f"{len(ends)}" + (f" ({', '.join(parts)})" if parts else "")


def _architecture(best: Completed, written: bool) -> str:
    """The architecture; only their number where each layer of a network is another one."""
    layers = best.architecture.split(BETWEEN_LAYERS)
    if len(layers) == 1:
        return best.architecture
    where = f"in {TRIALS}" if written else "printed by --json"
    return f"{len(layers)} drawn from the encoding, one a layer, {where}"
