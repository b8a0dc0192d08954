"""Are the networks the right networks? Do ours rank architectures as the benchmark does?

Architectures of NAS-Bench-201, spread over the whole range of a column of its table, are
trained here at a small scale, and their validation accuracy is compared with the column by
Spearman's rank correlation. Networks with a wrong operation, wiring or head would rank
otherwise. Beside it stands the correlation of the column with the number of parameters: what
is known without any training.

    python benchmarks/rank_agreement.py --table nb201.csv.gz --dataset cifar10 --data cifar10/

The table has a column ``arch`` and the columns named with ``--column``. Everything follows
from ``--seed``. The last line of output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track
from scipy.stats import spearmanr

from ax_anasod import cells
from ax_anasod.networks import NetworkConfig, build_network, num_parameters
from ax_anasod.training import DataConfig, Hardware, Training, TrainingConfig, load_data


def spread_rows(values: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Rows over the whole range: one drawn at random from each of equally wide intervals.

    Args:
        values: ``n`` values.
        number: How many rows; fewer come back where intervals are empty.
        rng: The source of randomness.
    """
    edges = np.linspace(values.min(), values.max(), number + 1)
    interval = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, number - 1)
    return np.array([rng.choice(np.nonzero(interval == i)[0]) for i in np.unique(interval)])


def choose(table: pd.DataFrame, column: str, number: int, seed: int) -> pd.DataFrame:
    """Half of the architectures spread over the values, half over the ranks.

    Most architectures are good ones: by rank alone they would all be close together, by value
    alone there would be few of those that a search has to tell apart.
    """
    rng = np.random.default_rng(seed)
    by_value = spread_rows(table[column].to_numpy(), number // 2, rng)
    rest = np.setdiff1d(np.arange(len(table)), by_value)
    ranks = table[column].rank(method="first").to_numpy()[rest]
    by_rank = rest[spread_rows(ranks, number - len(by_value), rng)]
    return table.iloc[np.concatenate([by_value, by_rank])].sort_values(column)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--column", action="append", help="first: the one that is spread over")
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--architectures", type=int, default=20)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--validation", type=float, default=0.4, help="share of them")
    parser.add_argument("--image-size", type=int, default=16, help="images are resized to it")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--cells", type=int, default=9)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    """Train, compare, print."""
    options = parse_arguments()
    columns = options.column or ["cifar10_valid_12", "cifar10_test_12"]
    cell = cells.get("nas-bench-201")
    chosen = choose(pd.read_csv(options.table), columns[0], options.architectures, options.seed)
    codes = cell.from_strings(chosen["arch"].tolist())
    data = load_data(
        DataConfig(
            options.dataset,
            None if options.data is None else str(options.data),
            images=options.images,
            validation=options.validation,
            image_size=options.image_size,
            seed=options.seed,
        )
    )
    network_config = NetworkConfig(
        "nas-bench-201",
        channels=options.channels,
        cells=options.cells,
        num_classes=data.num_classes,
        in_channels=data.channels,
    )
    # The benchmark's own schedule but for the smaller batch: a rate of 0.1 that falls to 0.
    training_config = TrainingConfig(
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=0.1,
        weight_decay=5e-4,
    )
    results, started = [], time.perf_counter()
    console = Console(stderr=True)
    for code in track(codes, "training", console=console):
        network = build_network(cell, code[None], network_config, seed=options.seed)
        training = Training(
            network, data, training_config, seed=options.seed, hardware=Hardware(options.device)
        )
        last = training.run()[-1]
        results.append((100 - last.valid_error, num_parameters(network)))
    ours, parameters = np.array(results).T
    frame = chosen[["arch", *columns]].assign(ours=ours, parameters=parameters.astype(int))
    print(frame.to_string(index=False))
    upper = np.argsort(chosen[columns[0]].to_numpy())[len(chosen) // 2 :]
    summary = {
        "architectures": len(chosen),
        "seconds": round(time.perf_counter() - started, 1),
        "spearman": {c: float(spearmanr(ours, chosen[c]).statistic) for c in columns},
        "p_value": {c: float(spearmanr(ours, chosen[c]).pvalue) for c in columns},
        "spearman_of_upper_half": {
            c: float(spearmanr(ours[upper], chosen[c].to_numpy()[upper]).statistic) for c in columns
        },
        "spearman_of_parameters": {
            c: float(spearmanr(parameters, chosen[c]).statistic) for c in columns
        },
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
