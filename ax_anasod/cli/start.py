"""Starting a new run: everything is checked before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ax_anasod.cli.benchmark_options import make_benchmark
from ax_anasod.cli.carry_out import carry_out
from ax_anasod.cli.session import waiting
from ax_anasod.cli.strategy_options import parse_options
from ax_anasod.generation_strategy import Start, get
from ax_anasod.runs import RunFolder, Search, plan_run
from ax_anasod.runs.layout import check_free


def start(
    benchmark: str,
    given: Mapping[str, Any],
    strategy: str,
    options: Sequence[str],
    start_from: Start | None,
    *,
    trials: int,
    seed: int,
    parallel: int,
    until_improvement_below: float | None,
    out: Path | None,
    as_json: bool,
) -> int:
    """Start a run and carry it out.

    Args:
        benchmark: Name of the benchmark.
        given: Its options, as for :func:`make_benchmark`.
        strategy: Name of the strategy.
        options: Its options, ``NAME=VALUE`` each.
        start_from: What a differentiable search has found.
        trials: How many trials.
        seed: The seed of the run.
        parallel: How many trials are proposed at a time.
        until_improvement_below: When the search is over before its last trial, in percent.
        out: The folder of the run, None where nothing is written.
        as_json: Print the results as JSON.

    Returns:
        The exit code.

    Raises:
        AnasodError: Something that was asked for is wrong; nothing was written.
        Failure: The run has failed on its way.
    """
    chosen_options = parse_options(get(strategy), options)
    if out is not None:
        check_free(out)
    with waiting("reading the benchmark"):
        chosen = make_benchmark(benchmark, given)
    config = plan_run(
        chosen,
        strategy,
        chosen_options,
        trials=trials,
        seed=seed,
        parallel=parallel,
        until_improvement_below=until_improvement_below,
        start=start_from,
    )
    search = Search(config, chosen)
    if out is None:
        return carry_out(search, None, trials, as_json=as_json)
    with RunFolder.create(out, config) as folder:
        search.keep_in(folder.journal)
        return carry_out(search, folder, trials, as_json=as_json)
