"""``ax-anasod benchmarks`` and ``ax-anasod strategies``: what there is to choose from."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any, Final

import typer

from ax_anasod.cli.option_groups import plain_words
from ax_anasod.cli.options import STORED
from ax_anasod.exceptions import UnknownNameError

_OVERVIEW: Final = ("name", "summary", "searches", "objectives", "needs")


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
    from ax_anasod.cli.terminal import lines, listing, plain, print_result

    known = _known_strategies()
    if name is None:
        table = listing("strategy", "what it does", "searches", "objectives", "needs", "options")
        for each in known.values():
            defaults = [f"{option['name']}={option['default']}" for option in each["options"]]
            table.add_row(*(each[key] for key in _OVERVIEW), lines(defaults))
        print_result(table)
        return
    if name not in known:
        raise UnknownNameError("strategy", name, known)
    chosen = known[name]
    table = listing("--option", "type", "default", "what it is")
    table.title = plain(
        f"{name}: {chosen['summary']} (searches {chosen['searches']}, "
        f"objectives: {chosen['objectives']})"
    )
    for option in chosen["options"]:
        table.add_row(*option.values())
    notes = {"Needs": chosen["needs"], "More": chosen["page"]}
    print_result(table, [f"{what}: {text}" for what, text in notes.items() if text])


def described_strategies() -> list[dict[str, Any]]:
    """The descriptions that `strategies` shows, made from the code; it loads torch and Ax."""
    from ax_anasod.cli.parsing import option_defaults
    from ax_anasod.generation_strategy import STRATEGIES

    return [
        {
            "name": strategy.name,
            "summary": strategy.summary,
            "searches": f"{strategy.space}s",
            "objectives": "several" if strategy.multi_objective else "one",
            "needs": strategy.needs,
            "page": strategy.page if strategy.origin is None else None,
            "options": [
                {
                    "name": option,
                    "type": " | ".join(strategy.options[option].choices)
                    or strategy.options[option].type,
                    "default": default,
                    "text": plain_words(strategy.options[option].text),
                }
                for option, default in option_defaults(strategy).items()
            ],
        }
        for strategy in STRATEGIES.values()
    ]


def write_strategies() -> None:
    """Write `STORED` again, after a strategy has changed."""
    STORED.write_text(json.dumps(described_strategies(), indent=1, ensure_ascii=False) + "\n")


def _known_strategies() -> dict[str, dict[str, Any]]:
    """Name -> what is shown of a strategy.

    Loading Ax takes seconds, so the built-in ones stand in a file, written from the code and
    compared with it by a test. Where a module of a user's own has loaded Ax already, the code
    says what it has registered.
    """
    loaded = "ax_anasod.generation_strategy" in sys.modules
    known = described_strategies() if loaded else json.loads(STORED.read_text())
    return {each["name"]: each for each in known}


def _first_line(documented: object) -> str:
    """The first line of a docstring, without its full stop."""
    return plain_words((documented.__doc__ or "").strip().splitlines()[0].rstrip("."))
