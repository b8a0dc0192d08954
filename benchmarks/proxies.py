"""Proxies of the cells of a table: how they rank them, and what they cost.

    python benchmarks/proxies.py --data nb201.csv.gz --seeds 20 --proxies synflow

Values that were computed on this machine are kept
(:class:`ax_anasod.proxies.proxy_values.ValueFile`), so that a second run goes on where the first
one was stopped. Prints one JSON object for each proxy and seed of the first weights: processor
seconds, and the rank correlation (Spearman) with each column that is searched in ``features.py``,
over all cells.
"""

from __future__ import annotations

import argparse
import json
import time

import pandas as pd
from scipy.stats import spearmanr

from ax_anasod import cells
from ax_anasod.proxies import PROXIES, Proxies, ProxyConfig

COLUMNS = (
    *("cifar10_test_200", "cifar10_valid_12", "cifar10_test_12", "cifar100_valid_12"),
    *("cifar100_test_12", "imagenet16_valid_12", "imagenet16_test_12"),
)


def main() -> None:
    """Print one JSON object for each proxy and seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="the table")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--proxies", default=",".join(PROXIES))
    arguments = parser.parse_args()
    table = pd.read_csv(arguments.data)
    cell = cells.get("nas-bench-201")
    codes = cell.from_strings(table["arch"].tolist())
    names = arguments.proxies.split(",")
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        proxies = Proxies(cell, ProxyConfig(seed=seed))
        for name in names:
            begin = time.process_time()
            values = proxies(name, codes)
            seconds = time.process_time() - begin
            agreement = {c: round(float(spearmanr(values, table[c])[0]), 3) for c in COLUMNS}
            content = {"proxy": name, "seed": seed, "seconds": round(seconds, 1), **agreement}
            print(json.dumps(content), flush=True)


if __name__ == "__main__":
    main()
