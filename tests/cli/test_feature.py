"""``--feature``, ``--start`` and ``--source``: what is known before a search."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command, rows

Refused = Callable[..., str]
VALID = {row["arch"]: row["valid"] for row in rows()}
TEST = {row["arch"]: row["test"] for row in rows()}


@pytest.fixture
def search(table: list[object]) -> list[object]:
    return [
        *("search", *table, "--strategy", "two-level-bo", "--option", "num_initial=6"),
        *("--accuracy", "valid"),
    ]


def test_the_first_trials_are_the_best_by_a_column(command: Command, search: list[object]) -> None:
    for start, sign in (("test", -1), ("-test", 1)):
        content = command(*search, "--start", start, "--trials", 6, "--json").json
        by_column = sorted(TEST.values(), key=lambda value: sign * value)
        assert [TEST[a] for a in content["architectures"][:5]] == by_column[:5]


def test_a_run_goes_on_without_its_source(
    command: Command, search: list[object], tmp_path: Path
) -> None:
    source, out = tmp_path / "source", tmp_path / "run"
    command(*search, "--seed", 3, "--trials", 8, "--out", source)
    known = ["--source", source, "--feature", "test", "--known", "test"]
    whole = command(*search, *known, "--trials", 12, "--json").json
    assert command(*search, *known, "--trials", 3, "--out", out).code == 0
    shutil.rmtree(source)

    for trials in (8, 12):
        content = command("resume", out, "--trials", trials, "--json").json

    assert content["architectures"] == whole["architectures"]
    assert content["features"] == whole["features"]
    assert content["features"].keys() == {"test", "source"}
    shown = command("show", out)
    for name, carried in content["features"].items():
        (line,) = (line for line in shown.out.splitlines() if f"feature {name} " in line)
        assert f"{carried['share']:.0%} of the prior variance" in line
        assert f"{carried['agreement']:+.2f}" in line
    config = json.loads((out / "config.json").read_text())
    tried = dict(
        zip(*(config["sources"][0][key] for key in ("architectures", "targets")), strict=True)
    )
    assert tried == {a: pytest.approx(100 - VALID[a]) for a in tried}
    assert len(tried) == 8
    assert content["architectures"][0] == min(tried, key=lambda a: tried[a])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--feature", "valid"], "'valid' is the objective itself"),
        (["--start", "-valid_error"], "'valid_error' is the objective itself"),
        (["--feature", "tset"], "unknown column 'tset'"),
        (["--source", "nowhere"], "nowhere"),
        (["--strategy", "random", "--feature", "test"], "makes nothing of features"),
    ],
)
def test_what_is_refused(
    refused: Refused, search: list[object], options: list[str], message: str
) -> None:
    if "random" in options:
        search = [word for word in search if word not in ("--option", "num_initial=6")]
    assert message in refused(*search, *options, "--trials", 6)
