"""A search that starts from what a differentiable search has found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from annotated_types import Gt, Le
from ax.generation_strategy.generation_strategy import GenerationStrategy

from ax_anasod._ax import nodes_of
from ax_anasod.cells import Cell, full_cell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace, TrialKind
from ax_anasod.dnas import OneShotResult
from ax_anasod.dnas.result_files import FOUND
from ax_anasod.exceptions import OptionError, RunError, UnknownNameError
from ax_anasod.generation_strategy.nodes import DRAWS, common_arguments, history_node
from ax_anasod.generators.anasod_local_search import encodings_of
from ax_anasod.generators.registered import GENERATORS
from ax_anasod.generators.starting_draws import edges_of
from ax_anasod.settings import NonNegativeInt, checked
from ax_anasod.typing import Codes


@checked
@dataclass(frozen=True)
class Start:
    """How a search starts from the result of a differentiable search.

    The first trial is the cell of most promise; the other initial ones are drawn from p, into
    which a uniform distribution is mixed: p alone is often so sharp that its draws tell a
    model little. So do further cells of the result, which are mostly the neighbours of the first
    one (measured in docs/strategies.md).

    Args:
        found: The result.
        cells: How many of its cells are the first trials; as many encodings, where encodings
            are searched.
        uniform: The share of the uniform distribution, above 0 and at most 1.
        source: What people call the result; the path that it was read from, if it was.

    Raises:
        OptionError: A value is out of range or of the wrong type.
    """

    found: OneShotResult
    cells: NonNegativeInt = 1
    uniform: Annotated[float, Gt(0), Le(1)] = 0.25
    source: str = ""

    @classmethod
    def of(cls, value: Start | OneShotResult | str | Path) -> Start:
        """A start from whatever says what was found.

        Args:
            value: A result, the path of its file or folder, or a start.

        Raises:
            OptionError: It is none of these.
            RunError: The file is missing, damaged, or no result of a differentiable search.
        """
        if isinstance(value, Start):
            return value
        if isinstance(value, str | Path) and value != "":
            return cls(OneShotResult.read(Path(value)), source=str(value))
        if not isinstance(value, OneShotResult):
            raise OptionError(
                f"start is {value!r}, which is no result of a differentiable search",
                f"give a OneShotResult, or the path of its {FOUND}",
            )
        return cls(value, source=f"{value.method} seed {value.seed}")

    @property
    def words(self) -> dict[str, Any]:
        """The start in the words of the command line: options that differ from the defaults."""
        fields = {"cells": self.cells, "uniform": self.uniform}
        changed = {name: value for name, value in fields.items() if value != getattr(Start, name)}
        return {"from": self.source, **{f"from_{name}": value for name, value in changed.items()}}

    def to_dict(self) -> dict[str, Any]:
        """The start as JSON-able data, with all that was found."""
        return {**vars(self), "found": self.found.to_dict()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The start of `to_dict`.

        Raises:
            OptionError: A value is out of range or of the wrong type.
            RunError: It is damaged.
        """
        try:
            found = OneShotResult.from_dict(stored["found"], "the start")
            return cls(**{**stored, "found": found})
        except (KeyError, TypeError, UnknownNameError) as error:
            raise RunError(f"the start of the run is damaged: {error}") from error

    def for_generators(self, cell: Cell, space: TrialKind) -> dict[str, Any]:
        """What :class:`ax_anasod.generators.starting_draws.StartingDraws` is given.

        Raises:
            OptionError: It is of another cell than the one that is searched.
        """
        check_same_cell(self.found.cell, cell, "start")
        edges, rows = edges_of(cell), len(self.found.probabilities)
        allowed = [1] if edges is None else [1, edges.num_edges]
        if rows not in allowed:
            raise OptionError(
                f"the start has {rows} distributions, but cell {cell.name!r} can have "
                f"{' or '.join(map(str, allowed))}"
            )
        codes = self.found.codes
        return {
            "rows": rows_of(cell, codes[cell.is_valid(codes)], space)[: self.cells],
            "probabilities": [list(row) for row in self.found.probabilities],
            "uniform": self.uniform,
        }


def rows_of(cell: Cell, codes: Codes, space: TrialKind) -> list[list[int]]:
    """Architectures ``n x d`` as rows of a search space, each once, in their order."""
    rows = encodings_of(cell, codes) if space == "encoding" else codes
    _, index = np.unique(rows, axis=0, return_index=True)
    distinct: list[list[int]] = rows[np.sort(index)].tolist()
    return distinct


def begin_with(
    codes: Codes, cell: Cell, space: TrialKind, others: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Let given architectures be the first trials.

    Args:
        codes: The architectures, ``n x d``.
        cell: The cell that is searched.
        space: What is searched.
        others: What a differentiable search says of the trials after them, as
            `Start.for_generators`; None for uniform draws.

    Returns:
        What :class:`ax_anasod.generators.starting_draws.StartingDraws` is given.
    """
    if others is None:
        uniform = [1 / cell.num_operations] * cell.num_operations
        others = {"rows": [], "probabilities": [uniform], "uniform": 1.0}
    first = rows_of(cell, codes, space)
    return {**others, "rows": [*first, *(row for row in others["rows"] if row not in first)]}


def started(
    strategy: GenerationStrategy,
    stored: Mapping[str, Any],
    search_space: AnasodSearchSpace | CellSearchSpace,
    seed: int,
    num_initial: int,
) -> GenerationStrategy:
    """Let a strategy start from what was found, or given.

    Its random draws become draws of the start. A strategy without any gets a node of them in
    front.

    Args:
        strategy: The strategy, new.
        stored: What :class:`ax_anasod.generators.starting_draws.StartingDraws` is given.
        search_space: What it searches.
        seed: The seed of the run.
        num_initial: How many initial trials a strategy without draws of its own gets.
    """
    space = search_space.kind
    first = nodes_of(strategy)[0]
    (spec,) = first.generator_specs
    draws = GENERATORS[DRAWS[space]]
    if GENERATORS.get(spec.generator_kwargs.get("registered_as", "")) is draws:
        spec.generator_kwargs["start"] = stored
        return strategy
    common = {**common_arguments(search_space, seed), "start": stored}
    start = history_node("start", DRAWS[space], common, {"scope": "one"}, first.name, num_initial)
    return GenerationStrategy(name=strategy.name, nodes=[start, *nodes_of(strategy)])


def check_same_cell(found: Cell, searched: Cell, what: str) -> None:
    """Refuse what was found of another cell than the one that is searched.

    Args:
        found: The cell that it is of.
        searched: The cell that is searched.
        what: What it is called: ``"start"`` or ``"source"``.

    Raises:
        OptionError: The cells differ in more than their names.
    """
    pair = [full_cell(cell) for cell in (found, searched)]
    for name in ("operations", "num_blocks", "parts", "wiring", "block_graph"):
        mine, other = (getattr(cell, name) for cell in pair)
        if mine != other:
            raise OptionError(
                f"the {what} is of cell {found.name!r}, the search of cell {searched.name!r}, "
                f"which differ in {name}: {mine}, not {other}",
                "give one for the cell that is searched",
            )
