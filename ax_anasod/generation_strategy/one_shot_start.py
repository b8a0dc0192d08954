"""A search that starts from the result of a differentiable search."""

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
    """The options of a search that starts from the result of a differentiable search.

    The first trial is the best cell of the result; the other initial ones are drawn from p, into
    which a uniform distribution is mixed: p alone is often so sharp that its draws tell a
    model little. The next cells of the result tell it little as well: they are mostly neighbours
    of the first one (measured in docs/strategies.md).

    Args:
        found: The result.
        cells: The number of cells of the result that are the first trials; of their encodings,
            if encodings are searched.
        uniform: The share of the uniform distribution, above 0 and at most 1.
        source: The name of the result for people, or the path that it was read from.

    Raises:
        OptionError: A value is out of range or of the wrong type.
    """

    found: OneShotResult
    cells: NonNegativeInt = 1
    uniform: Annotated[float, Gt(0), Le(1)] = 0.25
    source: str = ""

    @classmethod
    def of(cls, value: Start | OneShotResult | str | Path) -> Start:
        """Make a start from a result, from its path, or from a start.

        Args:
            value: A result, the path of its file or folder, or a start.

        Raises:
            OptionError: ``value`` is none of these.
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
            RunError: The stored data are damaged.
        """
        try:
            found = OneShotResult.from_dict(stored["found"], "the start")
            return cls(**{**stored, "found": found})
        except (KeyError, TypeError, UnknownNameError) as error:
            raise RunError(f"the start of the run is damaged: {error}") from error

    def for_generators(self, cell: Cell, space: TrialKind) -> dict[str, Any]:
        """The start of :class:`ax_anasod.generators.starting_draws.StartingDraws`.

        Raises:
            OptionError: The result is of another cell, or has a wrong number of distributions.
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
    """Make given architectures the first trials.

    Args:
        codes: The architectures, ``n x d``.
        cell: The cell that is searched.
        space: The kind of the search space.
        others: The start of the trials after them, from `Start.for_generators`; None for uniform
            draws.

    Returns:
        The start of :class:`ax_anasod.generators.starting_draws.StartingDraws`.
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
    """Make a strategy begin with the trials of a start.

    Its random draws become draws of the start. A strategy without random draws gets a
    node of them in front.

    Args:
        strategy: The strategy, new.
        stored: The start of :class:`ax_anasod.generators.starting_draws.StartingDraws`.
        search_space: The search space of the strategy.
        seed: The seed of the run.
        num_initial: The number of initial trials of a strategy without draws of its own.
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
    """Check that a result is of the cell that is searched.

    Args:
        found: The cell of the result.
        searched: The cell that is searched.
        what: The name of the result in the message: ``"start"`` or ``"source"``.

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
