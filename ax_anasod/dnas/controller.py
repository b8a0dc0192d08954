"""The recurrent controller of ENAS."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from ax_anasod.dnas.distribution import Distribution
from ax_anasod.dnas.edges import CellEdges
from ax_anasod.typing import Codes

_WIDTH: Final = 32
_LAYERS: Final = 2
_TANH: Final = 2.5
_TEMPERATURE: Final = 5.0
_ENTROPY: Final = 1e-4
_BASELINE_DECAY: Final = 0.99
# Draws by which the probabilities of a controller are estimated.
_COUNTED: Final = 2000


class Controller(Distribution):
    """A network that draws the operation of one edge after another, and learns from rewards.

    Source: Pham et al., "Efficient neural architecture search via parameter sharing" (ICML
    2018), with the settings of AutoDL-Projects: two layers of 32, logits ``2.5 tanh(x / 5)``,
    weight 1e-4 of the entropy, a baseline that decays by 0.99.

    Args:
        edges: The edges of the cell.
        allowed: ``k`` truth values.
        learning_rate: Of Adam.
        seed: What the weights are drawn from.
    """

    def __init__(
        self, edges: CellEdges, allowed: list[bool], learning_rate: float, seed: int
    ) -> None:
        super().__init__(edges.num_edges, allowed)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self._start = nn.Parameter(0.1 * torch.randn(1, 1, _WIDTH))
            self._embedding = nn.Embedding(len(allowed), _WIDTH)
            self._lstm = nn.LSTM(_WIDTH, _WIDTH, _LAYERS, batch_first=True)
            self._heads = nn.ModuleList(
                nn.Linear(_WIDTH, len(allowed)) for _ in range(edges.num_edges)
            )
        weights = [self._start]
        for module in (self._embedding, self._lstm, self._heads):
            weights += list(module.parameters())
        self._weights = weights
        self._adam = torch.optim.Adam(weights, lr=learning_rate, betas=(0.5, 0.999), eps=1e-3)
        self._baseline: float | None = None

    def probabilities(self) -> Tensor:
        """The frequency of each operation on each edge among 2,000 draws."""
        operations = self._sample(_COUNTED, np.random.default_rng(0))[0]
        one = nn.functional.one_hot(operations, len(self.allowed)).double()
        return one.mean(dim=0)

    def draw(self, edges: CellEdges, n: int, rng: np.random.Generator) -> Codes:
        """Draw architectures whose output depends on their input, ``n x d`` codes."""
        found = np.empty((0, len(edges.cell.code_sizes)), dtype=np.int64)
        while len(found) < n:
            codes = self._codes(edges, self._sample(n, rng)[0], rng)
            found = np.concatenate([found, codes[edges.passes(codes)]])
        return found[:n]

    def propose(
        self, edges: CellEdges, n: int, rng: np.random.Generator
    ) -> tuple[Codes, Tensor, Tensor]:
        """Draw architectures ``n x d``, with their log-probabilities and entropies (``n``)."""
        operations, scores, entropies = self._sample(n, rng)
        return self._codes(edges, operations, rng), scores, entropies

    def learn(self, rewards: Tensor, scores: Tensor, entropies: Tensor) -> None:
        """Make one step towards architectures of higher reward.

        Args:
            rewards: ``n`` shares of images that were classified rightly.
            scores: ``n`` log-probabilities, from `propose`.
            entropies: ``n`` entropies, from `propose`.
        """
        rewards = rewards + _ENTROPY * entropies.detach()
        baseline = float(rewards[0]) if self._baseline is None else self._baseline
        for reward in rewards.tolist():
            baseline -= (1 - _BASELINE_DECAY) * (baseline - reward)
        self._baseline = baseline
        loss = -(scores * (rewards - baseline)).mean() - _ENTROPY * entropies.mean()
        self._adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._weights, 5.0)
        self._adam.step()

    def step(self, gradient: Tensor, share: float) -> None:
        """Raise an error: a controller learns from rewards.

        Raises:
            TypeError: Always.
        """
        raise TypeError("a controller learns from rewards, not from gradients")

    def state(self) -> dict[str, Any]:
        """The weights, the state of Adam, and the baseline."""
        return {
            "weights": [weight.detach().clone() for weight in self._weights],
            "adam": self._adam.state_dict(),
            "baseline": self._baseline,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to what `state` gave."""
        with torch.no_grad():
            for weight, stored in zip(self._weights, state["weights"], strict=True):
                weight.copy_(stored)
        self._adam.load_state_dict(state["adam"])
        self._baseline = state["baseline"]

    def _sample(self, n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Operations ``n x E``, their log-probabilities ``n``, and the entropies ``n``."""
        uniform = torch.from_numpy(rng.random((n, len(self._heads), 1)))
        inputs, hidden = self._start.expand(n, -1, -1), None
        operations, scores, entropies = [], [], []
        for edge, head in enumerate(self._heads):
            output, hidden = self._lstm(inputs, hidden)
            logits = _TANH * torch.tanh(head(output[:, 0]) / _TEMPERATURE)
            logits = logits.masked_fill(~self.allowed, -torch.inf).double()
            logarithms = torch.log_softmax(logits, dim=1)
            shares = logarithms.detach().exp()
            drawn = (uniform[:, edge] >= shares.cumsum(dim=1)).sum(dim=1)
            drawn = drawn.clamp(max=len(self.allowed) - 1)
            operations.append(drawn)
            scores.append(logarithms.gather(1, drawn[:, None])[:, 0])
            entropies.append(torch.special.entr(logarithms.exp()).sum(dim=1))
            inputs = self._embedding(drawn)[:, None]
        return (
            torch.stack(operations, dim=1),
            torch.stack(scores).sum(dim=0),
            torch.stack(entropies).sum(dim=0),
        )

    def _codes(self, edges: CellEdges, operations: Tensor, rng: np.random.Generator) -> Codes:
        """Architectures with these operations ``n x E`` and a wiring drawn uniformly."""
        codes = edges.cell.sample(len(operations), rng)
        on = edges.of(codes)
        codes[:, : edges.cell.num_blocks] = np.take_along_axis(operations.numpy(), on, axis=1)
        return codes
