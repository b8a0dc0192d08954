"""How the cost of a trial and the memory grow with the length of a search.

A loop on Ax's ``Client``, one trial after another, on NAS-Bench-Graph or a table; processor time
of this process, so that other work on the machine does not count.

    python benchmarks/growth.py --strategy random --at 100 300 500 1000

The last line of output is one JSON object: at each of these lengths the processor milliseconds a
trial (mean of the ten trials before), the processor seconds so far, the largest memory so far in
MB, and how many trials have repeated an architecture.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import time
import warnings

from common import add_benchmark_options, make_benchmark

from ax_anasod.core import architecture_of
from ax_anasod.experiment import make_client

_WINDOW = 10


def main() -> None:
    """Run one search and print what it takes on its way."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_benchmark_options(parser)
    parser.add_argument("--strategy", default="anasod-bo")
    parser.add_argument("--optimizer", help="of anasod-bo: pool, mirror-descent, exhaustive")
    parser.add_argument("--at", type=int, nargs="+", default=[100, 300, 500])
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    benchmark = make_benchmark(arguments)
    options = {} if arguments.optimizer is None else {"optimizer": arguments.optimizer}
    client = make_client(benchmark.cell, arguments.strategy, seed=0, **options)
    name, seen, seconds = benchmark.objectives[0].name, set(), [time.process_time()]
    result = {}
    for trial in range(1, max(arguments.at) + 1):
        for index in client.get_next_trials(max_trials=1):
            architecture = architecture_of(client, index)
            seen.add(str(architecture))
            code = benchmark.cell.from_strings([str(architecture)])
            client.complete_trial(index, {"error": float(benchmark.query(code)[name][0])})
        seconds.append(time.process_time())
        if trial in arguments.at:
            result[trial] = {
                "ms_per_trial": round(1e3 * (seconds[-1] - seconds[-1 - _WINDOW]) / _WINDOW),
                "cpu_seconds": round(seconds[-1] - seconds[0]),
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                "repeats": trial - len(seen),
            }
            print(trial, result[trial], flush=True)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
