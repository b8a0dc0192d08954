"""First trials that are not drawn uniformly: given ones, then draws around a distribution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, Final

import numpy as np

from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.core import CellBoundSearchSpace, History
from ax_anasod.core.seeding import proposal_rng
from ax_anasod.dnas.edges import CellEdges
from ax_anasod.exceptions import CellError
from ax_anasod.generators.fixed import apply_fixed_counts, draw_with_fixed
from ax_anasod.generators.known_limits import draw_allowed
from ax_anasod.simplex import sample_biased
from ax_anasod.typing import Codes, Fractions, Indices

# The number of draws; the first of them without a trial is proposed.
_DRAWS: Final = 64


class StartingDraws:
    """Proposes given rows, each once, then draws from a distribution mixed with a uniform one.

    A given row that already has a trial, of any origin and with any result, is skipped.
    Draws that have a trial are drawn again, up to 64 times. The proposals follow from the
    arguments and the history.

    Architectures are drawn block by block (paper, Eq. 2) from ``(1 - u) p + u / k``, without
    those that pass nothing on; encodings from the Dirichlet distribution around p (Eq. 3) with
    ``beta = 1 / u - 1``, whose mean is the same mixture.

    Args:
        search_space: The search space of the rows.
        seed: The seed of the run.
        start: ``rows``: the given ones, ``m x d`` (counts or codes, all different);
            ``probabilities``: p, one row of ``k`` for all blocks, or one for each edge
            (:class:`ax_anasod.dnas.edges.CellEdges`); ``uniform``: u, above 0 and at most 1.
    """

    def __init__(
        self, search_space: CellBoundSearchSpace, seed: int, start: Mapping[str, Any]
    ) -> None:
        self._kind, self._cell, self._seed = search_space.kind, search_space.cell, seed
        self._given = np.array(start["rows"], dtype=np.int64).reshape(-1, len(search_space.names))
        self._probabilities = np.array(start["probabilities"], dtype=np.float64)
        self._uniform = float(start["uniform"])

    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> Codes:
        """Propose ``n`` rows, as a generator does, each with those before it pending."""
        draw = self._architectures if self._kind == "architecture" else self._encodings
        given = self._given[(self._given[:, list(fixed)] == list(fixed.values())).all(axis=1)]
        if history.known_limits:
            given = given[history.allowed(given)]
        taken = set(self._keys(history.rows))
        rows = np.empty((n, self._given.shape[1]), dtype=np.int64)
        for i in range(n):
            rng = proposal_rng(self._seed, history.position + i)
            many = partial(_draw_many, draw, rng, fixed)
            drawn = draw_allowed(self._cell, 1, history, many, fixed, rng)
            candidates = np.concatenate([given, drawn])
            keys = self._keys(candidates)
            # If there is nothing new, the repeat is a draw.
            chosen = next((j for j, key in enumerate(keys) if key not in taken), len(given))
            rows[i] = candidates[chosen]
            taken.add(keys[chosen])
        return rows

    def _keys(self, rows: Codes) -> list[bytes]:
        if self._kind == "architecture":
            rows = self._cell.canonical(rows)
        return [row.tobytes() for row in rows]

    def _encodings(self, rng: np.random.Generator, fixed: Mapping[int, int]) -> Codes:
        fractions = self._probabilities.mean(axis=0)
        drawn = sample_biased(fractions, 1 / self._uniform - 1, _DRAWS, rng)
        return apply_fixed_counts(drawn, self._cell, fixed)

    def _architectures(self, rng: np.random.Generator, fixed: Mapping[int, int]) -> Codes:
        cell = self._cell
        shares = (1 - self._uniform) * self._probabilities + self._uniform / cell.num_operations
        codes = _draw_architectures(cell, shares, rng)
        if fixed:
            codes[:, list(fixed)] = list(fixed.values())
            codes = codes[cell.is_valid(codes)]
            if not len(codes):
                codes = draw_with_fixed(cell, 1, fixed, rng)
        return codes


def _draw_many(
    draw: Callable[[np.random.Generator, Mapping[int, int]], Codes],
    rng: np.random.Generator,
    fixed: Mapping[int, int],
    at_least: int,
) -> Codes:
    """Draw one batch, which is always enough."""
    return draw(rng, fixed)


def _draw_architectures(cell: Cell, shares: Fractions, rng: np.random.Generator) -> Codes:
    """Draw architectures block by block from ``rows x k`` positive shares, ``64 x d``."""
    edges = edges_of(cell)
    if edges is None:
        return cell.decode(np.repeat(shares, _DRAWS, axis=0), rng, method="categorical")
    shares = np.broadcast_to(shares, (edges.num_edges, cell.num_operations))
    if not isinstance(cell, RestrictedCell):
        return edges.draw(shares, _DRAWS, rng)
    # Few of all codes may be left, so that drawing from all might find none.
    present = cell.enumerate()
    logarithms = edges.log_probability(shares, present)
    weights = np.exp(logarithms - logarithms.max()) * edges.passes(present)
    if not weights.any():
        return cell.sample(_DRAWS, rng)
    drawn: Indices = rng.choice(present, _DRAWS, p=weights / weights.sum())
    return drawn


@lru_cache(maxsize=4)
def edges_of(cell: Cell) -> CellEdges | None:
    """The edges of a cell; None if a differentiable search cannot search the cell."""
    try:
        return CellEdges(cell)
    except CellError:
        return None
