"""Limits as people write them."""

from __future__ import annotations

import pytest

from ax_anasod.exceptions import OptionError
from ax_anasod.objectives import Limit


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("latency<=5", Limit("latency", 1.0, 5.0)),
        (" val acc  >= -1.5e2 ", Limit("val acc", -1.0, 150.0)),
        ("a<b<=.5", Limit("a<b", 1.0, 0.5)),
    ],
)
def test_read_and_written_again(text: str, limit: Limit) -> None:
    assert Limit.parse(text) == limit
    assert Limit.parse(str(limit)) == limit
    assert limit.keeps(limit.sign * limit.bound)
    assert not limit.keeps(limit.sign * (limit.bound + 0.1))


@pytest.mark.parametrize("text", ["", "<=5", "a<5", "a<=", "a<=x", "a<=5ms", "a<=nan", 5])
def test_what_is_none(text: str) -> None:
    with pytest.raises(OptionError, match="is no limit"):
        Limit.parse(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("cost_ms<100", "a limit has <= or >=, and no unit: 'cost_ms <= 100'"),
        ("accuracy > 9.5 %", "a limit has <= or >=, and no unit: 'accuracy >= 9.5'"),
        ("flops = 5M", "a limit has <= or >=, and no unit: 'flops <= 5M'"),
        (
            "cost_ms<=100ms",
            "leave 'ms' out, numbers are in the unit of the quantity: 'cost_ms <= 100'",
        ),
        ("latency", "write it as 'latency <= 5' or 'flops <= 5M'"),
    ],
)
def test_what_is_nearly_one_says_how_it_is_written(text: str, hint: str) -> None:
    with pytest.raises(OptionError) as error:
        Limit.parse(text)
    assert error.value.hint == hint
