"""``ax-anasod evaluate``, ``transfer`` and ``ensemble``: networks of a search, trained fully."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

from annotated_types import Ge, Le

from ax_anasod.cli import options as opt
from ax_anasod.cli.option_groups import Given, option
from ax_anasod.cli.retraining import retrain
from ax_anasod.cli.retraining_options import AS_IN_SEARCH, RetrainingOptions
from ax_anasod.cli.trained_kinds import DECODER, SEQUENCES
from ax_anasod.exceptions import OptionError
from ax_anasod.settings import MOST_TRIALS, Count

_SEQUENCES: Final = replace(SEQUENCES, names=("sequences",))
_DECODER: Final = replace(DECODER, names=("width", "repeats"), default=AS_IN_SEARCH)
_RUNNER: Final = replace(
    opt.RUNNER,
    changes={
        "runner": {
            "help": "With --top: local trains one network after another in this process, ray as "
            "many at a time as there is room for on this machine or on a cluster."
        },
        "gpus": {"default": None, "show_default": "one, where the device has some"},
    },
)


def evaluate(
    *,
    options: RetrainingOptions,
    sequences: Annotated[Given, _SEQUENCES],
    decoder: Annotated[Given, _DECODER],
    top: Annotated[
        Count | None,
        option(
            "Training",
            "Train the best N trials of ax-anasod train, the most promising first, instead of one; "
            "more of them add to those that are there.",
        ),
    ] = None,
    by: Annotated[
        str | None,
        option(
            "Training",
            "With --top: the best as they were observed in the search (the default), or in the "
            "belief of a model of all trials, which puts lucky ones back.",
            metavar="search|belief",
        ),
    ] = None,
    budget: Annotated[
        float | None,
        option(
            "Training",
            "With --top: begin no further network once trainings have taken this number of hours.",
            metavar="HOURS",
        ),
    ] = None,
    runner: Annotated[Given, _RUNNER],
) -> int:
    """Train the best network of a search fully, on all images, and test it.

    After ax-anasod train, this trains the network of the best trial, or with --top those of the
    best trials. After ax-anasod dnas, all layers are the best cell; with --layers sampled, each
    layer is a cell drawn from p (the paper). Writes model.pt (see ax_anasod.load_model),
    metrics.json and learning_curve.png. The paper's protocol has 600 epochs: on a CPU give fewer
    with --epochs; that of language models has 12. Killed at any instant, it goes on with the same
    command.
    """
    for name, value in {"by": by, "budget": budget, **runner}.items():
        if value is not None and top is None:
            raise OptionError(f"--{name} is for --top N")
    by = by or "search"
    folder = options.protocol
    if top is not None:
        folder += "-top" if by == "search" else f"-top-{by}"
    options = replace(
        options, data={**options.data, **sequences}, network={**options.network, **decoder}
    )
    return retrain(options, folder, top=top, by=by, budget=budget, runner=runner)


def transfer(
    *,
    options: RetrainingOptions,
    dataset: Annotated[
        str, option("Images", "The other data set; see: ax-anasod train --help.", metavar="NAME")
    ],
) -> int:
    """Train, on another data set, the network that a search found (paper, Table 5).

    Writes the same files as evaluate, and goes on with the same command when it was killed.
    """
    if options.out is None and Path(dataset).name != dataset:
        raise OptionError(
            f"the data set {dataset!r} cannot be part of a folder's name",
            "name a folder with --out",
        )
    return retrain(options, f"transfer-{dataset}", dataset=dataset)


def ensemble(
    *,
    options: RetrainingOptions,
    members: Annotated[int, Ge(2), Le(MOST_TRIALS), option("Ensemble", "Number of networks.")] = 5,
) -> int:
    """Train several networks that a search found, and average their predictions.

    After ax-anasod train, the members are architectures of the best encoding; after ax-anasod
    dnas, they are the best cells, or with --layers sampled networks drawn from p. Reports
    accuracy, negative log-likelihood and calibration error of the members and of the ensemble,
    with a reliability diagram. Killed at any instant, it goes on with the same command; a larger
    --members adds to those that are there.
    """
    return retrain(options, "ensemble", members=members)
