"""``ax-anasod search``: a new run."""

from __future__ import annotations

from ax_anasod.cli import arguments as args


def search(
    benchmark: args.BenchmarkName,
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
    strategy: args.StrategyName = "anasod-bo",
    option: args.StrategyOptions = None,
    trials: args.Trials = 150,
    seed: args.Seed = 0,
    parallel: args.Parallel = 1,
    out: args.Out = None,
    json: args.Json = False,
) -> int:
    """Search a benchmark for its best architecture.

    Killed at any instant, a run with --out goes on with: ax-anasod resume DIR
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
            from ax_anasod.cli.start import start
        return start(
            benchmark,
            given,
            strategy,
            option or [],
            trials=trials,
            seed=seed,
            parallel=parallel,
            out=out,
            as_json=json,
        )
