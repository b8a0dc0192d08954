"""``--screen``: a search of a cheap column before that of the one that matters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.cli.test_show import words

SEARCH = ["--accuracy", "test", "--strategy", "two-level-bo", "--trials", 6, "--seed", 2]
SCREEN = ["--screen", "valid", "--screen-cost", 0.25, "--screen-trials", 12]


def test_a_search_begins_with_the_best_of_the_cheap_column(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    cheap = ["--accuracy", "valid", "--strategy", "two-level-bo", "--trials", 12, "--seed", 2]
    screened = command("search", *table, *cheap, "--json").json
    errors = dict(zip(screened["architectures"], screened["values"]["valid_error"], strict=True))
    out = tmp_path / "run"
    content = command("search", *table, *SEARCH, *SCREEN, "--out", out, "--json").json
    assert content["architectures"][:5] == sorted(errors, key=errors.__getitem__)[:5]
    assert content["cost"] == [3.0 + n for n in range(1, 7)]
    assert content["screen"]["spent"] == 3.0
    shown = words(command("show", out).out)
    assert "cost 9 evaluations: 3 for 12 of valid, and one a trial" in shown
    longer = command("resume", out, "--trials", 8, "--json").json
    assert longer["architectures"][:6] == content["architectures"]
    assert longer["cost"][-1] == 11.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--screen", "valid"], "--screen valid needs --screen-cost X"),
        (["--screen-cost", 1], "--screen-cost is for --screen COLUMN"),
        (["--screen", "valid", "--screen-cost", 0], "--screen-cost must be above 0, got 0.0"),
        (["--screen", "vaild", "--screen-cost", 1], "unknown column 'vaild'"),
        (["--screen", "test", "--screen-cost", 1], "'test' is the objective itself"),
        (
            ["--screen", "valid", "--screen-cost", 1, "--strategy", "tpe"],
            "'tpe' makes nothing of a search of a cheap column",
        ),
    ],
)
def test_what_cannot_be_screened_is_said_in_one_line(
    refused: Callable[..., str], table: list[object], options: list[object], message: str
) -> None:
    assert message in refused("search", *table, *SEARCH, *options)
