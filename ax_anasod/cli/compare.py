"""``ax-anasod compare``: strategies side by side."""

from __future__ import annotations

from ax_anasod.cli import arguments as args
from ax_anasod.cli.benchmark_arguments import Given, takes_benchmark


@takes_benchmark
def compare(
    *,
    benchmark: args.BenchmarkName,
    given: Given,
    strategies: args.Contenders,
    trials: args.TrialsEach = 150,
    seeds: args.Seeds = 10,
    jobs: args.Jobs = 1,
    regret: args.Regret = None,
    reference: args.Reference = None,
    out: args.ComparisonOut = None,
    json: args.Json = False,
) -> int:
    """Run several strategies with several seeds, and say which is better.

    Stopped or killed at any instant, it goes on with the same command.
    """
    from ax_anasod.cli.session import note, quiet_libraries, waiting

    with quiet_libraries():
        with waiting("loading Ax"):
            from ax_anasod.cli.benchmark_options import make_benchmark
            from ax_anasod.cli.comparison_view import finish, watched
            from ax_anasod.cli.contenders import leave_out_unfit, parse_contenders
            from ax_anasod.compare import compare_strategies
        contenders = parse_contenders(strategies, trials)
        with waiting("reading the benchmark"):
            chosen = make_benchmark(benchmark, given)
            contenders, unfit = leave_out_unfit(strategies, contenders, chosen)
        for reason in unfit:
            note(f"left out: {reason}")
        with watched("comparing") as observer:
            comparison = compare_strategies(
                chosen,
                contenders,
                seeds=seeds,
                jobs=jobs,
                out=out,
                regret=regret,
                reference=reference,
                observer=observer,
            )
        return finish(comparison, as_json=json)
