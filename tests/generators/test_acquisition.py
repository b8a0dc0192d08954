"""The pieces of the acquisition: believing, scoring, and bounded memory."""

from __future__ import annotations

import resource
from typing import Any

import numpy as np
import pytest
import torch
from botorch.fit import fit_gpytorch_mll
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch import Tensor

from ax_anasod.cells import Cell
from ax_anasod.experiment import make_client
from ax_anasod.generators import acquisition
from ax_anasod.generators.acquisition import believe
from ax_anasod.surrogates import EncodingGP

MEGABYTE = 1024  # ru_maxrss counts kilobytes


def fractions(n: int, seed: int) -> Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.multinomial(6, np.full(4, 0.25), size=n) / 6)


@pytest.fixture(scope="module", params=["inferred", "given"])
def model(request: pytest.FixtureRequest) -> EncodingGP:
    X = fractions(12, 0)
    Y = X[:, :1] - 2 * X[:, 1:2]
    Y = (Y - Y.mean()) / Y.std()
    noise = torch.full_like(Y, 0.01) if request.param == "given" else None
    fitted = EncodingGP(X, Y, noise)
    fit_gpytorch_mll(ExactMarginalLogLikelihood(fitted.likelihood, fitted))
    return fitted


class TestBelieve:
    def test_the_mean_stays_and_the_variance_shrinks(self, model: EncodingGP) -> None:
        pending, elsewhere = fractions(3, 5), fractions(40, 6)

        believer = believe(model, pending)

        for X in (pending, elsewhere):
            before, after = model.posterior(X), believer.posterior(X)
            torch.testing.assert_close(after.mean, before.mean, atol=1e-4, rtol=1e-4)
            assert (after.variance <= before.variance + 1e-9).all()
        assert (
            believer.posterior(pending).variance < 0.5 * model.posterior(pending).variance
        ).any()

    def test_one_at_a_time_or_all_at_once_is_the_same(self, model: EncodingGP) -> None:
        pending, elsewhere = fractions(2, 5), fractions(40, 6)

        at_once = believe(model, pending).posterior(elsewhere)
        in_turn = believe(believe(model, pending[:1]), pending[1:]).posterior(elsewhere)

        torch.testing.assert_close(in_turn.mean, at_once.mean, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(in_turn.variance, at_once.variance, atol=1e-5, rtol=1e-3)

    def test_the_same_point_may_be_pending_many_times(self, model: EncodingGP) -> None:
        pending = fractions(1, 5).repeat(20, 1)

        posterior = believe(model, pending).posterior(fractions(10, 6))

        assert torch.isfinite(posterior.mean).all()
        assert (posterior.variance > 0).all()


def test_the_size_of_the_chunks_changes_nothing(
    toy_cell: Cell, toy_error: Any, advance: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []
    for chunk in (acquisition._CHUNK, 7):
        monkeypatch.setattr(acquisition, "_CHUNK", chunk)
        client = make_client(toy_cell, "anasod-bo", num_initial=3, seed=2)
        runs.append(advance(client, 8, toy_error))

    assert runs[0] == runs[1]


@pytest.mark.parametrize(
    ("blocks", "operations", "options"),
    [
        (14, 8, {"optimizer": "pool"}),
        (14, 8, {"optimizer": "mirror-descent"}),
        (14, 8, {"optimizer": "exhaustive"}),
        (40, 12, {"optimizer": "pool", "pool_size": 20_000}),
        (40, 12, {"optimizer": "mirror-descent"}),
    ],
    ids=lambda value: value["optimizer"] if isinstance(value, dict) else str(value),
)
def test_large_cells_are_searched_in_bounded_memory(
    advance: Any, blocks: int, operations: int, options: dict[str, Any]
) -> None:
    cell = Cell("large", operations=[f"op {i}" for i in range(operations)], num_blocks=blocks)
    client = make_client(cell, "anasod-bo", num_initial=6, **options)

    def error(parameters: dict[str, Any]) -> float:
        return 1.0 + sum((count - i) ** 2 for i, count in enumerate(parameters.values()))

    advance(client, 6, error)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    proposed = advance(client, 8, error)

    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # A joint posterior over 20,000 candidates alone would take 3 gigabytes.
    assert after - before < 400 * MEGABYTE
    assert all(sum(counts) == blocks and min(counts) >= 0 for counts in proposed)
