"""The Gaussian process of ANASOD-BO on architectures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from botorch.acquisition import LogExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from gpytorch.mlls import ExactMarginalLogLikelihood

from ax_anasod import cells
from ax_anasod.cells import Cell, one_hot_adjacency, path_features
from ax_anasod.core import History
from ax_anasod.exceptions import CellError, OptionError, UnknownNameError
from ax_anasod.generators import ArchitectureGPGenerator, acquisition
from ax_anasod.surrogates import EncodingGP
from ax_anasod.testing import SyntheticObjective

NB201 = cells.get("nas-bench-201")
OWN = Cell("own", operations=["conv", "pool", "skip"], num_blocks=3, wiring=[2])

Build = Callable[..., History]


def some(history: Build, cell: Cell, n: int = 8) -> History:
    codes = cell.sample(n, np.random.default_rng(3))
    return history(codes.tolist(), SyntheticObjective(cell)(codes).tolist())


@pytest.mark.parametrize(
    ("cell", "kind", "encode"),
    [(NB201, "adjacency", one_hot_adjacency), (NB201, "path", path_features)],
)
def test_it_proposes_what_botorch_alone_proposes(
    cell: Cell, kind: str, encode: Callable[..., Any], history: Build
) -> None:
    past = some(history, cell)
    generator = ArchitectureGPGenerator(cell.to_dict(), seed=2, inputs=kind)
    X = torch.as_tensor(encode(cell, past.rows))
    logs = torch.as_tensor(past.values).log()
    Y = (logs - logs.mean()) / logs.std()
    model = EncodingGP(X, Y)
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    candidates = generator.candidates(past, {}, generator.rng(past))
    acqf = LogExpectedImprovement(model, best_f=Y.min(), maximize=False)
    scores = acqf(torch.as_tensor(encode(cell, candidates)).unsqueeze(1))

    proposed = generator.propose(1, past, {})

    # Architectures of the same features are equally good.
    best = (scores > scores.max() - 1e-6).numpy()
    assert proposed[0].tolist() in candidates[best].tolist()


@pytest.mark.parametrize("kind", ["adjacency", "path"])
@pytest.mark.parametrize("name", ["darts", "nas-bench-graph", "nasnet"])
def test_wired_cells(name: str, kind: str, history: Build) -> None:
    cell = cells.get(name)
    generator = ArchitectureGPGenerator(cell.to_dict(), inputs=kind, candidates={"pool_size": 20})

    codes = generator.propose(2, some(history, cell, 5), {})

    assert cell.is_valid(codes).all()
    assert len(set(cell.keys(codes).tolist())) == 2


def test_proposals_follow_from_the_history_alone(
    history: Build, disturb: Callable[[int], None]
) -> None:
    past = some(history, OWN)
    proposals = []
    for number in (1, 2):
        disturb(number)
        state = torch.get_rng_state()
        generator = ArchitectureGPGenerator(OWN.to_dict(), seed=5)
        proposals.append(generator.propose(2, past, {}).tolist())
        assert torch.equal(torch.get_rng_state(), state)

    assert proposals[0] == proposals[1]


def test_it_searches(search: Callable[..., History]) -> None:
    objective = SyntheticObjective(OWN)
    generator = ArchitectureGPGenerator(
        OWN.to_dict(), num_initial=4, candidates={"pool": "exhaustive"}
    )
    start = search(generator, objective, 0)
    codes = OWN.sample(4, np.random.default_rng(1))
    start = replace(
        start,
        rows=codes,
        values=objective(codes)[:, None],
        trial_indices=np.arange(4),
        failed=np.zeros(4, dtype=np.bool_),
        position=4,
    )

    found = search(generator, objective, 10, start)

    # Random search needs 27 of the 54 on average.
    assert found.values.min() == objective(OWN.enumerate()).min()


def test_pending_architectures_are_believed(
    history: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def recorded(mean: Any, deviation: Any, best: float) -> Any:
        seen.append((mean, deviation, best))
        return -mean

    monkeypatch.setattr(acquisition, "log_expected_improvement", recorded)
    generator = ArchitectureGPGenerator(OWN.to_dict())
    past = some(history, OWN)
    awaited = OWN.neighbours(past.rows[int(past.values.argmin())])[0]
    waiting = history(
        [*past.rows.tolist(), awaited.tolist()], [*past.values[:, 0].tolist(), np.nan]
    )
    around = OWN.neighbours(awaited)

    for run in (past, waiting):
        generator.choose(run, around, np.random.default_rng(0))

    # The believed value is the mean there, so that all means stay; it is known, and counts
    # as found where it is better than all that was.
    (mean, deviation, best), (believed, narrower, new_best) = seen
    np.testing.assert_allclose(believed, mean, atol=1e-4)
    assert (narrower <= deviation + 1e-9).all()
    assert (narrower < 0.9995 * deviation).any()
    assert new_best <= best


def test_failed_architectures_repel(history: Build) -> None:
    past = some(history, OWN, 6)
    best = int(past.values.argmin())
    values = past.values.copy()
    values[best] = np.nan
    failed = replace(past, values=values, failed=np.arange(6) == best)
    generator = ArchitectureGPGenerator(OWN.to_dict(), candidates={"pool": "exhaustive"})

    near = [
        int((generator.propose(1, run, {})[0] != past.rows[best]).sum()) for run in (past, failed)
    ]

    assert near[0] < near[1]


def test_one_lengthscale_for_each_feature(history: Build) -> None:
    codes = NB201.sample(6, np.random.default_rng(0))
    targets = np.linspace(-1, 1, 6)
    shapes = [
        ArchitectureGPGenerator(NB201.to_dict(), ard=ard)
        .fit(codes, targets)
        .covar_module.base_kernel.lengthscale.shape
        for ard in (False, True)
    ]

    assert [shape[-1] for shape in shapes] == [1, 30]


def test_values_of_both_signs_are_modelled_as_they_are(history: Build) -> None:
    past = history(OWN.sample(4, np.random.default_rng(0)).tolist(), [-1.0, 2.0, 3.0, 0.5])

    with_log, without = (
        ArchitectureGPGenerator(OWN.to_dict(), log_targets=log).propose(1, past, {}).tolist()
        for log in (True, False)
    )
    assert with_log == without


def test_what_the_cell_does_not_have_is_refused() -> None:
    with pytest.raises(UnknownNameError):
        ArchitectureGPGenerator(OWN.to_dict(), inputs="pat")
    with pytest.raises(OptionError):
        ArchitectureGPGenerator(OWN.to_dict(), inputs="path", max_features=0)
    with pytest.raises(CellError):
        ArchitectureGPGenerator(cells.get("darts").to_dict(), inputs="path", max_features=20)
