"""Ranges and choices as numbers, and back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.exceptions import OptionError, ParameterError
from ax_anasod.hyperparameters import Bound, Choice, Fixed, Hyperparameters, Range, draw_settings

ALL = Hyperparameters(
    (
        Range("rate", 1e-4, 1.0, log=True),
        Range("width", 4.0, 64.0, integer=True),
        Choice("optimizer", ("sgd", "adam", "lion")),
        Fixed("epochs", 3),
        Choice("batch", (8, 16, 32), ordered=True),
        Choice("nesterov", (False, True), ordered=True),
        Range("steps", 1.0, 1000.0, integer=True, log=True),
    ),
    (Bound({"width": 1.0}, 60.0),),
)


@given(st.integers(0, 2**32))
def test_settings_survive_the_way_to_parameters_and_to_units_and_back(seed: int) -> None:
    settings = draw_settings(ALL, 20, np.random.default_rng(seed))

    parameters = ALL.parameterizations(settings)
    units = ALL.unit(settings)

    np.testing.assert_array_equal(ALL.settings(parameters), settings)
    np.testing.assert_allclose(ALL.nearest(units), settings, rtol=1e-12)
    numeric = units[:, list(ALL.numeric)]
    assert ((numeric >= 0) & (numeric <= 1)).all()
    kinds = {name: type(value) for name, value in parameters[0].items()}
    assert kinds == {
        "rate": float,
        "width": int,
        "optimizer": str,
        "epochs": int,
        "batch": int,
        "nesterov": bool,
        "steps": int,
    }


def test_columns_are_sorted_by_what_they_are() -> None:
    assert [column.name for column in ALL.columns][2] == "optimizer"
    assert ALL.continuous == (0,)
    assert ALL.unordered == (2,)
    assert ALL.places["steps"] == 5


def test_it_survives_storage() -> None:
    assert Hyperparameters.from_dict(json.loads(json.dumps(ALL.to_dict()))) == ALL


GOOD = ALL.parameterizations(draw_settings(ALL, 1, np.random.default_rng(0)))[0]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"rate": 2.0}, "rate = 2.0 is out of range: needed is a number from 0.0001 to 1"),
        ({"rate": float("nan")}, "rate = nan"),
        ({"rate": True}, "rate = True"),
        ({"width": 5.5}, "width = 5.5 is out of range: needed is a whole number from 4 to 64"),
        ({"width": 63}, "break 1.0\\*width <= 60.0: it is 63"),
        ({"optimizer": "adm"}, "did you mean 'adam'"),
        ({"epochs": 4}, "epochs = 4 is fixed to 3"),
        ({"nesterov": 1}, "nesterov = 1"),
    ],
)
def test_values_outside_are_refused(changes: dict[str, Any], found: str) -> None:
    with pytest.raises(ParameterError, match=found):
        ALL.settings([{**GOOD, **changes}])


def test_missing_parameters_are_named() -> None:
    with pytest.raises(ParameterError, match=r"lack \['rate'\]"):
        ALL.settings([{name: value for name, value in GOOD.items() if name != "rate"}])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Range("a", 1.0, 1.0),
        lambda: Range("a", 2.0, 1.0),
        lambda: Range("a", 0.0, 1.0, log=True),
        lambda: Range("a", float("nan"), 1.0),
        lambda: Choice("a", ("x",)),
        lambda: Choice("a", ("x", "x")),
        lambda: Hyperparameters((Fixed("a", 1), Range("a", 0.0, 1.0))),
    ],
)
def test_what_is_no_parameter_is_refused(make: Any) -> None:
    with pytest.raises(OptionError, match="'a'"):
        make()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


@given(st.data())
def test_what_is_stored_damaged_is_read_or_refused(data: st.DataObject) -> None:
    whole = Hyperparameters(
        (
            Range("rate", 1e-3, 1.0, log=True),
            Range("width", 4, 8, integer=True),
            Choice("kind", ("a", "b")),
            Fixed("epochs", 3),
        ),
        (Bound({"width": 1.0}, 7.0),),
    ).to_dict()
    assert Hyperparameters.from_dict(whole).to_dict() == whole
    part = data.draw(st.sampled_from([whole, whole["bounds"][0], *whole["parameters"]]))
    name = data.draw(st.sampled_from([*part]))
    part[name] = data.draw(json_values)
    try:
        read = Hyperparameters.from_dict(whole)
    except (ValueError, OptionError):
        return
    assert Hyperparameters.from_dict(read.to_dict()) == read


def test_constraints_on_what_is_no_range_and_mixed_choices_are_refused() -> None:
    with pytest.raises(OptionError, match="on 'kind', which is no range"):
        Hyperparameters((Choice("kind", ("a", "b")),), (Bound({"kind": 1.0}, 1.0),))
    with pytest.raises(OptionError, match="'kind' are of different types"):
        Choice("kind", ("a", 1))
