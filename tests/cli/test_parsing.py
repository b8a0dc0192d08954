from __future__ import annotations

from typing import Any

import pytest

from ax_anasod.cli.parsing import flags_of, make_benchmark
from ax_anasod.exceptions import BenchmarkError, OptionError, UnknownNameError
from ax_anasod.nasbench import benchmark as registry


class OneSplit:
    """Takes its options as NAS-Bench-201 does."""

    def __init__(
        self, path: str, dataset: str = "cifar10", *, search: str = "valid", epochs: int = 200
    ) -> None:
        if epochs == 13:
            raise BenchmarkError("some are lacking", "pass present_only=True to search the rest")
        if epochs == 14:
            raise BenchmarkError("the file is damaged")
        self.given = (path, dataset, search, epochs)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._CLASSES, "one-split", OneSplit)  # type: ignore[arg-type]


def make(**given: Any) -> Any:
    return make_benchmark("one-split", given)


def test_options_are_those_of_the_class() -> None:
    assert flags_of("one-split") == (["--data"], ["--dataset", "--accuracy", "--epochs"])
    assert make(path="x", epochs=12).given == ("x", "cifar10", "valid", 12)


def test_nothing_that_was_given_is_ignored() -> None:
    assert make(path="x", epochs=0).given == ("x", "cifar10", "valid", 0)
    with pytest.raises(OptionError, match="has no option --cost"):
        make(path="x", cost="")


def test_one_split_is_searched() -> None:
    assert make(path="x", accuracy=["test"]).given == ("x", "cifar10", "test", 200)
    with pytest.raises(OptionError, match="searches one split, got --accuracy valid, test"):
        make(path="x", accuracy=["valid", "test"])


def test_options_that_lack_or_do_not_exist() -> None:
    with pytest.raises(OptionError, match="'one-split' needs --data"):
        make(dataset="x")
    with pytest.raises(OptionError, match="has no option --cell .*its options: --data, --dataset"):
        make(path="x", cell="y")
    with pytest.raises(UnknownNameError):
        make_benchmark("one-splits", {})


def test_advice_is_in_the_words_of_the_command_line() -> None:
    with pytest.raises(BenchmarkError, match="some are lacking .pass --present-only to search"):
        make(path="x", epochs=13)
    with pytest.raises(BenchmarkError, match="the file is damaged$"):
        make(path="x", epochs=14)
