"""Counts as Ax parameters: names that Ax can parse, copies that stay of their class."""

from __future__ import annotations

import keyword

import pytest
from ax.core.parameter import ParameterType
from ax.core.parameter_constraint import ParameterConstraint
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.cells import Cell
from ax_anasod.core import OperationParameter, parameter_name, parameter_names
from ax_anasod.exceptions import CellError

AWKWARD = ["3x3 conv", "I", "beta", "lambda", "max pool", "N", "sep_conv_3x3", "größe", "a-b"]


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


def test_counts_are_integers() -> None:
    parameter = OperationParameter("n_conv", lower=0, upper=6)

    assert parameter.parameter_type is ParameterType.INT
    assert parameter.validate(3)
    assert not parameter.validate(7)
    assert not parameter.validate(2.5)
