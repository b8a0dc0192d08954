"""``ax-anasod search``: a new run."""

from __future__ import annotations

from ax_anasod.cli import arguments as args
from ax_anasod.cli.benchmark_arguments import Given, takes_benchmark


@takes_benchmark
def search(
    *,
    benchmark: args.BenchmarkName,
    given: Given,
    strategy: args.StrategyName = "anasod-bo",
    option: args.StrategyOptions = None,
    start_from: args.From = None,
    from_cells: args.FromCells = None,
    from_uniform: args.FromUniform = None,
    trials: args.Trials = 150,
    seed: args.Seed = 0,
    parallel: args.Parallel = 1,
    until_improvement_below: args.UntilImprovementBelow = None,
    out: args.Out = None,
    json: args.Json = False,
) -> int:
    """Search a benchmark for its best architecture.

    Killed at any instant, a run with --out goes on with: ax-anasod resume DIR
    """
    from ax_anasod.cli.session import quiet_libraries, waiting

    with quiet_libraries():
        with waiting("loading Ax"):
            from ax_anasod.cli.start import start
            from ax_anasod.cli.strategy_options import read_start
        return start(
            benchmark,
            given,
            strategy,
            option or [],
            read_start(start_from, from_cells, from_uniform),
            trials=trials,
            seed=seed,
            parallel=parallel,
            until_improvement_below=until_improvement_below,
            out=out,
            as_json=json,
        )
