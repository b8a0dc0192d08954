"""``ax-anasod benchmarks`` and ``ax-anasod strategies``: what there is to choose from."""

from __future__ import annotations


def benchmarks() -> None:
    """List the benchmarks, and what each needs."""
    from rich.console import Console

    from ax_anasod.cli.session import quiet_libraries
    from ax_anasod.cli.tables import first_line, lines, listing, print_plainly

    with quiet_libraries():
        from ax_anasod.cli.benchmark_options import flags_of
        from ax_anasod.nasbench import get_class, names

    table = listing("benchmark", "what it is", "needs", "also takes", "data sets")
    for name in names():
        kind = get_class(name)
        needed, possible = flags_of(name)
        table.add_row(
            name,
            first_line(kind),
            lines(needed),
            lines(possible),
            lines(list(getattr(kind, "datasets", ()))),
        )
    print_plainly(table, Console(highlight=False))


def strategies() -> None:
    """List the strategies, and their options with the defaults."""
    from rich.console import Console

    from ax_anasod.cli.session import quiet_libraries, waiting
    from ax_anasod.cli.tables import lines, listing, print_plainly

    with quiet_libraries(), waiting("loading Ax"):
        from ax_anasod.cli.strategy_options import option_defaults
        from ax_anasod.generation_strategy import STRATEGIES

    table = listing("strategy", "what it does", "searches", "objectives", "options")
    for strategy in STRATEGIES.values():
        table.add_row(
            strategy.name,
            strategy.summary,
            f"{strategy.space}s",
            "several" if strategy.multi_objective else "one",
            lines([f"{name}={value}" for name, value in option_defaults(strategy).items()]),
        )
    print_plainly(table, Console(highlight=False))
