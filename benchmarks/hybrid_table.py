"""Train every architecture of the cell ``hybrid-lm``: the complete table of a ratio space.

    python benchmarks/hybrid_table.py --out hybrid.jsonl --seeds 0 1 2
    python benchmarks/hybrid_table.py --out hybrid.jsonl --seeds 0 1 2 --shard 1/2

Each training appends one JSON line to the file; what is in it already is not trained again, so
that the same command goes on after an interruption, and several processes share the work by
``--shard``, each with a file of its own. Architectures come in an order that is random but always
the same: what there is after some of them is a uniform sample.

When all are there, the table that comes with the package is written from the files, and what
`docs/hybrid.md` says of it is computed:

    python benchmarks/hybrid_table.py --table ax_anasod/nasbench/hybrid_lm.csv.gz --rows *.jsonl
    python benchmarks/hybrid_table.py --describe ax_anasod/nasbench/hybrid_lm.csv.gz

A training is 400 steps of 8 + 8 fresh sequences of 48 tokens, AdamW, one thread; its weights and
batches follow from SHA-256 of the seed and the architecture. The errors are those on 384 other
sequences, the same for all.

Columns of the table: ``arch``; ``recall_error``, ``facts_error`` (percent) and ``loss`` (nats),
means over the seeds, and of each seed with ``_0`` and so on behind the name; ``cache_bytes`` after
48 tokens; ``parameters``; ``flops_48`` and ``flops_4096``, operations for the token at that
position; ``cpu_seconds`` of a training, the mean.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import itertools
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from scipy.stats import spearmanr
from tqdm import tqdm

from ax_anasod import cells
from ax_anasod.cells import Architecture
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.networks.decoder import Decoder, build_decoder
from ax_anasod.networks.decoder_config import DecoderConfig, costs, outer_parameters
from ax_anasod.training.sequences import RecallAndFacts, errors, seeded_generator, sequence_loss

BATCH: Final = 16
MEASURED_ON: Final = 384
LEARNING_RATE: Final = 3e-3
WARM_UP: Final = 0.1
LAST_SHARE: Final = 0.1
LEARNED: Final = ("recall_error", "facts_error", "loss")
SHORT, LONG = 48, 4096


def schedule(step: int, steps: int) -> float:
    """The share of the learning rate: linear warm-up, then a cosine down to a tenth."""
    warm_up = WARM_UP * steps
    if step < warm_up:
        return (step + 1) / warm_up
    progress = (step - warm_up) / max(steps - warm_up, 1)
    return LAST_SHARE + (1 - LAST_SHARE) * 0.5 * (1 + math.cos(math.pi * progress))


def optimiser_of(network: Decoder) -> torch.optim.AdamW:
    """AdamW with weight decay on matrices."""
    matrices = [p for p in network.parameters() if p.dim() > 1]
    others = [p for p in network.parameters() if p.dim() <= 1]
    groups = [{"params": matrices}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.99), weight_decay=0.01)


def train(architecture: Architecture, seed: int, steps: int, shift: bool = True) -> dict[str, Any]:
    """One training, as a row of the table."""
    begin = time.process_time()
    task = RecallAndFacts()
    config = DecoderConfig(vocabulary=task.vocabulary, shift=shift)
    generator = seeded_generator("hybrid-lm", seed, architecture)
    torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
    network = build_decoder(architecture, config)
    optimiser = optimiser_of(network)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * schedule(step, steps)
        tokens, targets = task.draw(BATCH, generator)
        optimiser.zero_grad()
        sequence_loss(network(tokens), targets).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
    tokens, targets = task.draw(MEASURED_ON, seeded_generator("hybrid-lm", "measured"))
    with torch.no_grad():
        found = errors(network.eval()(tokens), targets)
    return {
        "arch": str(architecture),
        "seed": seed,
        **{name: round(value, 4) for name, value in found.items()},
        "cpu_seconds": round(time.process_time() - begin, 2),
        "steps": steps,
        "shift": shift,
        "torch": torch.__version__,
    }


def finished(path: Path) -> set[tuple[str, int]]:
    """The trainings that a file has; a line that was cut off counts as none."""
    rows = set()
    if path.exists():
        content = path.read_text()
        whole = content[: content.rfind("\n") + 1]
        if whole != content:
            path.write_text(whole)
        for line in whole.splitlines():
            row = json.loads(line)
            rows.add((row["arch"], row["seed"]))
    return rows


def write_table(out: Path, files: Sequence[Path], seeds: Sequence[int]) -> None:
    """Write the table of all architectures from the lines of their trainings.

    Raises:
        SystemExit: A training is missing, or two files differ in one, or in how it was done.
    """
    trainings: dict[tuple[str, int], dict[str, Any]] = {}
    for row in (json.loads(line) for file in files for line in file.read_text().splitlines()):
        other = trainings.setdefault((row["arch"], row["seed"]), row)
        if any(other[name] != row[name] for name in LEARNED):
            raise SystemExit(
                f"{row['arch']}, seed {row['seed']}, is there twice, with other values"
            )
    if len(ways := {(row["steps"], row["shift"], row["torch"]) for row in trainings.values()}) > 1:
        raise SystemExit(f"they were not trained alike: {sorted(ways)}")
    cell, config = cells.get("hybrid-lm"), DecoderConfig()
    codes = cell.enumerate()
    names = cell.to_strings(codes)
    missing = [pair for pair in itertools.product(names, seeds) if pair not in trainings]
    if missing:
        raise SystemExit(f"{len(missing):,} trainings are missing, the first is {missing[0]}")
    exact = {
        "cache_bytes": [costs(config, SHORT)[o].cache_bytes for o in cell.operations],
        "parameters": [costs(config, SHORT)[o].parameters for o in cell.operations],
        f"flops_{SHORT}": [costs(config, SHORT)[o].flops for o in cell.operations],
        f"flops_{LONG}": [costs(config, LONG)[o].flops for o in cell.operations],
    }
    table = {"arch": np.array(names)}
    for name in (*LEARNED, "cpu_seconds"):
        runs = np.array([[trainings[arch, seed][name] for seed in seeds] for arch in names])
        table[name] = runs.mean(axis=1).round(4)
        if name in LEARNED:
            table |= {f"{name}_{s}": column for s, column in zip(seeds, runs.T, strict=True)}
    table |= {name: cell.encode(codes) @ of for name, of in exact.items()}
    table["parameters"] = table["parameters"] + outer_parameters(config)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*(column.tolist() for column in table.values()), strict=True))
    # Without a name and time, so that the same table is the same file.
    out.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))


def describe(path: Path, seeds: Sequence[int]) -> None:
    """Print what the model card says of a table, one JSON object a quantity.

    R² is the share of the variance over all architectures that the encoding explains, in the means
    over the seeds and in each seed; encodings are in the order of their means, with the standard
    error over their architectures (none of an encoding that has one).
    """
    cell = cells.get("hybrid-lm")
    codes = cell.enumerate()
    encodings, of, sizes = np.unique(
        cell.encode(codes), axis=0, return_inverse=True, return_counts=True
    )
    for name in LEARNED:
        columns = [name, *(f"{name}_{seed}" for seed in seeds)]
        found = TableBenchmark(path, cell, minimize=columns).query(codes)
        shares = []
        for column in columns:
            means = np.bincount(of, found[column]) / sizes
            shares.append(1.0 - float(np.var(found[column] - means[of]) / np.var(found[column])))
        means = np.bincount(of, found[name]) / sizes
        deviations = np.sqrt(np.bincount(of, (found[name] - means[of]) ** 2) / (sizes - 1).clip(1))
        ordered = means.argsort()
        pure = [i for i in ordered if encodings[i].max() == cell.total]
        described = {
            "quantity": name,
            "range": [float(found[name].min()), float(found[name].max())],
            "explained_share": round(shares[0], 3),
            "explained_share_of_each_seed": [round(share, 3) for share in shares[1:]],
            "rank_correlation_of_seeds": [
                round(float(spearmanr(found[a], found[b]).statistic), 3)
                for a, b in itertools.combinations(columns[1:], 2)
            ],
            "deviation_of_seeds": round(
                math.sqrt(np.var([found[c] for c in columns[1:]], axis=0, ddof=1).mean()), 3
            ),
            "encodings": {
                " ".join(map(str, encodings[i])): [
                    round(float(means[i]), 3),
                    round(float(deviations[i] / np.sqrt(sizes[i])), 3) if sizes[i] > 1 else None,
                ]
                for i in dict.fromkeys([*ordered[:6], *pure])
            },
            "best": cell.to_strings(codes[found[name].argsort()[:5]]),
        }
        print(json.dumps(described, ensure_ascii=False))


def shard(text: str) -> tuple[int, int]:
    """Read ``I/N``, a part of N, which are counted from 0.

    Raises:
        ArgumentTypeError: There is no such part.
    """
    index, number = map(int, text.split("/"))
    if not 0 <= index < number:
        raise argparse.ArgumentTypeError(f"{text} is none of 0/{number} to {number - 1}/{number}")
    return index, number


def main() -> None:
    """Train what is not in the file yet, write the table, or describe it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, metavar="FILE.jsonl", help="train, and append to it")
    what.add_argument("--table", type=Path, metavar="FILE.csv.gz", help="write it from --rows")
    what.add_argument("--describe", type=Path, metavar="FILE.csv.gz", help="print what it says")
    parser.add_argument("--rows", type=Path, nargs="+", default=[], metavar="FILE.jsonl")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--without-shift", action="store_true")
    parser.add_argument(
        "--shard", default="0/1", type=shard, metavar="I/N", help="this part of N, the first is 0"
    )
    parser.add_argument("--only", nargs="+", metavar="ARCH", help="these architectures only")
    arguments = parser.parse_args()
    if arguments.table is not None:
        write_table(arguments.table, arguments.rows, arguments.seeds)
        return
    if arguments.describe is not None:
        describe(arguments.describe, arguments.seeds)
        return
    index, number = arguments.shard
    torch.set_num_threads(1)
    cell = cells.get("hybrid-lm")
    order = np.random.default_rng(0).permutation(cell.size)
    names = arguments.only or cell.to_strings(cell.enumerate()[order])
    jobs = list(itertools.product(arguments.seeds, names))[index::number]
    done = finished(arguments.out)
    with arguments.out.open("a") as file:
        for seed, name in tqdm([(s, n) for s, n in jobs if (n, s) not in done], unit="training"):
            row = train(cell.architecture(name), seed, arguments.steps, not arguments.without_shift)
            file.write(json.dumps(row) + "\n")
            file.flush()


if __name__ == "__main__":
    main()
