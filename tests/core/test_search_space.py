"""The search space of encodings: what is in it, and how it meets architectures."""

from __future__ import annotations

import keyword
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ax.core.arm import Arm
from ax.core.experiment import Experiment
from ax.core.parameter import ParameterType
from ax.core.parameter_constraint import ParameterConstraint
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.core import AnasodSearchSpace, OperationParameter, parameter_name, parameter_names
from ax_anasod.exceptions import AnasodError, ArchitectureError, CellError, EncodingError

WIRED = Cell("wired", operations=["conv", "skip"], num_blocks=3, wiring=[2, 3])
TIED = Cell("tied", operations=["conv", "pool", "skip"], num_blocks=8, parts=2)
CELLS = {
    "toy": Cell("toy", operations=["conv", "pool", "skip"], num_blocks=6),
    "one block": Cell("one", operations=["conv", "skip"], num_blocks=1),
    "weird names": Cell("weird", operations=["3x3 conv", "I", "beta", "lambda"], num_blocks=5),
    "wired": WIRED,
    "tied": TIED,
    "nas-bench-201": cells.get("nas-bench-201"),
    "nas-bench-graph": cells.get("nas-bench-graph"),
    "darts": cells.get("darts"),
    "nasnet": cells.get("nasnet"),
    "large": Cell("large", operations=[f"op {i}" for i in range(12)], num_blocks=40),
}
AWKWARD = ["3x3 conv", "I", "beta", "lambda", "max pool", "N", "sep_conv_3x3", "größe", "a-b"]
every_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())


@pytest.fixture
def space(toy_cell: Cell) -> AnasodSearchSpace:
    return AnasodSearchSpace.from_cell(toy_cell)


def counts(*values: Any) -> dict[str, Any]:
    return dict(zip(("n_conv", "n_pool", "n_skip"), values, strict=True))


@every_cell
def test_there_is_one_count_for_each_operation_and_they_sum_to_n(cell: Cell) -> None:
    space = AnasodSearchSpace.from_cell(cell)

    assert len(space.parameters) == cell.num_operations
    for parameter in space.parameters.values():
        assert type(parameter) is OperationParameter
        assert (parameter.lower, parameter.upper) == (0, cell.total)
    (constraint,) = space.parameter_constraints
    assert constraint.is_equality
    assert constraint.bound == cell.total
    assert constraint.constraint_dict == dict.fromkeys(space.parameters, 1.0)


@every_cell
def test_architectures_survive_the_way_to_their_encoding_and_back(cell: Cell) -> None:
    space = AnasodSearchSpace.from_cell(cell)
    counts = cell.snap(np.random.default_rng(0).dirichlet(np.ones(cell.num_operations), size=5))

    for row in counts:
        parameters = space.parameters_of(row)
        architecture = space.decode(parameters, seed=1, trial_index=2)
        assert space.encode(architecture) == parameters
        assert space.encode(str(architecture)) == parameters
        assert space.check_membership(parameters, raise_error=True)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            counts(3, 2, 2),
            r"sum to 7 instead of 6 .*nearest .*'n_conv': 2, 'n_pool': 2, 'n_skip'",
        ),
        (counts(7, 0, -1), r"n_conv = 7 is no count.*nearest valid one is .*'n_conv': 6"),
        (
            counts(2.5, 2.5, 1),
            r"n_conv = 2.5 is no count.*whole number from 0 to 6.*nearest",
        ),
        (counts(np.nan, 3, 3), r"nan.*nearest valid one is .*'n_pool': 3, 'n_skip': 3"),
        (counts(np.inf, 3, 3), r"inf.*nearest valid one is .*'n_pool': 3, 'n_skip': 3"),
        (counts(0, 0, 0), r"sum to 0 instead of 6$"),
        (counts(1e308, 1e308, 1e308), r"nearest valid one is .*'n_conv': 2"),
        (counts(True, 3, 2), r"n_conv = True is no count"),
        (counts("2", 3, 1), r"n_conv = '2' is no count"),
        (counts(None, 3, 3), r"n_conv = None is no count"),
        (counts(2 + 0j, 3, 1), r"is no count"),
        ({"n_conv": 6}, r"missing \['n_pool', 'n_skip'\], unknown \[\].*needed are"),
        (counts(2, 3, 1) | {"n_cnv": 0}, r"unknown \['n_cnv'\]"),
    ],
)
def test_what_is_no_encoding_is_refused_with_the_nearest_one(
    space: AnasodSearchSpace, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(EncodingError, match=message):
        space.counts(parameters)
    assert not space.check_membership(parameters)
    with pytest.raises(EncodingError):
        space.check_membership(parameters, raise_error=True)
    with pytest.raises(AnasodError):
        space.decode(parameters, seed=0, trial_index=0)


@pytest.mark.parametrize("six", [6, 6.0, np.int64(6), np.float64(6.0)])
def test_whole_numbers_of_any_type_are_counts(space: AnasodSearchSpace, six: Any) -> None:
    assert space.counts(counts(six, 0, 0)).tolist() == [6, 0, 0]


def test_an_encoding_without_valid_architecture_is_refused() -> None:
    space = AnasodSearchSpace.from_cell(cells.get("nas-bench-graph"))
    all_skip = dict.fromkeys(space.parameters, 0) | {"n_skip": 4}

    with pytest.raises(EncodingError, match=r"no valid architecture.*nearest valid one is.*: 3"):
        space.check_membership(all_skip, raise_error=True)


def test_the_experiment_refuses_arms_off_the_grid(space: AnasodSearchSpace) -> None:
    experiment = Experiment(space, name="run")

    with pytest.raises(EncodingError):
        experiment.new_trial().add_arm(Arm(counts(4, 4, 4)))


class TestSnap:
    @given(st.lists(st.floats(0, 1e6), min_size=3, max_size=3).filter(lambda v: sum(v) > 1e-3))
    def test_any_point_becomes_the_nearest_encoding(self, point: list[float]) -> None:
        space = AnasodSearchSpace.from_cell(CELLS["toy"])

        snapped = space.snap(counts(*point))

        assert space.check_membership(snapped, raise_error=True)
        target = 6 * np.array(point) / sum(point)
        grid = [(a, b, 6 - a - b) for a in range(7) for b in range(7 - a)]
        distances = np.abs(np.array(grid) - target).sum(axis=1)
        assert np.abs(np.array(list(snapped.values())) - target).sum() <= distances.min() + 1e-6

    @pytest.mark.parametrize("coordinate", [True, "2", None])
    def test_what_is_no_number_is_refused(self, space: AnasodSearchSpace, coordinate: Any) -> None:
        with pytest.raises(EncodingError, match="is no number"):
            space.snap(counts(coordinate, 3, 2))

    @pytest.mark.parametrize("point", [(-1, 3, 4), (np.nan, 1, 1), (np.inf, 1, 1), (0, 0, 0)])
    def test_what_has_no_nearest_encoding_is_refused(
        self, space: AnasodSearchSpace, point: tuple[float, ...]
    ) -> None:
        with pytest.raises(EncodingError, match="has no nearest encoding"):
            space.snap(counts(*point))


class TestDecode:
    def test_the_architecture_follows_from_seed_trial_and_counts(
        self, space: AnasodSearchSpace, disturb: Callable[[int], None]
    ) -> None:
        drawn = space.decode(counts(2, 3, 1), seed=3, trial_index=8)
        disturb(0)

        assert space.decode(counts(2.0, 3, np.int64(1)), seed=3, trial_index=8) == drawn
        assert space.clone().decode(counts(2, 3, 1), seed=3, trial_index=8) == drawn

    def test_another_trial_or_seed_draws_another_architecture(
        self, space: AnasodSearchSpace
    ) -> None:
        drawn = {
            str(space.decode(counts(2, 3, 1), seed=seed, trial_index=trial))
            for seed in range(20)
            for trial in range(20)
        }

        assert len(drawn) == 60  # 6! / (2! 3! 1!): all that there are

    def test_a_wrong_seed_is_refused(self, space: AnasodSearchSpace) -> None:
        with pytest.raises(AnasodError):
            space.decode(counts(2, 3, 1), seed=-1, trial_index=0)


class TestEncode:
    @pytest.mark.parametrize(
        "architecture",
        # The sum over the parts is even in the second one.
        [
            "conv|conv|conv|conv|conv|conv|conv|skip",
            "conv|conv|conv|conv|conv|conv|skip|skip",
        ],
    )
    def test_parts_that_differ_have_no_encoding_of_their_own(self, architecture: str) -> None:
        space = AnasodSearchSpace.from_cell(TIED)

        with pytest.raises(EncodingError, match=r"different operation distributions"):
            space.encode(architecture)

    def test_parts_that_agree_have_one(self) -> None:
        space = AnasodSearchSpace.from_cell(TIED)

        encoding = space.encode("conv|conv|pool|skip|skip|conv|conv|pool")

        assert list(encoding.values()) == [2, 1, 1]

    def test_another_cells_architecture_is_refused(self, space: AnasodSearchSpace) -> None:
        other = Cell("other", operations=["skip", "conv", "pool"], num_blocks=6)

        with pytest.raises(ArchitectureError, match=r"cell 'other'.*is that of 'toy'"):
            space.encode(other.architecture("skip|skip|skip|conv|conv|pool"))

    def test_a_restricted_cell_refuses_what_it_lacks(self, toy_cell: Cell) -> None:
        present = toy_cell.from_strings(["conv|conv|conv|pool|pool|skip"])
        space = AnasodSearchSpace.from_cell(RestrictedCell(toy_cell, present))

        assert space.encode(toy_cell.architecture(present[0])) == counts(3, 2, 1)
        with pytest.raises(ArchitectureError):
            space.encode(toy_cell.architecture("conv|conv|conv|conv|conv|conv"))
        with pytest.raises(EncodingError):
            space.counts(counts(6, 0, 0))


def test_a_clone_is_of_our_class_and_independent(space: AnasodSearchSpace) -> None:
    clone = space.clone()

    assert type(clone) is AnasodSearchSpace
    assert clone == space
    assert clone.cell == space.cell
    changed, original = clone.parameters["n_conv"], space.parameters["n_conv"]
    assert isinstance(changed, OperationParameter)
    assert isinstance(original, OperationParameter)
    changed.update_range(upper=2)
    assert original.upper == 6


def test_ax_rebuilds_it_through_its_own_constructor(space: AnasodSearchSpace) -> None:
    rebuilt = AnasodSearchSpace(list(space.parameters.values()), space.parameter_constraints)

    assert rebuilt.check_membership(counts(2, 3, 1))
    assert not rebuilt.check_membership(counts(2, 3, 2))
    with pytest.raises(CellError, match="built without its cell.*from_cell"):
        _ = rebuilt.cell
    assert type(rebuilt.clone()) is AnasodSearchSpace


def test_ax_may_leave_out_the_bounds(space: AnasodSearchSpace) -> None:
    assert space.check_membership(counts(7, 0, -1), check_range_bounds=False)
    assert not space.check_membership(counts(7, 0, -1))


def test_types_are_checked_without_an_error_where_ax_wants_none(space: AnasodSearchSpace) -> None:
    assert space.check_types(counts(2, 3, 1))
    assert not space.check_types(counts(2, 3, 2))


def test_spaces_share_no_database_identity(toy_cell: Cell, space: AnasodSearchSpace) -> None:
    (constraint,) = space.parameter_constraints
    constraint._db_id = 17
    (other,) = AnasodSearchSpace.from_cell(toy_cell).parameter_constraints
    assert other._db_id is None
    assert other.constraint_dict == constraint.constraint_dict


@pytest.mark.parametrize("operation", AWKWARD)
def test_awkward_operation_names_become_parameters_that_ax_can_constrain(operation: str) -> None:
    name = parameter_name(operation)

    assert name.isidentifier()
    assert not keyword.iskeyword(name)
    constraint = ParameterConstraint(equality=f"{name} + n_other == 6")
    assert constraint.constraint_dict == {name: 1.0, "n_other": 1.0}


@given(st.text(min_size=1, max_size=20))
def test_every_operation_name_becomes_an_ascii_identifier(operation: str) -> None:
    name = parameter_name(operation)

    assert name.isidentifier()
    assert name.isascii()
    assert name.startswith("n_")


def test_names_follow_the_order_of_the_operations() -> None:
    cell = Cell("mine", operations=["skip", "a conv", "pool"], num_blocks=2)

    assert parameter_names(cell) == ["n_skip", "n_a_conv", "n_pool"]


def test_a_collision_of_names_is_refused_with_both_operations() -> None:
    cell = Cell("mine", operations=["max pool", "skip", "max-pool"], num_blocks=2)

    with pytest.raises(CellError, match=r"'max pool' and 'max-pool'.*'n_max_pool'"):
        parameter_names(cell)


def test_a_clone_keeps_the_class_and_drops_the_database_identity() -> None:
    parameter = OperationParameter("n_conv", lower=0, upper=6)
    parameter._db_id = 17

    clone = parameter.clone()

    assert type(clone) is OperationParameter
    assert clone == OperationParameter("n_conv", lower=0, upper=6)
    assert clone._db_id is None
    assert parameter._db_id == 17


def test_a_changed_clone_leaves_the_original_alone() -> None:
    parameter = OperationParameter("n_conv", lower=0, upper=6)

    parameter.clone().update_range(upper=3)

    assert (parameter.lower, parameter.upper) == (0, 6)


def test_parameters_are_integers() -> None:
    parameter = OperationParameter("n_conv", lower=0, upper=6)

    assert parameter.parameter_type is ParameterType.INT
    assert parameter.validate(3)
    assert not parameter.validate(7)
    assert not parameter.validate(2.5)
