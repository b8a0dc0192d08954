"""``ax-anasod benchmarks`` and ``ax-anasod strategies``: what there is to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ax_anasod.generation_strategy import Strategy


def benchmarks() -> None:
    """List the benchmarks, and what each needs."""
    from ax_anasod.cli.parsing import flags_of
    from ax_anasod.cli.terminal import lines, listing, print_result
    from ax_anasod.nasbench import get_class, names

    table = listing("benchmark", "what it is", "needs", "also takes", "data sets")
    for name in names():
        kind = get_class(name)
        needed, possible = flags_of(name)
        table.add_row(
            name,
            _first_line(kind),
            lines(needed),
            lines(possible),
            lines(list(getattr(kind, "datasets", ()))),
        )
    print_result(table)


def strategies(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Show this one, with its options.")
    ] = None,
) -> None:
    """List the strategies with their options and defaults, or show one."""
    from ax_anasod.cli.terminal import lines, listing, plain, print_result, waiting

    with waiting("loading Ax"):
        from ax_anasod.cli.parsing import option_defaults
        from ax_anasod.generation_strategy import STRATEGIES, get

    if name is None:
        table = listing("strategy", "what it does", "searches", "objectives", "options")
        for strategy in STRATEGIES.values():
            defaults = option_defaults(strategy).items()
            table.add_row(
                strategy.name,
                strategy.summary,
                *_abilities(strategy),
                lines([f"{option}={default}" for option, default in defaults]),
            )
    else:
        strategy = get(name)
        space, objectives = _abilities(strategy)
        table = listing("--option", "type", "default", "what it is")
        table.title = plain(
            f"{name}: {strategy.summary} (searches {space}, objectives: {objectives})"
        )
        for option, default in option_defaults(strategy).items():
            described = strategy.options[option]
            allowed = " | ".join(described.choices) or described.type
            table.add_row(option, allowed, default, described.text.replace("``", ""))
    print_result(table)


def _abilities(strategy: Strategy) -> tuple[str, str]:
    """The space that a strategy searches, and how many objectives it takes."""
    return f"{strategy.space}s", "several" if strategy.multi_objective else "one"


def _first_line(documented: object) -> str:
    """The first line of a docstring, without its full stop and its marks of code."""
    return (documented.__doc__ or "").strip().splitlines()[0].rstrip(".").replace("``", "")
