"""Ax's parameters beside those of the cell, and its linear constraints, as ours."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import numpy as np
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
from ax.api.utils.instantiation.from_config import parameter_from_config
from ax.core.parameter import (
    ChoiceParameter,
    FixedParameter,
    Parameter,
    ParameterType,
    RangeParameter,
)
from ax.core.parameter_constraint import ParameterConstraint
from ax.exceptions.core import AxError

from ax_anasod.cells import Cell, constrained
from ax_anasod.exceptions import CellError, OptionError, UnknownNameError
from ax_anasod.hyperparameters import (
    Bound,
    Choice,
    Fixed,
    Hyperparameter,
    Hyperparameters,
    Range,
    draw_settings,
)
from ax_anasod.metadata import parameter_name
from ax_anasod.simplex import CountConstraint

AnyParameter = Parameter | RangeParameterConfig | ChoiceParameterConfig
AnyConstraint = str | ParameterConstraint

# The settings of Ax's parameters that a strategy of ours would pass over.
_IGNORED: Final = {
    "is_fidelity": "a fidelity",
    "is_task": "a task",
    "is_hierarchical": "one on which others depend",
    "is_disabled": "disabled",
    "logit_scale": "on a logit scale",
    "digits": "rounded to digits",
}


def as_parameters(given: Sequence[AnyParameter], taken: Collection[str]) -> list[Parameter]:
    """Convert the parameters that a user searches beside a cell to Ax parameters.

    Args:
        given: Ax's parameters, or configurations of its ``api``.
        taken: The names of the cell's own parameters, in either search space.

    Raises:
        OptionError: A parameter is of another kind, cannot be searched here or be built, or
            has a name that is taken.
    """
    if isinstance(given, (str, Parameter)) or not isinstance(given, Sequence):
        raise OptionError(
            f"parameters must be a list, got {given!r}", "parameters=[RangeParameter(...), ...]"
        )
    parameters = [_as_parameter(one) for one in given]
    for parameter in parameters:
        if parameter.name in taken:
            raise OptionError(
                f"{parameter.name!r} is the name of a parameter of the cell", "give it another name"
            )
        if not parameter.name.isidentifier():
            raise OptionError(
                f"a parameter cannot be called {parameter.name!r}", "use letters, digits and _"
            )
    hyperparameters_of(parameters)
    return parameters


def _as_parameter(given: AnyParameter) -> Parameter:
    if isinstance(given, Parameter):
        return given.clone()
    if not isinstance(given, RangeParameterConfig | ChoiceParameterConfig):
        raise OptionError(
            f"{given!r} is no parameter of Ax",
            "RangeParameter, ChoiceParameter and FixedParameter are, and the configurations of "
            "ax.api",
        )
    try:
        return parameter_from_config(given)
    except (AxError, ValueError, TypeError) as error:
        raise OptionError(f"Ax cannot take the parameter {given.name!r}: {error}") from error


def hyperparameters_of(
    parameters: Iterable[Parameter], constraints: Sequence[ParameterConstraint] = ()
) -> Hyperparameters:
    """Ax's parameters and constraints as ours.

    Args:
        parameters: The parameters, without those of the cell.
        constraints: Linear constraints on them.

    Raises:
        OptionError: A parameter is of a kind that is not searched beside a cell, or a constraint
            is on one that is no linear range, or an equality.
    """
    own = tuple(_hyperparameter(parameter) for parameter in parameters)
    ranges = {p.name: p for p in own if isinstance(p, Range)}
    for constraint in constraints:
        for name in constraint.constraint_dict:
            if name not in ranges or ranges[name].log:
                kind = "on a log scale" if name in ranges else "no range"
                raise OptionError(
                    f"the constraint {text_of(constraint)!r} is on {name!r}, which is {kind}",
                    "linear constraints are on ranges that are not on a log scale",
                )
        if constraint.is_equality:
            raise OptionError(
                f"the constraint {text_of(constraint)!r} leaves no room between its sides",
                "leave one of the parameters out: it follows from the others",
            )
    return Hyperparameters(
        own, tuple(Bound(dict(c.constraint_dict), float(c.bound)) for c in constraints)
    )


def _hyperparameter(parameter: Parameter) -> Hyperparameter:
    for attribute, words in _IGNORED.items():
        # Digits may be 0, which rounds, too.
        if getattr(parameter, attribute, None) not in (None, False):
            raise OptionError(
                f"the parameter {parameter.name!r} is {words}, which no strategy of this package "
                "knows"
            )
    name = parameter.name
    if isinstance(parameter, RangeParameter):
        return Range(
            name,
            float(parameter.lower),
            float(parameter.upper),
            integer=parameter.parameter_type is ParameterType.INT,
            log=parameter.log_scale,
        )
    if isinstance(parameter, ChoiceParameter):
        if any(value is None for value in parameter.values):
            raise OptionError(f"the choice {name!r} has the value None")
        return Choice(name, tuple(parameter.values), bool(parameter.is_ordered))  # type: ignore[arg-type]
    if isinstance(parameter, FixedParameter):
        return Fixed(name, parameter.value)  # type: ignore[arg-type]
    raise OptionError(
        f"the parameter {name!r} is a {type(parameter).__name__}",
        "RangeParameter, ChoiceParameter and FixedParameter are searched beside a cell",
    )


def as_constraints(given: Sequence[AnyConstraint]) -> list[ParameterConstraint]:
    """Linear constraints as Ax's.

    Args:
        given: Texts such as ``"n_skip <= 3"``, or Ax's constraints.

    Raises:
        OptionError: A constraint is not linear.
    """
    if isinstance(given, (str, ParameterConstraint)) or not isinstance(given, Sequence):
        raise OptionError(
            f"parameter_constraints must be a list, got {given!r}", '["n_skip <= 3"], for example'
        )
    return [_as_constraint(one) for one in given]


def _as_constraint(given: AnyConstraint) -> ParameterConstraint:
    if isinstance(given, ParameterConstraint):
        return given
    hint = "such as 'n_skip <= 3', 'n_conv + n_pool >= 2' or 'n_skip == 1'"
    if not isinstance(given, str):
        raise OptionError(f"{given!r} is no constraint", hint)
    try:
        if "==" in given:
            constraint = ParameterConstraint(equality=given)
        else:
            constraint = ParameterConstraint(inequality=given)
        known = bool(constraint.constraint_dict)
    # sympy says what it cannot parse in many ways.
    except Exception as error:
        raise OptionError(f"{given!r} is no linear constraint", hint) from error
    if not known:
        raise OptionError(f"{given!r} is on no parameter", hint)
    return constraint


def text_of(constraint: ParameterConstraint) -> str:
    """A constraint as a person writes it."""
    weights, bound = constraint.constraint_dict, constraint.bound
    sign = "==" if constraint.is_equality else "<="
    if not constraint.is_equality and all(w < 0 for w in weights.values()):
        # Ax turns "at least" around.
        weights, bound, sign = {name: -w for name, w in weights.items()}, -bound, ">="
    terms = [
        f"{'- ' if w < 0 else '+ ' if i else ''}{'' if abs(w) == 1 else f'{abs(w):g}*'}{name}"
        for i, (name, w) in enumerate(weights.items())
    ]
    return f"{' '.join(terms)} {sign} {bound:g}"


def split_constraints(
    constraints: Sequence[ParameterConstraint],
    counts: Sequence[str],
    others: Collection[str],
) -> tuple[list[CountConstraint], list[ParameterConstraint]]:
    """Constraints on the counts of a cell, and those on what is searched beside it.

    Args:
        constraints: All of them.
        counts: The names of the counts of the cell, in the order of its operations.
        others: The names of the other parameters.

    Raises:
        UnknownNameError: A constraint names an unknown parameter.
        OptionError: A constraint is on counts and on other parameters.
    """
    on_counts, on_others = [], []
    for constraint in constraints:
        weights: dict[str, Any] = dict(constraint.constraint_dict)
        for name in weights:
            if name not in counts and name not in others:
                raise UnknownNameError(
                    f"parameter in the constraint {text_of(constraint)!r}:",
                    name,
                    [*counts, *others],
                )
        inside = [name in counts for name in weights]
        if all(inside):
            row = tuple(float(weights.get(name, 0.0)) for name in counts)
            on_counts.append(
                CountConstraint(
                    row, float(constraint.bound), constraint.is_equality, text_of(constraint)
                )
            )
        elif not any(inside):
            on_others.append(constraint)
        else:
            raise OptionError(
                f"the constraint {text_of(constraint)!r} is on counts and on other parameters",
                "give one for each",
            )
    return on_counts, on_others


def to_ax(hyperparameters: Hyperparameters) -> list[Parameter]:
    """Our parameters as Ax's, the inverse of :func:`hyperparameters_of`."""
    return [_to_ax(parameter) for parameter in hyperparameters.parameters]


def _to_ax(parameter: Hyperparameter) -> Parameter:
    if isinstance(parameter, Range):
        return RangeParameter(
            parameter.name,
            ParameterType.INT if parameter.integer else ParameterType.FLOAT,
            parameter.lower,
            parameter.upper,
            log_scale=parameter.log,
        )
    if isinstance(parameter, Fixed):
        return FixedParameter(parameter.name, _type_of([parameter.value]), parameter.value)
    kind = _type_of(parameter.values)
    return ChoiceParameter(
        parameter.name,
        kind,
        list(parameter.values),
        is_ordered=parameter.ordered,
        sort_values=parameter.ordered and kind.is_numeric,
    )


def _type_of(values: Sequence[object]) -> ParameterType:
    for kind, own in (
        (bool, ParameterType.BOOL),
        (str, ParameterType.STRING),
        (int, ParameterType.INT),
    ):
        if all(isinstance(value, kind) for value in values):
            return own
    return ParameterType.FLOAT


def joint_space_parts(
    cell: Cell, parameters: Sequence[AnyParameter], constraints: Sequence[AnyConstraint]
) -> tuple[Cell, list[Parameter], list[ParameterConstraint]]:
    """The cell with the constraints on its counts, the other parameters, and those on these.

    Raises:
        OptionError: As for :meth:`ax_anasod.core.AnasodSearchSpace.from_cell`.
        UnknownNameError: A constraint names an unknown parameter.
    """
    if not parameters and not constraints:
        return cell, [], []
    counts = parameter_names(cell)
    others = as_parameters(parameters, {*counts, *choice_names(cell)})
    on_counts, on_others = split_constraints(
        as_constraints(constraints), counts, [parameter.name for parameter in others]
    )
    hyperparameters = hyperparameters_of(others, on_others)
    # What can never be drawn is refused now.
    draw_settings(hyperparameters, 1, np.random.default_rng(0))
    return constrained(cell, on_counts), others, on_others


def parameter_names(cell: Cell) -> list[str]:
    """The parameter names of a cell's operations, in the cell's order.

    Raises:
        CellError: Two operations would get the same parameter name.
    """
    owner: dict[str, str] = {}
    for operation in cell.operations:
        name = parameter_name(operation)
        if name in owner:
            raise CellError(
                f"operations {owner[name]!r} and {operation!r} of cell {cell.name!r} would "
                f"both be the parameter {name!r}",
                "rename one of them",
            )
        owner[name] = operation
    return list(owner)


def choice_names(cell: Cell) -> list[str]:
    """The parameter names of a cell's blocks and wiring choices, in the order of a code."""
    blocks = [f"block_{i}" for i in range(cell.num_blocks)]
    return blocks + [f"wire_{j}" for j in range(len(cell.wiring))]
