"""The loop of the worker script around a small linear model, which may misbehave.

The model is a real one: least squares of a made-up accuracy on what a genotype consists of.
What it does wrong, on the genotypes whose normal cell begins with a given operation, is what
the packages of a real surrogate may do: crash, hang, print, or raise.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)


def load_script() -> ModuleType:
    """The worker script, by its path: the old interpreter has no other way to it either."""
    file = Path(__file__).parents[3] / "ax_anasod/nasbench/nasbench301/worker_script.py"
    specification = importlib.util.spec_from_file_location("worker_script", file)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def features_of(genotypes: list[Any]) -> np.ndarray:
    """How often each operation occurs in each part, and the sum of its inputs."""
    return np.array(
        [
            [
                value
                for part in ("normal", "reduce")
                for name in OPERATIONS
                for chosen in [[source for o, source in genotype[part] if o == name]]
                for value in (len(chosen), sum(chosen))
            ]
            for genotype in genotypes
        ],
        dtype=float,
    )


class LinearModel:
    """Fitted to 300 random genotypes."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        features = features_of([random_genotype(rng) for _ in range(300)])
        accuracy = 90 + features @ np.linspace(-0.1, 0.2, features.shape[1])
        self.weights = np.linalg.lstsq(
            np.column_stack([features, np.ones(300)]), accuracy, rcond=None
        )[0]

    def __call__(self, genotypes: list[Any]) -> list[float]:
        """The accuracies of genotypes, one at a time."""
        rows = features_of(genotypes)
        return [float(row @ self.weights[:-1] + self.weights[-1]) for row in rows]


def random_genotype(rng: np.random.Generator) -> dict[str, list[list[Any]]]:
    """One genotype."""
    return {
        part: [
            [OPERATIONS[rng.integers(7)], int(source)]
            for node in range(2, 6)
            for source in np.sort(rng.choice(node, 2, replace=False))
        ]
        for part in ("normal", "reduce")
    }


class Misbehaving:
    """Serves the linear model, and does what the command line says."""

    def __init__(self, options: argparse.Namespace, script: ModuleType) -> None:
        if options.broken:
            raise ValueError("the file\nis truncated")
        sys.stdout.write("a library greets\n")
        self.options, self.script, self.model = options, script, LinearModel()

    def describe(self) -> dict[str, Any]:
        return {"surrogate": "linear"}

    def predict(self, genotypes: list[Any]) -> tuple[list[float], list[float], list[float] | None]:
        options = self.options
        for index, genotype in enumerate(genotypes):
            time.sleep(options.sleep)
            first = genotype["normal"][0][0]
            if first == options.die_on:
                os.kill(os.getpid(), signal.SIGKILL)
            if first == options.hang_on:
                time.sleep(3600)
            if first == options.fail_on:
                raise RuntimeError("out of order")
            if first not in OPERATIONS:
                raise self.script.GenotypeError(index, f"unknown operation {first}")
        if options.print:
            sys.stdout.write("a library chats\n")
            os.write(1, b"even through the file descriptor\n")
        accuracy = self.model(genotypes)
        seconds = [100.0 * value for value in accuracy] if options.seconds else None
        return accuracy, [0.5] * len(accuracy), seconds


def garble_once(script: ModuleType, marker: Path, line: str) -> None:
    """Have one answer replaced, in the first process that gives one."""
    honest = script.say

    def say(answers: Any, answer: dict[str, Any]) -> None:
        if "id" in answer and not marker.exists():
            marker.touch()
            answers.write(line + "\n")
            answers.flush()
        else:
            honest(answers, answer)

    script.say = say


def write_ensemble(folder: Path) -> tuple[Path, str]:
    """A folder that looks like an ensemble, and an interpreter that serves this instead.

    Returns:
        The folder, and the path of the interpreter.
    """
    member = folder / "xgb" / "0"
    member.mkdir(parents=True)
    (member / "surrogate_model.model").touch()
    (member / "model_config.json").write_text('{"model": "xgb"}')
    (member / "data_config.json").write_text("{}")
    shutil.copytree(folder / "xgb", folder / "lgb_time")
    (folder / "lgb_time" / "0" / "model_config.json").write_text('{"model": "lgb_time"}')
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I "{__file__}" --seconds "$@"\n')
    python.chmod(0o755)
    return folder, str(python)


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--broken", action="store_true")
    parser.add_argument("--die-on")
    parser.add_argument("--hang-on")
    parser.add_argument("--fail-on")
    parser.add_argument("--print", action="store_true")
    parser.add_argument("--seconds", action="store_true")
    parser.add_argument("--sleep", type=float, default=0.0)
    parser.add_argument("--garble", nargs=2, metavar=("MARKER", "LINE"))
    parser.add_argument("--ended", type=Path)
    # As the command of an interpreter it is given the script and the folders, too.
    options, _ = parser.parse_known_args()
    script = load_script()
    if options.garble:
        garble_once(script, Path(options.garble[0]), options.garble[1])
    script.answer_requests(lambda: Misbehaving(options, script))
    if options.ended:
        options.ended.write_text(str(os.getpid()))


if __name__ == "__main__":
    sys.exit(main())
