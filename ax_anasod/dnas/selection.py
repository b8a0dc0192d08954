"""From a distribution to cells: what is drawn, and how it is ranked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from scipy.stats import norm, spearmanr

from ax_anasod.dnas.edges import CellEdges, Codes, Probabilities
from ax_anasod.dnas.estimators import uniform_probabilities
from ax_anasod.dnas.judge import Values
from ax_anasod.dnas.search import DistributionSearch
from ax_anasod.training import ImageData
from ax_anasod.training.epoch import epoch_seed
from ax_anasod.training.images import limited

# Ten cells tell a correlation only to about a third.
_CONTRADICTED: Final = -1 / 3
# Probability of taking a cell for better than the vertex where none is, over all of them.
_BY_CHANCE: Final = 0.05
# Cells drawn uniformly on which the supernet is compared with short trainings.
_CHECKED: Final = 10
_SHORT: Final = 4
_SHORT_IMAGES: Final = 4000
# Rungs of short trainings: how many cells, and for how many epochs each.
_RUNGS: Final = ((48, 1), (16, 4), (4, 12))
# Draws among which the likeliest architectures are looked for.
_DRAWN: Final = 10_000


@dataclass(frozen=True)
class Ranking:
    """Architectures in order of promise.

    Args:
        codes: ``n x d``, the most promising first.
        scores: ``n`` losses in nats that they were ranked by, or nothing.
        ranked_by: ``"supernet"``, ``"training"`` or ``"nothing"``.
        agreement: Spearman correlation of the supernet's losses with those of short trainings,
            on a few cells drawn uniformly; None where no supernet was asked.
    """

    codes: Codes
    scores: Values
    ranked_by: str = "nothing"
    agreement: float | None = None


Train = Callable[[Codes, int], Values]
"""Trains cells alone for some epochs; their validation losses in nats."""
SearchNear = Callable[[Probabilities], DistributionSearch]
"""Trains a supernet on single paths drawn from ``1 x k`` probabilities, to the end."""


def select(
    search: DistributionSearch,
    data: ImageData,
    *,
    train: Train | None = None,
    search_near: SearchNear | None = None,
) -> Ranking:
    """Find cells in the distribution of a search, as its method says.

    Args:
        search: A search that has come to its end.
        data: Its images.
        train: Trains cells alone; by default with `train_alone`.
        search_near: Trains the supernet of a neighbourhood; by default with `neighbourhood`.

    Raises:
        TrainingError: A training diverges.
    """
    method, edges = search.method, search.supernet.edges
    rng = np.random.default_rng(epoch_seed(search.seed, 0, "selection"))
    shares = search.probabilities
    if method.selection == "argmax":
        return Ranking(edges.most_likely(shares)[None], np.empty(0))
    if method.selection == "draw":
        return Ranking(edges.draw(shares, method.candidates, rng), np.empty(0))

    def alone(codes: Codes, epochs: int) -> Values:
        return np.array([train_alone(search, data, code, epochs) for code in codes])

    def near(start: Probabilities) -> DistributionSearch:
        local = neighbourhood(search, data, start)
        local.run()
        return local

    train, search_near = train or alone, search_near or near
    discrete = method.selection == "discrete"
    if method.selection == "best-of-likeliest":
        codes = likeliest(edges, shares, method.candidates, rng)
    elif method.selection == "best-of-draws":
        codes = _distinct(edges, edges.draw(shares, method.candidates, rng))
    else:
        pure = best_vertex(search, train, rng)
        drawn = edges.draw(_blurred(search, shares), method.candidates, rng)
        codes = np.concatenate([pure[None], mutations(search, pure, rng), drawn])
        codes = _distinct(edges, codes)
    judge = (search_near(_around(search, pure)) if discrete else search).judge
    losses = judge(codes)[0]
    order = np.argsort(losses, kind="stable")
    codes, losses = codes[order], losses[order]
    uniform = edges.draw(uniform_probabilities(search.distribution, edges), _CHECKED, rng)
    agreement = _agreement(judge(uniform)[0], train(uniform, _SHORT))
    ranking = Ranking(codes, losses, "supernet", agreement)
    if not discrete:
        return ranking
    if agreement < _CONTRADICTED:
        return halve(ranking, train)
    if judge.advantage(codes[0], pure) < norm.isf(_BY_CHANCE / len(codes)):
        # The vertex goes first among those that cannot be told apart.
        first = np.argsort((codes != pure).any(axis=1), kind="stable")
        ranking = replace(ranking, codes=codes[first], scores=losses[first])
    return ranking


def likeliest(
    edges: CellEdges, probabilities: Probabilities, number: int, rng: np.random.Generator
) -> Codes:
    """The architectures of highest probability among 10,000 draws, ``m x d``.

    Args:
        edges: The edges of the cell.
        probabilities: ``E x k``.
        number: At most so many.
        rng: Where they are drawn from.
    """
    codes = _distinct(edges, edges.draw(probabilities, _DRAWN, rng))
    order = np.argsort(-edges.log_probability(probabilities, codes), kind="stable")
    return codes[order[:number]]


def best_vertex(search: DistributionSearch, train: Train, rng: np.random.Generator) -> Codes:
    """The best cell of one operation after a short training, ``d``; its wiring is drawn.

    The operation of largest share will not do: where p is undecided between two, it is either.

    Args:
        search: The search, which says which operations are allowed.
        train: Trains cells alone for some epochs and gives their losses.
        rng: Where the wiring is drawn from.
    """
    edges = search.supernet.edges
    allowed = search.distribution.allowed.numpy().copy()
    allowed[list(edges.zeros)] = False
    vertices = np.eye(len(allowed))[allowed, None]
    codes = np.concatenate([edges.draw(edges.spread(each), 1, rng) for each in vertices])
    code: Codes = codes[train(codes, _SHORT).argmin()]
    return code


def mutations(search: DistributionSearch, code: Codes, rng: np.random.Generator) -> Codes:
    """Architectures one operation or one wire from another, ``m x d``.

    At most as many as the candidates of the method, drawn where there are more.

    Args:
        search: The search, which says which operations are allowed.
        code: ``d``.
        rng: Where they are drawn from.
    """
    edges, most = search.supernet.edges, search.method.candidates
    codes = edges.cell.neighbours(code)
    closed = np.flatnonzero(~search.distribution.allowed.numpy())
    blocks = codes[:, : edges.cell.num_blocks]
    codes = codes[edges.passes(codes) & ~np.isin(blocks, closed).any(axis=1)]
    if len(codes) > most:
        codes = codes[np.sort(rng.choice(len(codes), most, replace=False))]
    return codes


def neighbourhood(
    search: DistributionSearch,
    data: ImageData,
    start: Probabilities,
    checkpoint: Path | None = None,
) -> DistributionSearch:
    """The search whose supernet learns on single paths drawn from a fixed distribution.

    A supernet that learns on paths of the whole space ranks backwards at small budgets; within
    the neighbourhood of one cell, most paths share most of their weights.

    Args:
        search: The search before it.
        data: Its images.
        start: ``1 x k``, the distribution.
        checkpoint: The file of its state, None where nothing is written.
    """
    fixed = replace(
        search.method,
        shared=True,
        weights_by="path",
        update="none",
        travel=None,
        selection="draw",
        best_epoch=False,
    )
    return DistributionSearch(
        search.task, fixed, data, seed=search.seed, checkpoint=checkpoint, start=start
    )


def train_alone(search: DistributionSearch, data: ImageData, code: Codes, epochs: int) -> float:
    """Train one architecture alone for some epochs; its validation loss in nats.

    On at most 4,000 of the images that the weights of the supernet learn from.

    Args:
        search: The search, whose task says how networks are trained.
        data: Its images.
        code: ``d``.
        epochs: How many, with a whole schedule of the learning rate.

    Raises:
        TrainingError: The training diverges.
    """
    rows = limited(data.train.labels, _SHORT_IMAGES, search.seed)
    few = replace(data, train=data.train.subset(rows))
    training = replace(search.task.training, epochs=epochs)
    task = replace(search.task, training=training)
    with closing(task.start(code[None], few, search.seed)) as alone:
        return alone.run()[-1].valid_loss


def halve(ranking: Ranking, train: Callable[[Codes, int], Values]) -> Ranking:
    """Rank cells by short trainings: the better part of them goes on with longer ones.

    Source: Karnin et al., "Almost optimal exploration in multi-armed bandits" (ICML 2013).

    Args:
        ranking: The cells, in the order in which they are kept where losses are equal.
        train: Trains cells alone for some epochs and gives their losses.
    """
    codes, scores = ranking.codes.copy(), ranking.scores.copy()
    left = len(codes)
    for kept, epochs in _RUNGS:
        left = min(left, kept)
        losses = train(codes[:left], epochs)
        order = np.argsort(losses, kind="stable")
        codes[:left], scores[:left] = codes[:left][order], losses[order]
    return replace(ranking, codes=codes, scores=scores, ranked_by="training")


def _agreement(first: Values, second: Values) -> float:
    """Rank correlation; 0 where one of them says that all are the same."""
    with np.errstate(invalid="ignore"):
        if np.ptp(first) == 0 or np.ptp(second) == 0:
            return 0.0
        return float(spearmanr(first, second)[0])


def _around(search: DistributionSearch, code: Codes) -> Probabilities:
    """``1 x k``: mostly the operations of one cell ``d``, the rest uniform."""
    edges, share = search.supernet.edges, search.method.pure_share
    uniform = uniform_probabilities(search.distribution, edges)[:1]
    return share * edges.cell.encode(code[None]) / edges.cell.num_blocks + (1 - share) * uniform


def _blurred(search: DistributionSearch, probabilities: Probabilities) -> Probabilities:
    """P with a share of the uniform distribution over the allowed operations mixed in."""
    share = search.method.uniform_share
    uniform = uniform_probabilities(search.distribution, search.supernet.edges)
    return (1 - share) * probabilities + share * uniform


def _distinct(edges: CellEdges, codes: Codes) -> Codes:
    """Each architecture once, in the order of its first appearance."""
    first = np.unique(edges.cell.keys(codes), return_index=True)[1]
    return codes[np.sort(first)]
