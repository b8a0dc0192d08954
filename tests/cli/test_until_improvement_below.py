"""Searches that end once little improvement is expected."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Command

OPTIONS = ["--accuracy", "valid", "--strategy", "two-level-bo", "--option", "num_initial=4"]


def test_a_search_ends_early_and_says_so(
    command: Command, table: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    outcome = command(
        "search", *table, *OPTIONS, "--until-improvement-below", 2, "--json", "--out", out
    )
    assert outcome.code == 0
    content = outcome.json
    assert 9 <= content["trials"] < 150
    assert "less than 2 %" in content["stopped_early"]
    assert "stopped early" in outcome.err
    assert command("show", out, "--json").json["stopped_early"] == content["stopped_early"]
    shown = " ".join(command("show", out).out.split())
    assert f"ended by its rule at {content['trials']} of 150 trials" in shown
    assert "resume" in shown
    assert "--until-improvement-below 0" in shown
    report = (out / "report.html").read_text()
    assert content["stopped_early"] in report
    assert "planned trials" in report
    # A run that is over stays over; without the rule it goes on as if there had been none.
    again = command("resume", out, "--json").json
    assert again["trials"] == content["trials"]
    longer = command(
        "resume", out, "--trials", content["trials"] + 2, "--until-improvement-below", 0, "--json"
    ).json
    assert longer["trials"] == content["trials"] + 2
    assert longer["stopped_early"] is None
    assert longer["values"]["valid_error"][:-2] == content["values"]["valid_error"]
    assert json.loads((out / "config.json").read_text())["until_improvement_below"] == 0


def test_a_search_without_the_rule_has_all_of_its_trials(
    command: Command, table: list[object]
) -> None:
    content = command("search", *table, *OPTIONS, "--trials", 12, "--json").json
    assert (content["trials"], content["stopped_early"]) == (12, None)


def test_a_strategy_that_expects_nothing(command: Command, table: list[object]) -> None:
    outcome = command(
        "search", *table, "--accuracy", "valid", "--strategy", "random",
        "--until-improvement-below", 1,
    )  # fmt: skip
    assert outcome.code == 2
    assert "strategy 'random' does not say what improvement it expects" in outcome.err
    assert "two-level-bo" in outcome.err
