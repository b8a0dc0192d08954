"""The recurrent controller of ENAS."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ax_anasod import cells
from ax_anasod.dnas.controller import Controller
from ax_anasod.dnas.edges import CellEdges
from tests.dnas.conftest import ROW, WIRED

EDGES = CellEdges(cells.get("nas-bench-201"))


def test_it_learns_what_is_rewarded() -> None:
    controller = Controller(EDGES, [True] * 5, learning_rate=0.02, seed=0)
    before = controller.probabilities()
    rng = np.random.default_rng(0)
    for _ in range(150):
        codes, scores, entropies = controller.propose(EDGES, 8, rng)
        wanted = (codes[:, :3] == 3).mean(axis=1) + (codes[:, 3:] == 1).mean(axis=1)
        controller.learn(torch.from_numpy(wanted), scores, entropies)
    after = controller.probabilities()
    assert (before > 0.05).all()
    assert (after[:3, 3] > 0.5).all()
    assert (after[3:, 1] > 0.5).all()
    # Its logits are bounded: no operation has all.
    assert after.max() < 0.99
    assert controller.entropy() < 1.2


def test_scores_and_entropies_are_those_of_the_draws() -> None:
    edges = CellEdges(ROW)
    controller = Controller(edges, [True] * 3, learning_rate=0.02, seed=1)
    codes, scores, entropies = controller.propose(edges, 4000, np.random.default_rng(0))
    assert entropies.min() > 0
    logarithms = {tuple(c): s for c, s in zip(codes.tolist(), scores.tolist(), strict=True)}
    shares = {code: np.exp(score) for code, score in logarithms.items()}
    assert sum(shares.values()) == pytest.approx(1.0, abs=1e-6)
    for code, share in shares.items():
        observed = (codes == code).all(axis=1).mean()
        assert observed == pytest.approx(share, abs=5 * (share / 4000) ** 0.5)
    p = controller.probabilities()
    assert p.sum(dim=1).tolist() == pytest.approx([1.0, 1.0])
    first = sum(share for code, share in shares.items() if code[0] == 1)
    assert float(p[0, 1]) == pytest.approx(first, abs=0.06)


def test_draws_pass_something_on_and_are_valid() -> None:
    edges = CellEdges(WIRED)
    controller = Controller(edges, [True] * 3, learning_rate=0.02, seed=1)
    codes = controller.draw(edges, 200, np.random.default_rng(0))
    assert codes.shape == (200, 5)
    assert edges.passes(codes).all()
    assert WIRED.is_representative(codes).all()
    assert len(np.unique(codes[:, 4])) == 3


def test_what_is_not_allowed_is_never_drawn() -> None:
    controller = Controller(EDGES, [False, True, False, True, True], 0.02, seed=0)
    codes, scores, _ = controller.propose(EDGES, 500, np.random.default_rng(0))
    assert set(np.unique(codes)) == {1, 3, 4}
    controller.learn(torch.rand(500, dtype=torch.float64), scores, scores.detach())
    assert torch.isfinite(controller.probabilities()).all()
    assert (controller.probabilities()[:, [0, 2]] == 0).all()


def test_it_goes_on_from_its_state() -> None:
    def learn(controller: Controller, steps: range) -> None:
        for step in steps:
            rng = np.random.default_rng(step)
            codes, scores, entropies = controller.propose(EDGES, 4, rng)
            controller.learn(torch.from_numpy(codes.mean(axis=1)), scores, entropies)

    whole, first, second = (Controller(EDGES, [True] * 5, 0.02, seed=s) for s in (0, 0, 9))
    learn(whole, range(6))
    learn(first, range(3))
    second.restore(first.state())
    learn(second, range(3, 6))
    assert torch.equal(second.probabilities(), whole.probabilities())
    draws = [c.draw(EDGES, 20, np.random.default_rng(5)) for c in (second, whole)]
    assert np.array_equal(*draws)


def test_weights_follow_from_the_seed() -> None:
    before = torch.get_rng_state()
    first, again, other = (Controller(EDGES, [True] * 5, 0.02, seed=s) for s in (0, 0, 1))
    rngs = [np.random.default_rng(0) for _ in range(3)]
    scores = [
        c.propose(EDGES, 4, rng)[1] for c, rng in zip((first, again, other), rngs, strict=True)
    ]
    assert torch.equal(scores[0], scores[1])
    assert not torch.equal(scores[0], scores[2])
    assert torch.equal(torch.get_rng_state(), before)


def test_it_has_no_step_along_a_gradient() -> None:
    with pytest.raises(TypeError, match="learns from rewards"):
        Controller(EDGES, [True] * 5, 0.02, seed=0).step(torch.zeros(6, 5), 1.0)
