"""The search space of architectures: one choice per block and wiring choice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ax.core.arm import Arm
from ax.core.experiment import Experiment
from ax.core.parameter import ChoiceParameter, ParameterType

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace, search_space_of
from ax_anasod.core.cell_search_space import check_kind
from ax_anasod.exceptions import ArchitectureError, CellError, UnknownNameError

CELLS = {
    "toy": Cell("toy", operations=["conv", "pool", "skip"], num_blocks=6),
    "one block": Cell("one", operations=["conv", "skip"], num_blocks=1),
    "weird names": Cell("weird", operations=["3x3 conv", "I", "beta", "lambda"], num_blocks=5),
    "wired": Cell("wired", operations=["conv", "skip"], num_blocks=3, wiring=[2, 3]),
    "tied": Cell("tied", operations=["conv", "pool", "skip"], num_blocks=8, parts=2),
    "nas-bench-graph": cells.get("nas-bench-graph"),
    "darts": cells.get("darts"),
    "large": Cell("large", operations=[f"op {i}" for i in range(12)], num_blocks=40),
}
every_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())


@pytest.fixture
def space() -> CellSearchSpace:
    return CellSearchSpace.from_cell(CELLS["wired"])


PARAMETERS: dict[str, Any] = {
    "block_0": "conv",
    "block_1": "skip",
    "block_2": "conv",
    "wire_0": 1,
    "wire_1": 2,
}


@every_cell
def test_there_is_one_choice_for_each_block_and_wire(cell: Cell) -> None:
    space = CellSearchSpace.from_cell(cell)

    assert len(space.parameters) == len(cell.code_sizes)
    for parameter, size in zip(space.parameters.values(), cell.code_sizes, strict=True):
        assert isinstance(parameter, ChoiceParameter)
        assert len(parameter.values) == size
        # Ax takes any two values as ordered.
        assert parameter.is_ordered == (size == 2)
    blocks = list(space.parameters.values())[: cell.num_blocks]
    assert all(p.parameter_type is ParameterType.STRING for p in blocks)
    assert all(isinstance(p, ChoiceParameter) and p.values == list(cell.operations) for p in blocks)


@every_cell
def test_architectures_survive_the_way_to_parameters_and_back(cell: Cell) -> None:
    space = CellSearchSpace.from_cell(cell)

    for code in cell.sample(20, np.random.default_rng(0)):
        architecture = cell.architecture(code)
        parameters = space.encode(architecture)
        assert space.encode(str(architecture)) == parameters
        assert space.decode(parameters, seed=1, trial_index=5) == architecture
        assert space.code(parameters).tolist() == code.tolist()
        assert space.check_membership(parameters, raise_error=True)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"block_0": "cnv"}, r"block_0 = 'cnv' is no value .*did you mean 'conv'"),
        ({"wire_1": 3}, r"wire_1 = 3 is no value"),
        ({"wire_1": -1}, r"wire_1 = -1 is no value"),
        ({"wire_0": "1"}, r"wire_0 = '1' is no value"),
        ({"block_9": "conv"}, r"unknown \['block_9'\]"),
    ],
)
def test_what_is_no_architecture_is_refused(
    space: CellSearchSpace, changed: dict[str, Any], message: str
) -> None:
    parameters = PARAMETERS | changed

    with pytest.raises(ArchitectureError, match=message):
        space.check_membership(parameters, raise_error=True)
    assert not space.check_membership(parameters)
    with pytest.raises(ArchitectureError):
        space.decode(parameters)


def test_a_missing_block_is_refused(space: CellSearchSpace) -> None:
    with pytest.raises(ArchitectureError):
        space.code({name: v for name, v in PARAMETERS.items() if name != "wire_1"})


def test_invalid_architectures_are_refused_by_the_experiment() -> None:
    experiment = Experiment(CellSearchSpace.from_cell(cells.get("nas-bench-graph")), name="run")
    all_skip: dict[str, Any] = {f"block_{i}": "skip" for i in range(4)} | {"wire_0": 0}

    with pytest.raises(ArchitectureError):
        experiment.new_trial().add_arm(Arm(all_skip))


def test_parameters_of_one_architecture_may_be_written_in_several_ways() -> None:
    cell = cells.get("nas-bench-graph")
    space = CellSearchSpace.from_cell(cell)
    code = next(c for c in cell.enumerate() if len(cell.members(c)) > 1)

    decoded = {space.decode(space.parameters_of(member)) for member in cell.members(code)}

    assert decoded == {cell.architecture(code)}


def test_another_cells_architecture_is_refused(space: CellSearchSpace) -> None:
    other = Cell("other", operations=["skip", "conv"], num_blocks=3, wiring=[2, 3])

    with pytest.raises(ArchitectureError):
        space.encode(other.architecture("skip|conv|conv@0,0"))


def test_a_restricted_cell_has_only_what_is_present(toy_cell: Cell) -> None:
    present = toy_cell.from_strings(["conv|conv|conv|pool|pool|skip"])
    space = CellSearchSpace.from_cell(RestrictedCell(toy_cell, present))

    assert space.check_membership(space.parameters_of(present[0]))
    assert not space.check_membership(space.parameters_of([0, 0, 0, 0, 0, 0]))


def test_a_clone_is_of_our_class(space: CellSearchSpace) -> None:
    clone = space.clone()

    assert type(clone) is CellSearchSpace
    assert clone == space
    assert clone.cell == space.cell


def test_ax_rebuilds_it_through_its_own_constructor(space: CellSearchSpace) -> None:
    rebuilt = CellSearchSpace(list(space.parameters.values()))

    assert rebuilt.check_membership(PARAMETERS)
    with pytest.raises(CellError):
        _ = rebuilt.cell


COUNTS = {"n_conv": 2, "n_pool": 3, "n_skip": 1}
ARCHITECTURE = {f"block_{i}": "conv" for i in range(6)}


def test_parameters_tell_by_their_names_which_space_they_are_of(toy_cell: Cell) -> None:
    assert isinstance(search_space_of(toy_cell, COUNTS), AnasodSearchSpace)
    assert isinstance(search_space_of(toy_cell, ARCHITECTURE), CellSearchSpace)
    assert isinstance(search_space_of(toy_cell, ARCHITECTURE | {"rate": 1}), CellSearchSpace)
    # Of neither: the space of encodings says what is missing.
    assert isinstance(search_space_of(toy_cell, {"n_conv": 6}), AnasodSearchSpace)


def test_a_given_kind_is_kept(toy_cell: Cell) -> None:
    assert isinstance(search_space_of(toy_cell, COUNTS, "architecture"), CellSearchSpace)
    assert isinstance(search_space_of(toy_cell, ARCHITECTURE, "encoding"), AnasodSearchSpace)


def test_a_wrong_kind_is_refused() -> None:
    with pytest.raises(UnknownNameError):
        check_kind("encodings")
