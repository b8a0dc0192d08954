"""``ax-anasod evaluate``, ``transfer`` and ``ensemble``: what was found, trained for good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ax_anasod.cli import arguments as args
from ax_anasod.cli import retraining_arguments as own
from ax_anasod.cli import train_arguments as train
from ax_anasod.cli.retraining_arguments import takes_retraining
from ax_anasod.exceptions import OptionError


@takes_retraining
def evaluate(
    *,
    directory: own.TrainedRun,
    protocol: own.Protocol = "evaluation",
    data: own.MovedImages = None,
    given: dict[str, Any],
    out: own.ModelFolder = None,
    json: args.Json = False,
) -> int:
    """Train the best network of a search for good, on all images, and test it.

    Of ax-anasod train that is the network of the best trial; of ax-anasod dnas all layers are
    the best cell, or with --layers sampled each is a cell drawn from p (the paper). Writes
    model.pt (see ax_anasod.load_model), metrics.json and learning_curve.png. The paper's
    protocol has 600 epochs: on a CPU give fewer with --epochs. Killed at any instant, it goes
    on with the same command.
    """
    return _retrain(directory, protocol, None, data, given, out or directory / protocol, json)


@takes_retraining
def transfer(
    *,
    directory: own.TrainedRun,
    dataset: own.OtherDataset,
    data: train.ImageFolder = None,
    protocol: own.Protocol = "evaluation",
    given: dict[str, Any],
    out: own.ModelFolder = None,
    json: args.Json = False,
) -> int:
    """Train the network that was found on another data set (paper, Table 5).

    Writes the same files as evaluate, and goes on with the same command when it was killed.
    """
    if out is None and Path(dataset).name != dataset:
        raise OptionError(
            f"the data set {dataset!r} cannot be part of a folder's name",
            "name a folder with --out",
        )
    folder = out or directory / f"transfer-{dataset}"
    return _retrain(directory, protocol, dataset, data, given, folder, json)


@takes_retraining
def ensemble(
    *,
    directory: own.TrainedRun,
    members: own.Members = 5,
    protocol: own.Protocol = "evaluation",
    data: own.MovedImages = None,
    given: dict[str, Any],
    out: own.ModelFolder = None,
    json: args.Json = False,
) -> int:
    """Train several networks that a search found, and average what they say.

    Of ax-anasod train these are architectures of the best encoding; of ax-anasod dnas the best
    cells, or with --layers sampled networks drawn from p. Reports accuracy, negative
    log-likelihood and calibration error of the members and of the ensemble, with a reliability
    diagram. Killed at any instant, it goes on with the same command; a larger --members adds to
    those that are there.
    """
    folder = out or directory / "ensemble"
    return _retrain(directory, protocol, None, data, given, folder, json, members)


def _retrain(
    directory: Path,
    protocol: str,
    dataset: str | None,
    data: Path | None,
    given: dict[str, Any],
    out: Path,
    as_json: bool,
    members: int | None = None,
) -> int:
    from ax_anasod.cli.session import quiet_libraries, waiting

    with quiet_libraries():
        with waiting("loading Ax"):
            from ax_anasod.cli.retraining_view import retrain
        path = None if data is None else data.resolve()
        return retrain(directory, protocol, dataset, path, given, out, members, as_json=as_json)
