"""Rules that pick a point of a front."""

from __future__ import annotations

import pytest

from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.objectives import Objective
from ax_anasod.picking import Point, parse_pick

BOTH = (Objective("error", "percent"), Objective("latency", "ms"))
SIZE = (Objective("val acc", ""),)
# By the error, as fronts come; the last one is an outlier.
FRONT = [
    {"error": error, "latency": latency, "val acc": acc}
    for error, latency, acc in [(5.0, 10.0, 3.0), (5.5, 4.0, 1.0), (8.0, 3.0, 2.0), (90, 0, 0)]
]
BEFORE = {"error": 9.0, "latency": 11.0}


@pytest.mark.parametrize(
    ("text", "row", "words"),
    [
        ("", 0, "the lowest error"),
        (" knee ", 1, "the knee of the front"),
        ("latency<=3", 2, "the lowest error with latency <= 3.0"),
        ("error <= 20", 2, "the lowest latency with error <= 20.0"),
        ("val acc<=1.5", 1, "the lowest error with val acc <= 1.5"),
        ("val acc>=2.5", 0, "the lowest error with val acc >= 2.5"),
        ("error=1,latency=0.2", 1, "the smallest 1 error + 0.2 latency"),
        ("latency = 0.05, error=1", 0, "the smallest 1 error + 0.05 latency"),
        ("latency=1", 3, "the smallest 1 latency"),
    ],
)
def test_each_rule_picks_its_point(text: str, row: int, words: str) -> None:
    pick = parse_pick(text, BOTH, SIZE)
    assert (pick.choose(FRONT, BEFORE), pick.words) == (row, words)
    assert pick.choose([], BEFORE) is None


def test_an_outlier_beyond_the_reference_point_does_not_decide_the_knee() -> None:
    front = [{"error": e, "latency": t} for e, t in [(5.0, 10.0), (5.2, 6.0), (7.5, 5.0), (90, 0)]]
    knee = parse_pick("knee", BOTH)
    assert knee.choose(front, BEFORE) == 1
    # Over the outlier's 85 points of error, 2.5 points are nothing.
    assert knee.choose(front) == 2
    assert knee.choose(front, {"error": 1.0, "latency": 1.0}) == 2


def test_the_best_of_what_is_maximised() -> None:
    objectives = (Objective("throughput", "", minimize=False), BOTH[0])
    front: list[Point] = [{"throughput": 9, "error": 8}, {"throughput": 5, "error": 5}]
    assert parse_pick("", objectives).choose(front) == 0
    assert parse_pick("throughput>=6", objectives).choose(front) == 0
    weighed = parse_pick("throughput=0.5,error=1", objectives)
    assert weighed.words == "the smallest - 0.5 throughput + 1 error"
    assert weighed.choose(front) == 1


def test_one_point_is_its_knee_and_equal_ones_give_the_first() -> None:
    assert parse_pick("knee", BOTH).choose(FRONT[:1]) == 0
    ends: list[Point] = [{"error": 1, "latency": 2}, {"error": 2, "latency": 1}]
    assert parse_pick("knee", BOTH).choose(ends) == 0


def test_none_where_no_point_keeps_the_limit() -> None:
    assert parse_pick("latency<=-1", BOTH).choose(FRONT) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("elbow", "'elbow' picks no point of a front"),
        ("latency<=5ms", "'latency<=5ms' is no limit"),
        ("error>=5", "keeps only bad values of 'error'"),
        ("latency=-1", "weight '-1' of 'latency'"),
        ("latency=inf", "weight 'inf' of 'latency'"),
        ("latency=a lot", "weight 'a lot' of 'latency'"),
        ("latency=1,latency=2", "weighs 'latency' twice"),
        ("error=0,latency=0", "weighs nothing"),
    ],
)
def test_what_is_no_rule(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        parse_pick(text, BOTH, SIZE)


@pytest.mark.parametrize("text", ["latancy<=5", "latancy=1", "val acc=1"])
def test_names_that_there_are_not(text: str) -> None:
    with pytest.raises(UnknownNameError):
        parse_pick(text, BOTH, SIZE)


def test_one_objective_has_no_front() -> None:
    with pytest.raises(OptionError, match="no front to pick 'knee' from: error is the only"):
        parse_pick("knee", BOTH[:1])
    assert parse_pick("", BOTH[:1]).choose(FRONT) == 0
