"""The result of a search, whose networks are to be trained for good."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from ax_anasod.core.seeding import member_rng, member_seed
from ax_anasod.dnas import OneShotConfig, OneShotResult
from ax_anasod.dnas.edges import CellEdges
from ax_anasod.dnas.result_files import CONFIG as DNAS_CONFIG
from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.journal import BETWEEN_LAYERS, Completed
from ax_anasod.runs import Results
from ax_anasod.runs.view import RunView
from ax_anasod.settings import check_value
from ax_anasod.training import TrainingTask
from ax_anasod.training.task import KIND, TRAINING, Layers
from ax_anasod.typing import Codes, Counts


@dataclass(frozen=True)
class SearchResult(ABC):
    """The result of a search: networks, numbered as the members of an ensemble are.

    Args:
        run: The folder of the search.
        task: What the search trained.
        seed: The seed of the search.
    """

    run: Path
    task: TrainingTask
    seed: int

    @property
    @abstractmethod
    def origin(self) -> dict[str, Any]:
        """The origin of the networks, as ``metrics.json`` and ``ensemble.json`` give it."""

    @property
    def picked(self) -> dict[str, Any] | None:
        """The point of a front that was picked, and the rule; None where there is no front."""
        return None

    @abstractmethod
    def draw(self, layers: int, member: int = 0) -> Codes:
        """The architectures of a network.

        Args:
            layers: Number of cells of the network.
            member: Which network; 0 is the most promising one.

        Returns:
            ``layers x d`` codes, or ``1 x d`` where all layers are one architecture.

        Raises:
            RunError: The search has found fewer networks.
        """

    @abstractmethod
    def seed_of(self, member: int) -> int:
        """The seed of the training of a network."""

    def describe(self, codes: Codes, member: int) -> dict[str, Any]:
        """The entries of ``metrics.json`` that describe a network.

        Args:
            codes: Its architectures, from `draw`.
            member: Which network it is.
        """
        return {
            **self.origin,
            "member": member,
            "seed": self.seed_of(member),
            "architectures": self.task.cell.to_strings(codes),
        }


@dataclass(frozen=True)
class BestTrial(SearchResult):
    """The best trial of a run that trains, and further networks of its encoding.

    Args:
        run: The folder of the run.
        task: What the run trained.
        seed: The seed of the run.
        trial: Index of the trial.
        valid_error: Its first objective in the search: the validation error in percent, or of
            language models their loss in nats unless an error was searched.
        counts: ``k`` counts of its encoding.
        codes: ``n x d`` codes of its network, one a layer or a single one.
        rule: What it is of the front, in words; empty where there is one objective.
    """

    trial: int
    valid_error: float
    counts: Counts
    codes: Codes
    rule: str = ""

    @classmethod
    def in_run(cls, run: str | Path, pick: str | None = None) -> Self:
        """Read the best trial of a run folder; a process may be at work in it.

        Args:
            run: The folder.
            pick: Of several objectives, which point of the front
                (:func:`ax_anasod.picking.parse_pick`); as the run was told by default.

        Raises:
            RunError: The folder holds no run, a damaged one, one that trained nothing, or one
                without a trial that has ended well, keeps the limits and is what was asked for.
            OptionError: The rule is unknown, or the run has no front.
            UnknownNameError: The rule names no quantity of the run.
        """
        view = RunView.read(run)
        run, config = view.path, view.config
        if config.benchmark.get(KIND) != TRAINING:
            raise RunError(
                f"the run in {run} looked values up in {config.benchmark_name!r}: there is no "
                "network to train",
                "name the folder of a run of ax-anasod train, or of ax-anasod dnas",
            )
        if config.searched:
            raise RunError(
                f"the run in {run} searched {', '.join(config.searched)} beside the cell, and its "
                "networks are trained with these alone",
                "take the best architecture and its numbers from: ax-anasod show",
            )
        results = Results(config, view.records, rule=pick)
        best, rule = results.picked, results.pick
        if best is None:
            if rule is not None and results.pareto_front:
                raise RunError(f"no trial of the front in {run} is {rule.words}")
            kept = " that keeps the limits" if config.limits else ""
            raise RunError(
                f"the run in {run} has no trial with a result{kept} yet",
                "wait for one, or resume it",
            )
        task = TrainingTask.from_dict(config.benchmark)
        return cls(
            run=run,
            task=task,
            seed=config.seed,
            trial=best.trial,
            valid_error=best.values[config.objectives[0].name],
            rule="" if rule is None else rule.words,
            counts=np.array([best.encoding[name] for name in task.cell.operations]),
            codes=task.cell.from_strings(best.architecture.split(BETWEEN_LAYERS)),
        )

    def of(self, end: Completed) -> Self:
        """Another trial of the same run."""
        return replace(
            self,
            trial=end.trial,
            valid_error=end.values[self.task.objectives[0].name],
            counts=np.array([end.encoding[name] for name in self.task.cell.operations]),
            codes=self.task.cell.from_strings(end.architecture.split(BETWEEN_LAYERS)),
            rule="",
        )

    @property
    def encoding(self) -> dict[str, int]:
        """Operation -> count."""
        return dict(zip(self.task.cell.operations, self.counts.tolist(), strict=True))

    @property
    def origin(self) -> dict[str, Any]:
        """The trial and its encoding."""
        return {"trial": self.trial, "encoding": self.encoding}

    @property
    def picked(self) -> dict[str, Any] | None:
        """The trial and the rule in words; None where there is one objective."""
        return {"rule": self.rule, "trial": self.trial} if self.rule else None

    def draw(self, layers: int, member: int = 0) -> Codes:
        """The architectures of a network with this encoding.

        Args:
            layers: Number of cells of the network.
            member: 0 is the trial's own network; where that has another number of cells, and
                for further members, architectures are drawn from the encoding.

        Returns:
            ``layers x d`` codes, or ``1 x d`` where the trial repeated one architecture.
        """
        number = 1 if len(self.codes) == 1 else layers
        if member == 0 and len(self.codes) == number:
            return self.codes
        rng = member_rng(self.seed, self.trial, member)
        return self.task.cell.decode(np.repeat(self.counts[None], number, axis=0), rng)

    def seed_of(self, member: int) -> int:
        """The seed of the training of a network."""
        return member_seed(self.seed, self.trial, member)


@dataclass(frozen=True)
class BestCells(SearchResult):
    """The cells of a differentiable search, or networks drawn from its distribution.

    Source: paper, Section 3.2 and Algorithm 1: cells are sampled and stacked.

    Args:
        run: The folder of the search.
        task: What the search trained.
        seed: The seed of the search.
        found: The result of the search.
        layers: ``"repeated"``: all layers of a network are one cell, and networks follow the
            order of promise; ``"sampled"``: each layer is another cell drawn from p.

    Raises:
        UnknownNameError: The kind of layers is unknown.
    """

    found: OneShotResult
    layers: str = "repeated"

    def __post_init__(self) -> None:
        check_value("kind of layers", self.layers, Layers)

    @classmethod
    def in_search(cls, folder: str | Path, layers: str = "repeated") -> Self:
        """Read what the differentiable search in a folder has found.

        Raises:
            RunError: The folder holds no differentiable search, one that has not come to its
                end, or a damaged one.
            UnknownNameError: The kind of layers is unknown.
        """
        folder = Path(folder)
        config, found = OneShotConfig.read(folder), OneShotResult.read(folder)
        if found.cell != config.task.cell:
            raise RunError(
                f"what was found in {folder} are cells {found.cell.name!r}, but the search was for "
                f"{config.task.cell.name!r}",
                "bring the files back from a copy",
            )
        return cls(folder, config.task, config.seed, found, layers)

    @cached_property
    def codes(self) -> Codes:
        """The different architectures ``n x d``, the most promising first."""
        return self.task.cell.distinct(self.found.codes)

    @property
    def origin(self) -> dict[str, Any]:
        """The method, how its cells were ranked, and p: operation -> share, one or one an edge."""
        operations = self.task.cell.operations
        p = [dict(zip(operations, row, strict=True)) for row in self.found.probabilities]
        return {
            "method": self.found.method,
            "layers": self.layers,
            "ranked_by": self.found.ranked_by,
            "p": p[0] if len(p) == 1 else p,
        }

    def draw(self, layers: int, member: int = 0) -> Codes:
        """The architectures of a network.

        Args:
            layers: Number of cells of the network.
            member: Its place in the order of promise; where layers are sampled, its number.

        Returns:
            ``1 x d`` codes, or ``layers x d`` where they are sampled.

        Raises:
            RunError: The search has found fewer cells.
        """
        if self.layers == "repeated":
            if member >= len(self.codes):
                raise RunError(
                    f"the differentiable search in {self.run} has found {len(self.codes)} "
                    f"different cells, not {member + 1}",
                    "ask for fewer members, or draw them from p with --layers sampled",
                )
            return self.codes[[member]]
        edges = CellEdges(self.task.cell)
        shares = edges.spread(self.found.probabilities)
        return edges.draw(shares, layers, member_rng(self.seed, 0, member))

    def seed_of(self, member: int) -> int:
        """The seed of the training of a network."""
        return member_seed(self.seed, 0, member)

    def describe(self, codes: Codes, member: int) -> dict[str, Any]:
        """The description of `SearchResult`, and the encoding of the one cell that is repeated."""
        described = super().describe(codes, member)
        if self.layers == "repeated":
            counts = self.task.cell.encode(codes)[0].tolist()
            described["encoding"] = dict(zip(self.task.cell.operations, counts, strict=True))
        return described


def read_search(
    folder: str | Path, layers: str | None = None, pick: str | None = None
) -> SearchResult:
    """Read what the search in a folder has found, be it one by trials or a differentiable one.

    Args:
        folder: The folder of a run that trains, or of a differentiable search.
        layers: As in `BestCells`; the layers of a trial are as they were trained.
        pick: As in `BestTrial.in_run`.

    Raises:
        RunError: The folder holds neither, or nothing was found in it yet.
        OptionError: Layers are asked for of a run that trains, or a point of a front where there
            is none.
        UnknownNameError: There is no such kind of layers, or quantity of the run.
    """
    if (Path(folder) / DNAS_CONFIG).exists():
        if pick is not None:
            raise OptionError(
                f"{pick!r} cannot be picked: {folder} holds a differentiable search, which has no "
                "front",
                "leave --pick out",
            )
        return BestCells.in_search(folder, layers or "repeated")
    best = BestTrial.in_run(folder, pick)
    if layers is not None:
        raise OptionError(
            f"layers {layers!r} cannot be chosen: {folder} holds a run of ax-anasod train, whose "
            "trial says what its layers are",
            "leave --layers out; it is for the folder of ax-anasod dnas",
        )
    return best
