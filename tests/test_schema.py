from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.schema import conform, parse_json


@dataclass(frozen=True)
class Point:
    x: float
    name: str | None = None


@dataclass(frozen=True)
class Content:
    number: int
    points: tuple[Point, ...]
    table: dict[str, list[float]] = field(default_factory=dict)
    anything: dict[str, Any] = field(default_factory=dict)
    options: Mapping[str, int | bool] = field(default_factory=dict)
    kind: Literal["one", "two"] = "one"
    rows: list[list[int]] | None = None

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError(f"number must be at least 0, got {self.number}")


GOOD: dict[str, Any] = {
    "number": 3,
    "points": [{"x": 1, "name": "p"}, {"x": 2.5}],
    "table": {"a": [1, 2]},
    "anything": {"deep": [{"er": None}], "\udcff": "\udcff"},
    "options": {"a": 1, "b": True},
    "kind": "two",
    "rows": [[1], []],
    "later": "an entry of a later version",
}


def test_content_of_the_form_becomes_a_value() -> None:
    expected = Content(
        number=3,
        points=(Point(1.0, "p"), Point(2.5)),
        table={"a": [1.0, 2.0]},
        anything=GOOD["anything"],
        options={"a": 1, "b": True},
        kind="two",
        rows=[[1], []],
    )
    for content in (conform(Content, GOOD), parse_json(Content, json.dumps(GOOD).encode())):
        assert content == expected
        assert [type(point.x) for point in content.points] == [float, float]
    assert conform(Content, {"number": 0, "points": ()}) == Content(0, ())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"number": 1.0}, "has number = 1.0, not a whole number"),
        ({"number": "1"}, "has number = '1', not a whole number"),
        ({"number": True}, "has number = True, not a whole number"),
        ({"number": None}, "has number = None, not a whole number"),
        ({"number": -1}, "is wrong: number must be at least 0, got -1"),
        ({"points": {}}, "has points = {}, not a list"),
        ({"points": [3]}, r"has points\[0\] = 3, not an object"),
        ({"points": [{}]}, r"lacks points\[0\].x"),
        ({"points": [{"x": 1}, {"x": float("nan")}]}, r"points\[1\].x = nan, not a finite number"),
        ({"points": [{"x": 10**400}]}, r"has points\[0\].x = 10+\.\.\.0+, not a finite number"),
        ({"points": [{"x": 1, "name": 2}]}, r"points\[0\].name = 2, not a text or null"),
        ({"table": {"a": [1, "2"]}}, r"has table\['a'\]\[1\] = '2', not a finite number"),
        ({"table": {"a" * 999: 1}}, r"has table\['a+\.\.\.a+'\] = 1, not a list"),
        ({"table": {1: []}}, r"has table = {1: \[\]}, not an object"),
        ({"options": {"a": 1.5}}, r"options\['a'\] = 1.5, not a whole number or true or false"),
        ({"kind": "three"}, "has kind = 'three', not 'one' or 'two'"),
        ({"kind": ["one"]}, r"has kind = \['one'\], not 'one' or 'two'"),
        ({"rows": [[None]]}, r"has rows\[0\]\[0\] = None, not a whole number"),
        ({"rows": "no"}, "has rows = 'no', not a list or null"),
    ],
    ids=lambda change: str(change)[:40],
)
def test_content_of_another_form_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        conform(Content, {**GOOD, **change})
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no JSON: Expecting value"),
        ("{", "is no JSON"),
        (b"\xff", "is no JSON: .*codec can't decode"),
        ("[" * 10**5, "is nested too deeply"),
        ('{"number": ' + "9" * 5000 + "}", "is no JSON: Exceeds the limit .4300 digits"),
        ("[]", r"is \[\], not an object"),
        ("{}", "lacks number"),
    ],
    ids=lambda text: str(text)[:20],
)
def test_texts_that_are_no_json_or_of_another_form(text: str | bytes, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        parse_json(Content, text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted(GOOD)), json_values)
def test_any_content_is_taken_or_refused(name: str, value: Any) -> None:
    try:
        content = conform(Content, {**GOOD, name: value})
    except ValueError:
        return
    assert type(content.number) is int
    assert all(type(point.x) is float for point in content.points)
