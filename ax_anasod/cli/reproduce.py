"""``ax-anasod reproduce``: the paper's tables and figures, made again."""

from __future__ import annotations

from typing import Final

from ax_anasod.cli import arguments as args
from ax_anasod.cli.benchmark_arguments import Given, takes_benchmark

_OFFICIAL: Final = "nas-bench-201"


@takes_benchmark
def reproduce(
    *,
    target: args.Target,
    benchmark: args.BenchmarkName = _OFFICIAL,
    given: Given,
    seeds: args.ProtocolSeeds = 10,
    trials: args.MostTrials = None,
    jobs: args.ProtocolJobs = 1,
    out: args.ReproductionOut = None,
    json: args.Json = False,
) -> int:
    """Make a table or figure of the paper again, with the paper's numbers beside.

    Stopped or killed at any instant, its searches go on with the same command.
    """
    if benchmark == _OFFICIAL and not given["seeds"]:
        # The paper searches single training runs.
        given = {**given, "seeds": "single"}
    from ax_anasod.cli.session import quiet_libraries, waiting

    with quiet_libraries():
        with waiting("loading Ax"):
            import ax_anasod.reproduce as room
            from ax_anasod.cli.benchmark_options import make_benchmark
            from ax_anasod.cli.comparison_view import finish_reproduction, watched
        room.check_target(target)
        with waiting("reading the benchmark"):
            chosen = make_benchmark(benchmark, given)
        words = ("sample", "samples") if target in room.DRAWN else ("trial", "runs")
        with watched(f"making {target} again", *words) as observer:
            reproduction = room.reproduce(
                target,
                chosen,
                seeds=seeds,
                most_trials=trials,
                jobs=jobs,
                out=out,
                observer=observer,
            )
        return finish_reproduction(reproduction, out, as_json=json)
