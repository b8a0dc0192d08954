# /// script
# requires-python = "==3.11.*"
# dependencies = [
#     "nasbench301==0.3",
#     # It declares none of the packages that it imports.
#     "numpy==1.26.4",
#     "scipy==1.13.1",
#     "pandas==2.2.3",
#     "scikit-learn==1.4.2",
#     "xgboost==1.7.6",
#     "lightgbm==3.3.5",
#     # Later ones do not read the package's configuration space; this one gives exactly the
#     # numbers of 0.4.12, for which its models were made.
#     "ConfigSpace==0.6.1",
#     "torch==2.13.0",
#     "torch_geometric==2.8.1",
#     "networkx==3.6.1",
#     "matplotlib==3.11.2",
#     "seaborn==0.13.2",
#     "h5py==3.16.0",
#     "ipython==9.18.1",
#     "requests==2.34.2",
#     "tqdm==4.70.1",
#     "click==8.5.1",
#     "pathvalidate==3.3.1",
# ]
# ///
"""Serves the ensembles of the package nasbench301: run by an interpreter of its own.

The package needs versions that nothing else here can live with, so this file imports nothing
of ours, and of others only what it serves. It reads one JSON object a line on stdin and
answers with one a line on stdout::

    {"id": 7, "genotypes": [{"normal": [["sep_conv_3x3", 0], ...], "reduce": [...]}, ...]}
    {"id": 7, "accuracy": [...], "deviation": [...], "seconds": [...]}
    {"id": 7, "error": "what went wrong", "index": 3}

Accuracies are percent, deviations too (those of the noise), ``seconds`` may be null; an error
has an ``index`` where one genotype is at fault. The first line is ``{"ready": {...}}``, or
``{"error": "..."}`` where nothing can be served. It ends when stdin does.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import types
from typing import IO, Any, Callable, Protocol  # noqa: UP035 (Python 3.8)

EXTENSIONS = {"torch_scatter": ("scatter", "scatter_softmax"), "torch_cluster": ("knn_graph",)}
"""Compiled packages that nasbench301 imports for any model -> what it takes from them.

Only its model deeper_gnn ever calls them.
"""

TREES = ("xgb", "xgb_time", "lgb", "lgb_time")
"""Models that predict from numbers, any number of rows at once."""


class GenotypeError(Exception):
    """A genotype cannot be predicted.

    Args:
        index: Its place in the batch.
        reason: What is wrong with it.
    """

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(reason)
        self.index = index


class Predictor(Protocol):
    """The interface of the surrogates that can be served."""

    def describe(self) -> dict[str, Any]:
        """The description of the surrogate, as a JSON-able object."""
        ...

    def predict(self, genotypes: list[Any]) -> tuple[list[float], list[float], list[float] | None]:
        """Accuracy, deviation and seconds of ``n`` genotypes.

        Raises:
            GenotypeError: If one of them cannot be predicted.
        """
        ...


def import_package() -> list[str]:
    """Import nasbench301, with placeholders for compiled packages that are missing.

    Returns:
        The names of those that are.
    """
    # It looks for them when it is imported itself: no placeholder may be there yet.
    import torch_geometric  # noqa: F401

    missing = []
    for name, functions in EXTENSIONS.items():
        try:
            __import__(name)
        except ImportError:
            sys.modules[name] = placeholder(name, functions)
            missing.append(name)
    import nasbench301  # noqa: F401

    return missing


def placeholder(name: str, functions: tuple[str, ...]) -> types.ModuleType:
    """A module whose functions can be imported, and say what is missing when called."""

    def missing(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError(
            f"this graph network needs the package {name}, which {sys.executable} does not have"
        )

    module = types.ModuleType(name)
    for function in functions:
        setattr(module, function, missing)
    return module


class Ensemble:
    """One ensemble of the package.

    Args:
        directory: Its folder.
    """

    def __init__(self, directory: str) -> None:
        from nasbench301 import load_ensemble

        self.api = load_ensemble(directory)
        model = self.api.model
        if not hasattr(model, "ensemble_members"):
            raise RuntimeError(f"{directory} holds no bagged ensemble")
        # The package has them in the order of the file system.
        self.members = sorted(model.ensemble_members, key=lambda member: str(member.log_dir))
        self.kind = model.member_model_name

    def predict(self, configs: list[Any], features: Any) -> tuple[Any, Any]:
        """Mean and standard deviation of the members, for each of ``n`` configurations.

        Args:
            configs: The ``n`` configurations.
            features: The same as ``n x f`` numbers, which tree models take.
        """
        import numpy as np

        if self.kind.startswith("xgb"):
            import xgboost

            features = xgboost.DMatrix(features)
        if self.kind in TREES:
            # What their query does, for all configurations at once.
            answers = [member.model.predict(features) for member in self.members]
        else:
            # One at a time, so that no answer depends on what else is in the batch.
            answers = [[np.ravel(m.query(c))[0] for c in configs] for m in self.members]
        values = np.array(answers, dtype=float)
        return values.mean(axis=0), values.std(axis=0)


class PackagePredictor:
    """An ensemble of the accuracy, and perhaps one of the training time.

    Args:
        accuracy: Folder of the ensemble that predicts accuracies.
        runtime: Folder of the one that predicts training times, or None.
    """

    def __init__(self, accuracy: str, runtime: str | None = None) -> None:
        self.missing = import_package()
        self.accuracy = Ensemble(accuracy)
        self.runtime = Ensemble(runtime) if runtime else None
        self.loader = self.accuracy.members[0].config_loader

    def describe(self) -> dict[str, Any]:
        """The models, how many members they have, and what is missing here."""
        return {
            "surrogate": self.accuracy.kind,
            "members": len(self.accuracy.members),
            "runtime": self.runtime.kind if self.runtime else None,
            "missing": self.missing,
        }

    def predict(self, genotypes: list[Any]) -> tuple[list[float], list[float], list[float] | None]:
        """Accuracy, deviation and seconds of ``n`` genotypes."""
        import numpy as np

        configs, features = [], []
        for index, genotype in enumerate(genotypes):
            try:
                config, numbers = self.convert(genotype)
            except Exception as error:
                raise GenotypeError(index, explain(error)) from error
            configs.append(config)
            features.append(numbers)
        # The package marks what an architecture does not have in this way.
        matrix = np.nan_to_num(np.array(features), nan=-1.0)
        mean, deviation = self.accuracy.predict(configs, matrix)
        seconds = self.runtime.predict(configs, matrix)[0].tolist() if self.runtime else None
        return mean.tolist(), deviation.tolist(), seconds

    def convert(self, genotype: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        """The package's configuration of a genotype, and the same as ``f`` numbers."""
        from nasbench301.api import fixed_hyperparameters
        from nasbench301.representations import Genotype

        normal, reduce = ([tuple(e) for e in genotype[part]] for part in ("normal", "reduce"))
        concat = [2, 3, 4, 5]
        named = Genotype(normal, concat, reduce, concat)
        config = dict(fixed_hyperparameters)
        config.update(self.accuracy.api.convert_representation(named, "genotype"))
        return config, self.loader.query_config_dict(config).get_array()


def explain(error: BaseException) -> str:
    """An error on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def answer_requests(make_predictor: Callable[[], Predictor]) -> None:
    """Answer the requests on stdin until there are none.

    Args:
        make_predictor: Makes what is served.
    """
    answers = take_stdout()
    try:
        predictor = make_predictor()
    except Exception as error:  # noqa: BLE001 (whatever a damaged file makes it raise)
        say(answers, {"error": explain(error)})
        return
    say(answers, {"ready": predictor.describe()})
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any] = {"id": request["id"]}
        try:
            accuracy, deviation, seconds = predictor.predict(request["genotypes"])
            answer.update(accuracy=accuracy, deviation=deviation, seconds=seconds)
        except GenotypeError as error:
            answer.update(error=str(error), index=error.index)
        except Exception as error:  # noqa: BLE001 (it must not end those that follow)
            answer.update(error=explain(error))
        say(answers, answer)


def take_stdout() -> IO[str]:
    """The file behind stdout, for answers only: what libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return answers


def say(answers: IO[str], answer: dict[str, Any]) -> None:
    """Write one line."""
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def check() -> None:
    """Report the missing compiled packages, or the reason why the package cannot be imported."""
    answers = take_stdout()
    try:
        say(answers, {"missing": import_package()})
    except Exception as error:  # noqa: BLE001 (whatever its packages raise)
        say(answers, {"error": explain(error)})


def main() -> None:
    """Serve the ensembles that the command line names."""
    parser = argparse.ArgumentParser(description="Serves ensembles of nasbench301.")
    parser.add_argument("accuracy", nargs="?", help="folder of the ensemble of the accuracy")
    parser.add_argument("--runtime", help="folder of the ensemble of the training time")
    parser.add_argument("--check", action="store_true", help="only import the package")
    options = parser.parse_args()
    if options.check:
        check()
    elif options.accuracy is None:
        parser.error("no ensemble is named")
    else:
        answer_requests(lambda: PackagePredictor(options.accuracy, options.runtime))


if __name__ == "__main__":
    main()
