"""``ax-anasod compare``: strategies side by side."""

from __future__ import annotations

from ax_anasod.cli import arguments as args


def compare(
    benchmark: args.BenchmarkName,
    strategies: args.Contenders,
    dataset: args.Dataset = None,
    data: args.Data = None,
    cell: args.CellName = None,
    accuracy: args.Accuracy = None,
    minimize: args.Minimize = None,
    report: args.Report = None,
    cost: args.Cost = None,
    present_only: args.PresentOnly = False,
    epochs: args.Epochs = None,
    training_seeds: args.TrainingSeeds = None,
    cache: args.Cache = False,
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
    given = {
        "dataset": dataset,
        "path": data,
        "cell": cell,
        "accuracy": accuracy,
        "minimize": minimize,
        "report": report,
        "cost": cost,
        "present_only": present_only,
        "epochs": epochs,
        "seeds": training_seeds,
        "cache": cache,
    }
    from ax_anasod.cli.session import quiet_libraries, waiting

    with quiet_libraries():
        with waiting("loading Ax"):
            from ax_anasod.cli.benchmark_options import make_benchmark
            from ax_anasod.cli.comparison_view import finish, watched
            from ax_anasod.cli.contenders import parse_contenders
            from ax_anasod.compare import compare_strategies
        contenders = parse_contenders(strategies, trials)
        with waiting("reading the benchmark"):
            chosen = make_benchmark(benchmark, given)
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
