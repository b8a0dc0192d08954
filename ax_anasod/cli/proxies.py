"""``ax-anasod proxies``: scores of architectures that need no training."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from annotated_types import Ge, Le

from ax_anasod.cli import options as opt
from ax_anasod.cli.option_groups import Given, option
from ax_anasod.exceptions import OptionError
from ax_anasod.settings import MOST_TRIALS

if TYPE_CHECKING:
    from ax_anasod.cells import Cell
    from ax_anasod.nasbench import Benchmark
    from ax_anasod.typing import Codes, Values

_ALL: Final = 0


def proxies(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Which; all of them by default.")
    ] = None,
    *,
    benchmark: Annotated[
        str | None,
        option("Benchmark", "What knows values of the architectures; none is needed."),
    ] = None,
    given: Annotated[Given, opt.BENCHMARK],
    operations: opt.Operations = None,
    architectures: Annotated[
        int,
        Ge(_ALL),
        Le(MOST_TRIALS),
        option("Proxies", "Number of architectures, drawn at random; 0: all."),
    ] = 100,
    seed: opt.Seed = 0,
    out: Annotated[
        Path | None,
        option("Output", "New table of the values, with a column arch.", metavar="FILE"),
    ] = None,
    json: opt.Json = False,
) -> None:
    """Score architectures without training, and say how that ranks them.

    The networks are small, and have their first weights: see docs/known.md. Rank agreement is
    Spearman's correlation with each objective of the benchmark, turned so that 1 is best;
    without a benchmark give --cell.
    """
    from ax_anasod.cli.terminal import listing, print_result, waiting

    with waiting("loading torch"):
        from ax_anasod.files import write_whole
        from ax_anasod.proxies import PROXIES, Proxies, ProxyConfig
        from ax_anasod.training.task import find_operations

    if out is not None and out.exists():
        raise OptionError(f"there is a file {out} already", "choose another name")
    chosen = list(dict.fromkeys(names or PROXIES))
    cell, known = _cell_and_benchmark(benchmark, given)
    computing = Proxies(cell, ProxyConfig(seed=seed), find_operations(operations))
    codes = _codes(cell, architectures, seed)
    rows: list[dict[str, Any]] = []
    columns = []
    with waiting(f"building {len(codes):,} networks"):
        for name in chosen:
            begin = time.process_time()
            values = computing(name, codes)
            seconds = (time.process_time() - begin) / len(codes)
            columns.append(values.tolist())
            rows.append(
                {
                    "proxy": name,
                    "seconds": seconds,
                    "smallest": float(values.min()),
                    "largest": float(values.max()),
                    "rank_agreement": _agreement(values, known, codes),
                }
            )
    texts = cell.to_strings(codes)
    if out is not None:
        write_whole(out, _csv(texts, chosen, columns))
    objectives = [] if known is None else [objective.name for objective in known.objectives]
    table = listing("proxy", "ms a cell", "smallest", "largest", *objectives)
    table.caption = f"{len(codes):,} architectures of {cell.name}" + (
        "; in the last columns: rank agreement" if objectives else ""
    )
    for row in rows:
        agreement = row["rank_agreement"]
        table.add_row(
            row["proxy"],
            f"{1000 * row['seconds']:.1f}",
            f"{row['smallest']:.6g}",
            f"{row['largest']:.6g}",
            *("-" if agreement[o] is None else f"{agreement[o]:.3f}" for o in objectives),
        )
    content = {"cell": cell.name, "architectures": texts, "proxies": rows}
    print_result(table, content=content if json else None)


def _cell_and_benchmark(name: str | None, given: Given) -> tuple[Cell, Benchmark | None]:
    from ax_anasod import cells
    from ax_anasod.cli.parsing import make_benchmark

    if name is not None:
        known = make_benchmark(name, given)
        return known.cell, known
    for argument in given:
        if argument != "cell":
            raise OptionError(f"{opt.BENCHMARK.flags[argument]} is for --benchmark")
    if "cell" not in given:
        raise OptionError("the proxies of which cell?", "give --cell NAME, or --benchmark")
    return cells.resolve(given["cell"]), None


def _codes(cell: Cell, number: int, seed: int) -> Codes:
    import numpy as np

    from ax_anasod.cells.keys import LISTED
    from ax_anasod.core.seeding import start_rng

    if number == _ALL and cell.num_listed > LISTED:
        raise OptionError(
            f"cell {cell.name!r} has too many architectures for a network of each",
            "give --architectures N",
        )
    if number == _ALL or (cell.num_listed <= LISTED and number >= len(cell.enumerate())):
        return cell.enumerate()
    return np.unique(cell.sample(number, start_rng(seed)), axis=0)


def _agreement(values: Values, known: Benchmark | None, codes: Codes) -> dict[str, float | None]:
    """Spearman's correlation with each objective, turned so that 1 is best."""
    import numpy as np
    from scipy.stats import spearmanr

    if known is None:
        return {}
    measured = known.query(codes)
    agreement: dict[str, float | None] = {}
    for objective in known.objectives:
        result = measured[objective.name]
        is_known = np.isfinite(result)
        array = values[is_known]
        varies = len(array) > 1 and np.ptp(array) > 0 and np.ptp(result[is_known]) > 0
        correlation = spearmanr(array, -objective.sign * result[is_known])[0] if varies else None
        agreement[objective.name] = None if correlation is None else float(correlation)
    return agreement


def _csv(texts: list[str], names: list[str], columns: list[list[float]]) -> str:
    from ax_anasod.escaping import for_csv

    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(["arch", *names])
    writer.writerows(map(for_csv, row) for row in zip(texts, *columns, strict=True))
    return content.getvalue()
