"""Several architectures as an ensemble.

An encoding, or a distribution, describes many architectures of about the same quality; that they
make diverse ensembles is the paper's proposal for future work (Section 5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from ax_anasod.exceptions import OptionError
from ax_anasod.files import refuse_link, write_json
from ax_anasod.plots.figure import save
from ax_anasod.plots.learning import draw_reliability
from ax_anasod.retraining.member import Retrained, evaluate
from ax_anasod.retraining.search_result import SearchResult
from ax_anasod.runs.layout import check_holds_no_other
from ax_anasod.training import (
    Epoch,
    TrainingData,
    TrainingTask,
    ensemble_probabilities,
    quality,
    reliability,
)
from ax_anasod.training.pairing import image_data

RESULTS: Final = "ensemble.json"
PICTURE: Final = "reliability.png"


@dataclass(frozen=True)
class EnsembleResult:
    """An ensemble, beside its members.

    Args:
        folder: The folder with its files.
        members: The members.
        figures: The content of ``ensemble.json``: of the ensemble, the mean of its members,
            and each of them, accuracy in percent, calibration error in percentage points and
            the negative log-likelihood in nats.
    """

    folder: Path
    members: list[Retrained]
    figures: dict[str, Any]


def train_ensemble(
    found: SearchResult,
    task: TrainingTask,
    data: TrainingData,
    folder: Path,
    *,
    members: int = 5,
    after_epoch: Callable[[int, Epoch], None] = lambda member, epoch: None,
) -> EnsembleResult:
    """Train several of the networks that were found, and average them.

    Of a run that trains, the first member is the network of the best trial, and the others are
    drawn from its encoding; those of a differentiable search are its cells in order of promise,
    or networks drawn from its distribution. Each has a folder ``member-<i>`` with the files
    that `evaluate` writes; beside them are ``ensemble.json`` and ``reliability.png``. Killed at
    any instant, it goes on from the last epoch; more members can be added later.

    Source: the paper's outlook (Section 5); averages as in Lakshminarayanan et al. (2017).

    Args:
        found: The result of the search.
        task: How the members are trained, from `evaluation_task`.
        data: Its images, loaded for evaluation.
        folder: The folder; it is made.
        members: How many networks.
        after_epoch: Called with the number of a member and each of its new epochs.

    Raises:
        OptionError: There are fewer than two members, or they are language models.
        RunError: The search has found fewer networks; none is trained then.
        AnasodError: See `evaluate`.
    """
    if members < 2:
        raise OptionError(f"an ensemble needs at least 2 members, got {members}")
    # Refused before the first of them is trained.
    image_data(task.data)
    check_holds_no_other(folder)
    found.draw(task.network.layers, members - 1)
    for member in range(members):
        refuse_link(folder / f"member-{member}")
    trained = [
        evaluate(
            found,
            task,
            data,
            folder / f"member-{member}",
            member=member,
            after_epoch=partial(after_epoch, member),
        )
        for member in range(members)
    ]
    labels = trained[0].labels
    together = ensemble_probabilities([member.probabilities for member in trained])
    each = [quality(member.probabilities, labels) for member in trained]
    figures: dict[str, Any] = {
        "dataset": data.name,
        **found.origin,
        "test_images": len(labels),
        "ensemble": quality(together, labels),
        "mean_of_members": {
            name: float(np.mean([figures[name] for figures in each])) for name in each[0]
        },
        "members": each,
    }
    diagrams = {
        "first member": reliability(trained[0].probabilities, labels),
        f"ensemble of {members}": reliability(together, labels),
    }
    if not task.hardware.rank:
        save(draw_reliability(diagrams, data.name), folder / PICTURE)
        write_json(folder / RESULTS, figures)
    return EnsembleResult(folder, trained, figures)
