"""Trains small ensembles with the package nasbench301 itself, in its own format.

Run by the interpreter that has the package, not by ours:

    PYTHON train_ensemble.py TABLE INTO --models xgb,lgb_time --members 3 --rows 800

TABLE has the columns arch, accuracy (percent) and seconds. What comes out are ensembles of
ours, for testing: they are not NAS-Bench-301, whose weights were fitted to other data.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib.util
import json
import re
from pathlib import Path

# Small enough to be trained in seconds.
SETTINGS = {
    "xgb": {
        "early_stopping_rounds": 20,
        "param:num_rounds": 120,
        "param:booster": "gbtree",
        "param:max_depth": 6,
        "param:learning_rate": 0.1,
        "param:bananas_enc": False,
    },
    "lgb": {
        "early_stopping_rounds": 20,
        "param:num_iterations": 120,
        "param:num_leaves": 15,
        "param:learning_rate": 0.1,
        "param:verbosity": -1,
        "param:bananas_enc": False,
    },
    "gnn_gin": {
        "epochs": 2,
        "batch_size": 64,
        "learning_rate": 0.002,
        "learning_rate_min": 1e-4,
        "loss_function": "L2",
        "loss:loss_log_transform": False,
        "loss:pairwise_ranking_loss": False,
        "num_gnn_layers": 2,
        "gnn_hidden_dimensions": 16,
        "graph_pooling": "sum",
        "dropout_prob": 0.0,
        "virtual_node": True,
        "graph_preprocessing:undirected_graph": False,
        "graph_preprocessing:self_loops": False,
        "graph_preprocessing:add_node_degree_one_hot": True,
    },
}
SETTINGS["lgb_time"] = SETTINGS["lgb"]


def load_worker():
    """The script that serves ensembles: it knows how the package is imported."""
    file = Path(__file__).parents[3] / "ax_anasod/nasbench/nasbench301/worker_script.py"
    specification = importlib.util.spec_from_file_location("worker_script", file)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def genotype_of(text, kind):
    """The package's own Genotype, read from its text."""
    parts = {
        part: [
            (operation, int(source))
            for operation, source in re.findall(
                r"\('(\w+)', (\d)\)", re.search(rf"\b{part}=\[(.*?)\]", text).group(1)
            )
        ]
        for part in ("normal", "reduce")
    }
    concat = [2, 3, 4, 5]
    return kind(parts["normal"], concat, parts["reduce"], concat)


def write_results(table, folder, rows):
    """Result files as the package reads them; returns their paths."""
    from nasbench301.api import fixed_hyperparameters
    from nasbench301.representations import Genotype, convert_genotype_to_config

    folder.mkdir(parents=True)
    paths = []
    with gzip.open(table, "rt", newline="") as lines:
        for number, row in zip(range(rows), csv.DictReader(lines)):  # noqa: B905 (Python 3.8)
            config = convert_genotype_to_config(genotype_of(row["arch"], Genotype))
            accuracy = float(row["accuracy"])
            result = {
                "optimized_hyperparamater_config": {**fixed_hyperparameters, **config},
                "info": [{"val_accuracy": accuracy}],
                "test_accuracy": accuracy,
                "runtime": float(row["seconds"]),
            }
            path = folder / f"results_{number}.json"
            path.write_text(json.dumps(result))
            paths.append(str(path))
    return paths


def train(model, paths, folder, members):
    """An ensemble of one kind of model, each member in a folder of its own."""
    from nasbench301.surrogate_models import utils

    for number in range(members):
        member = utils.model_dict[model](
            data_root="None",
            log_dir=str(folder / f"ensemble_member_{number}"),
            seed=number,
            model_config={"model": model, **SETTINGS[model]},
            data_config={"no_data": {"type": "no_data", "filepath_regex": ""}, "report_freq": 100},
        )
        # Each leaves out another eighth of the data.
        member.val_paths = paths[number::8]
        member.train_paths = [path for path in paths if path not in set(member.val_paths)]
        member.train()
        member.save()


def main():
    """Train what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("into", type=Path)
    parser.add_argument("--models", default="xgb,lgb_time")
    parser.add_argument("--members", type=int, default=3)
    parser.add_argument("--rows", type=int, default=800)
    options = parser.parse_args()
    load_worker().import_package()
    import matplotlib
    from nasbench301.surrogate_models.gnn.gnn_utils import NASBenchDataset

    # Its data set overrides a method that torch_geometric 2 no longer asks when it trains.
    NASBenchDataset.len = NASBenchDataset.__len__

    matplotlib.use("Agg")
    paths = write_results(options.table, options.into / "results", options.rows)
    for model in options.models.split(","):
        train(model, paths, options.into / f"{model}_ours", options.members)


if __name__ == "__main__":
    main()
