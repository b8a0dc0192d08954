"""From a distribution to cells: what is drawn, and how it is ranked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from scipy.stats import spearmanr

from ax_anasod.dnas.edges import CellEdges, Probabilities
from ax_anasod.dnas.estimators import uniform_probabilities
from ax_anasod.dnas.search_loop import DistributionSearch
from ax_anasod.exceptions import OptionError
from ax_anasod.networks import NetworkConfig, published_config
from ax_anasod.training import ImageData
from ax_anasod.training.epoch import epoch_seed
from ax_anasod.training.images import limited
from ax_anasod.training.pairing import image_network
from ax_anasod.typing import Codes, Values

# Cells drawn uniformly on which the supernet is compared with short trainings.
_CHECKED: Final = 10
_SHORT: Final = 4
_SHORT_IMAGES: Final = 2000
# Rungs of short trainings: how many cells (all in the first), and for how many epochs each.
_Rungs: TypeAlias = tuple[tuple[int | None, int], ...]
_OF_VERTICES: Final[_Rungs] = ((None, _SHORT), (2, 16))
_OF_MUTATIONS: Final[_Rungs] = ((None, 2), (6, 4), (2, 8))
# Draws among which the likeliest architectures are looked for.
_DRAWN: Final = 10_000


@dataclass(frozen=True)
class Ranking:
    """Architectures in order of promise.

    Args:
        codes: ``n x d``, the most promising first.
        scores: ``n`` losses in nats that they were ranked by, or nothing.
        ranked_by: ``"supernet"``, ``"nothing"``, or ``"training"``: the first ones by short
            trainings, and the draws behind them by the supernet.
        agreement: Spearman correlation of the supernet's losses with those of short trainings,
            on a few cells drawn uniformly; None where no supernet was asked.
    """

    codes: Codes
    scores: Values
    ranked_by: str = "nothing"
    agreement: float | None = None


Train = Callable[[Codes, int, int], Values]
"""Trains cells alone for some epochs, in networks of so many cells; their validation losses in
nats."""


def select(search: DistributionSearch, data: ImageData, *, train: Train | None = None) -> Ranking:
    """Find cells in the distribution of a search, as its method says.

    Args:
        search: A search that has come to its end.
        data: Its images.
        train: Trains cells alone; by default with `train_alone`.

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

    def alone(codes: Codes, epochs: int, cells: int) -> Values:
        return np.array([train_alone(search, data, code, epochs, cells) for code in codes])

    train_them = train or alone
    if method.selection == "best-of-likeliest":
        codes = likeliest(edges, shares, method.candidates, rng)
    else:
        codes = edges.cell.distinct(edges.draw(_blurred(search, shares), method.candidates, rng))
    losses = search.judge(codes)[0]
    order = np.argsort(losses, kind="stable")
    codes, losses = codes[order], losses[order]
    uniform = edges.draw(uniform_probabilities(search.distribution, edges), _CHECKED, rng)
    trained = train_them(uniform, _SHORT, search.task.network.layers)
    agreement = _agreement(search.judge(uniform)[0], trained)
    if method.selection != "discrete":
        return Ranking(codes, losses, "supernet", agreement)
    pure = best_vertex(search, train_them, rng)
    near, scores = halve(
        np.concatenate([pure[None], mutations(search, pure, rng)]),
        lambda codes, epochs: train_them(codes, epochs, deep_network(search).cells),
        _OF_MUTATIONS,
    )
    others = ~np.isin(edges.cell.keys(codes), edges.cell.keys(near))
    return Ranking(
        np.concatenate([near, codes[others]]),
        np.concatenate([scores, losses[others]]),
        "training",
        agreement,
    )


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
    codes = edges.cell.distinct(edges.draw(probabilities, _DRAWN, rng))
    order = np.argsort(-edges.log_probability(probabilities, codes), kind="stable")
    return codes[order[:number]]


def best_vertex(search: DistributionSearch, train: Train, rng: np.random.Generator) -> Codes:
    """The best cell of one operation after short trainings, ``d``; its wiring is drawn.

    The operation with the largest probability may be wrong where p is undecided between two.

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
    # Not in a deeper network, where operations with weights take longer to beat the others.
    layers = search.task.network.layers
    code: Codes = halve(codes, lambda some, epochs: train(some, epochs, layers), _OF_VERTICES)[0][0]
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


def deep_network(search: DistributionSearch) -> NetworkConfig:
    """The network in which mutations are compared.

    What a mutation is worth depends on the depth: in three cells nothing needs a shorter path,
    in fifteen much does. (P-DARTS, Chen et al., ICCV 2019, names this the depth gap.)

    Raises:
        OptionError: The skeleton has no network of so many cells.
    """
    network = image_network(search.task.network)
    depth = search.method.depth
    if depth is None:
        depth = max(network.cells, published_config(search.task.cell).cells)
    try:
        return replace(network, cells=depth)
    except OptionError as error:
        raise OptionError(f"the depth {depth} will not do: {error.message}") from error


def train_alone(
    search: DistributionSearch, data: ImageData, code: Codes, epochs: int, cells: int
) -> float:
    """Train one architecture alone for some epochs; its validation loss in nats.

    On at most 2,000 of the images that the weights of the supernet learn from; the loss is that on
    at most 2,000 of those that p learns from.

    Args:
        search: The search, whose task says how networks are trained.
        data: Its images.
        code: ``d``.
        epochs: How many, with a whole schedule of the learning rate.
        cells: Cells of its network.

    Raises:
        TrainingError: The training diverges.
    """
    number = max(_SHORT_IMAGES, 2 * data.num_classes)
    train, valid = (
        images.subset(limited(images.labels, number, search.seed))
        for images in (data.train, data.valid)
    )
    few = replace(data, train=train, valid=valid)
    training = replace(search.task.training, epochs=epochs)
    network = replace(image_network(search.task.network), cells=cells)
    task = replace(search.task, training=training, network=network)
    return task.start(code[None], few, search.seed).run()[-1].valid_loss


def halve(
    codes: Codes, train: Callable[[Codes, int], Values], rungs: _Rungs
) -> tuple[Codes, Values]:
    """Rank cells by short trainings: the better part of them goes on with longer ones.

    Source: Karnin et al., "Almost optimal exploration in multi-armed bandits" (ICML 2013).

    Args:
        codes: ``n x d``, in the order in which they are kept where losses are equal.
        train: Trains cells alone for some epochs and gives their losses.
        rungs: How many cells are trained (None for all), and for how many epochs, in turn.

    Returns:
        ``n x d`` codes, the best first, and the loss of the longest training of each.
    """
    codes, losses = codes.copy(), np.empty(len(codes))
    for kept, epochs in rungs:
        trained = train(codes[:kept], epochs)
        order = np.argsort(trained, kind="stable")
        codes[:kept], losses[:kept] = codes[:kept][order], trained[order]
    return codes, losses


def _agreement(first: Values, second: Values) -> float:
    """Rank correlation; 0 where one of them says that all are the same."""
    with np.errstate(invalid="ignore"):
        if np.ptp(first) == 0 or np.ptp(second) == 0:
            return 0.0
        return float(spearmanr(first, second)[0])


def _blurred(search: DistributionSearch, probabilities: Probabilities) -> Probabilities:
    """P with a share of the uniform distribution over the allowed operations mixed in."""
    share = search.method.uniform_share
    uniform = uniform_probabilities(search.distribution, search.supernet.edges)
    return (1 - share) * probabilities + share * uniform
