"""The methods of differentiable search, as rows of one table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal

from annotated_types import Ge, Le

from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.settings import Configuration, Probability, checked

Estimator = Literal["mixture", "dirichlet", "gumbel", "straight-through", "path", "uniform-path"]
"""The computation of the supernet in a step.

``"mixture"`` is the sum of all operations, weighted by their probabilities; ``"dirichlet"``
and ``"gumbel"`` draw these weights; ``"straight-through"`` draws one operation for each edge,
and its gradient is that of ``"gumbel"``; ``"path"`` draws an architecture from p, and
``"uniform-path"`` one from the uniform distribution.
"""
Update = Literal["none", "projected", "exponentiated", "adam", "dirichlet", "controller"]
Selection = Literal["draw", "argmax", "best-of-draws", "best-of-likeliest", "discrete"]
_Amount = Annotated[float, Ge(0), Le(1e6)]
_Temperature = Annotated[float, Ge(1e-3), Le(1e6)]


@checked
@dataclass(frozen=True)
class MethodConfig(Configuration):
    """The way in which a differentiable search learns its distribution p, and its use of it.

    Args:
        summary: One line for people.
        source: Where the settings come from.
        shared: Whether all blocks share one distribution, as in the paper.
        weights_by: What the supernet computes while its weights learn.
        learned_by: What it computes while p learns; ``"path"`` is the score-function
            estimator (REINFORCE) there.
        update: The rule by which p moves; ``"controller"`` is the recurrent network of ENAS.
        learning_rate: The size of a step of p.
        travel: How far each probability can be moved over the whole search; the learning rate
            of normalised steps follows from it, whatever the number of steps and of cells
            (see `SimplexDistribution`). None takes ``learning_rate`` as it is.
        decay: Whether the steps of p fall along a cosine.
        weight_decay: Of Adam.
        shortcut: Weight of the input of an edge that is added to its operations while the search
            goes on, so that ``skip_connect`` is not preferred for what any residual path does
            to the training of a supernet (as in DARTS-, where it fades).
        second_order: Whether the weights are unrolled by one step (DARTS, second order).
        single_level: Whether weights and p learn from the same images, which are then all.
        without_zero: Whether operations that pass nothing on are left out.
        temperature: Of Gumbel noise at the start of the search.
        final_temperature: At its end; it falls linearly.
        draws: Architectures in a step of the score-function estimator or the controller.
        controller_steps: Steps of the controller in an epoch.
        logsumexp: Weight, at the end of the search, of the mean log-sum-exp of the logits; it
            rises linearly from 0 (beta-DARTS).
        schedule: The cosine of the weights' learning rate runs over so many times the epochs;
            at 2 the learning rate ends at half.
        best_epoch: Whether p of the best epoch is the result, rather than that of the last.
        selection: How cells are found in p: ``"draw"`` samples; ``"argmax"`` takes the
            likeliest operation of each edge; ``"best-of-draws"`` ranks draws by the supernet,
            ``"best-of-likeliest"`` the likeliest ones; ``"discrete"`` takes the cell of one
            operation that is best after a short training, and its single mutations, and ranks
            them by short trainings in a deep network; draws, ranked by the supernet, follow.
        candidates: How many cells are ranked.
        uniform_share: Share of the uniform distribution that is mixed into p for candidates.
        depth: Cells of that deep network; None takes the published number, or that of the
            supernet where it is larger.
        epochs: The published number of epochs.
        published_rate: The published learning rate times the published number of steps: how
            far p of the published search could go; 0 where p does not move.

    Raises:
        OptionError: A number is out of range, or two fields contradict each other.
        UnknownNameError: The estimator, update or selection is unknown.
    """

    summary: str
    source: str
    shared: bool = False
    weights_by: Estimator = "mixture"
    learned_by: Estimator = "mixture"
    update: Update = "adam"
    learning_rate: _Amount = 3e-4
    travel: _Amount | None = None
    decay: bool = False
    weight_decay: _Amount = 1e-3
    shortcut: _Amount = 0.0
    second_order: bool = False
    single_level: bool = False
    without_zero: bool = False
    temperature: _Temperature = 10.0
    final_temperature: _Temperature = 0.1
    draws: Annotated[int, Ge(2), Le(10_000)] = 4
    controller_steps: Annotated[int, Ge(1), Le(100_000)] = 50
    logsumexp: _Amount = 0.0
    schedule: Annotated[float, Ge(1), Le(1000)] = 1.0
    best_epoch: bool = False
    selection: Selection = "argmax"
    candidates: Annotated[int, Ge(1), Le(100_000)] = 100
    uniform_share: Probability = 0.0
    depth: Annotated[int, Ge(3), Le(1000)] | None = None
    epochs: Annotated[int, Ge(1), Le(1_000_000)] = 50
    published_rate: float = 0.0

    def __post_init__(self) -> None:
        if self.update == "dirichlet" and "dirichlet" not in (self.weights_by, self.learned_by):
            raise OptionError("update 'dirichlet' needs an estimator 'dirichlet'")
        if self.update != "dirichlet" and "dirichlet" in (self.weights_by, self.learned_by):
            raise OptionError("the estimator 'dirichlet' needs the update 'dirichlet'")
        if self.shared and self.selection == "argmax":
            raise OptionError(
                "selection 'argmax' of a shared distribution is a cell of one operation",
                "take selection 'draw', or shared=false",
            )
        if self.second_order and self.learned_by != "mixture":
            raise OptionError("second_order needs learned_by 'mixture'")


TRAINING: Final = {"batch_size": 64, "learning_rate": 0.025, "final_learning_rate": 0.001}
"""The training of the weights: liamcli/gaea_release and D-X-Y/AutoDL-Projects agree in these
fields of `TrainingConfig`."""

_GAEA: Final = MethodConfig(
    "GAEA: exponentiated gradient on each block",
    "Li et al., ICLR 2021; liamcli/gaea_release, edarts on NAS-Bench-201: none left out, 25 "
    "epochs of a cosine over 50",
    update="exponentiated",
    learning_rate=0.1,
    without_zero=True,
    schedule=2.0,
    epochs=25,
    published_rate=0.1 * 9_750,
)
_DARTS: Final = MethodConfig(
    "DARTS: Adam on the logits of each block, first order",
    "Liu et al., ICLR 2019; D-X-Y/AutoDL-Projects, DARTS-V1 on NAS-Bench-201",
    published_rate=3e-4 * 50 * 390,
)
_ANASOD: Final = MethodConfig(
    "ANASOD-DNAS: one distribution for all blocks, cells are drawn (the paper)",
    "paper, Algorithm 1 and Appendix C; clamp and none left out as in liamcli/gaea_release; "
    "normalised steps and the shortcut are ours (docs/dnas.md)",
    shared=True,
    update="projected",
    travel=30.0,
    decay=True,
    shortcut=1.0,
    without_zero=True,
    best_epoch=True,
    selection="draw",
    epochs=20,
    published_rate=0.1 * 7_800,
)

METHODS: Final[dict[str, MethodConfig]] = {
    "anasod-dnas": _ANASOD,
    "anasod-dnas+": replace(
        _ANASOD,
        summary="ANASOD-DNAS, then the best vertex and its mutations, trained for a bit (ours)",
        source="docs/dnas.md",
        selection="discrete",
        candidates=50,
        uniform_share=0.1,
    ),
    "gaea": _GAEA,
    "gaea-erm": replace(
        _GAEA,
        summary="GAEA, where weights and distribution learn from the same images",
        source="Li et al., ICLR 2021; liamcli/gaea_release, single_level=true",
        single_level=True,
        published_rate=0.1 * 19_525,
    ),
    "darts": _DARTS,
    "darts-2": replace(
        _DARTS,
        summary="DARTS, second order: the weights unrolled by one step",
        source="Liu et al., ICLR 2019; D-X-Y/AutoDL-Projects, DARTS-V2 on NAS-Bench-201",
        second_order=True,
    ),
    "gdas": replace(
        _DARTS,
        summary="GDAS: straight-through Gumbel-softmax, one operation a block",
        source="Dong and Yang, CVPR 2019; D-X-Y/AutoDL-Projects on NAS-Bench-201",
        weights_by="straight-through",
        learned_by="straight-through",
        epochs=250,
        published_rate=3e-4 * 250 * 390,
    ),
    "drnas": replace(
        _DARTS,
        summary="DrNAS: weights drawn from a Dirichlet distribution",
        source="Chen et al., ICLR 2021; xiangning-chen/DrNAS, 201-space/train_search.py",
        weights_by="dirichlet",
        learned_by="dirichlet",
        update="dirichlet",
        epochs=100,
        published_rate=3e-4 * 100 * 390,
    ),
    "beta-darts": replace(
        _DARTS,
        summary="beta-DARTS: DARTS with a growing penalty on the log-sum-exp of the logits",
        source="Ye et al., CVPR 2022; Sunshine-Ye/Beta-DARTS on NAS-Bench-201",
        logsumexp=50.0,
        epochs=100,
        published_rate=3e-4 * 100 * 390,
    ),
    "setn": replace(
        _DARTS,
        summary="SETN: weights learn on uniform paths, the logits by the mixture",
        source="Dong and Yang, ICCV 2019; D-X-Y/AutoDL-Projects on NAS-Bench-201",
        weights_by="uniform-path",
        selection="best-of-likeliest",
        epochs=250,
        published_rate=3e-4 * 250 * 390,
    ),
    "rsps": replace(
        _DARTS,
        summary="RSPS: random search with shared weights, the best of 100 draws",
        source="Li and Talwalkar, UAI 2019; D-X-Y/AutoDL-Projects on NAS-Bench-201",
        weights_by="uniform-path",
        update="none",
        selection="best-of-draws",
        epochs=250,
        published_rate=0.0,
    ),
    "enas": replace(
        _DARTS,
        summary="ENAS: a recurrent controller draws the paths and learns from their accuracy",
        source="Pham et al., ICML 2018; D-X-Y/AutoDL-Projects on NAS-Bench-201",
        weights_by="path",
        learned_by="path",
        update="controller",
        learning_rate=1e-3,
        draws=20,
        selection="best-of-draws",
        epochs=250,
        published_rate=0.0,
    ),
}
"""Every method by its name, with its published settings."""


def method(name: str, **options: Any) -> MethodConfig:
    """One of the methods, with other values where they are given.

    Args:
        name: One of :data:`METHODS`.
        **options: Arguments of :class:`MethodConfig`.

    Raises:
        UnknownNameError: The method or an option is unknown.
        OptionError: A number is out of its range.
    """
    if name not in METHODS:
        raise UnknownNameError("method", name, METHODS)
    return METHODS[name].with_options(**options)
