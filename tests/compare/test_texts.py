from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from ax_anasod.compare import Contender, Summary
from ax_anasod.compare.comparison_folder import ComparisonFolder, read_runs
from ax_anasod.compare.run_results import results_frame
from ax_anasod.compare.texts import as_dict, markdown, notes, table, table_value
from ax_anasod.objectives import Objective

CONTENDERS = [Contender("random", {}, 4), Contender("anasod-random", {}, 4)]


@pytest.fixture
def summary(fill: Callable[..., ComparisonFolder], tmp_path: Path) -> Summary:
    folder = fill(tmp_path, CONTENDERS, 2)
    results = results_frame(folder.plan, read_runs(tmp_path, folder.plan))
    failures = {"anasod-random": ("seed 1: its process was killed by SIGKILL",)}
    return Summary(replace(folder.plan, regret=0.5), results, failures)


def test_table_has_a_row_for_each_contender(summary: Summary) -> None:
    header, rows = table(summary)
    assert header == [
        "strategy",
        "runs",
        "mean ± s.e.",
        "median",
        "queries to optimum",
        "queries to regret 0.5 percentage points",
        "test",
        "p",
        "s a trial",
    ]
    assert [row[:2] for row in rows] == [["random", "2 of 2"], ["anasod-random", "2 of 2"]]
    row = summary.frame.iloc[1]
    assert rows[1][2] == f"{row['mean']:.2f} ± {row['standard_error']:.2f}"
    assert rows[0][-2] == "-"


def test_different_budgets_are_shown(summary: Summary) -> None:
    longer = replace(summary.plan.contenders[0], trials=3)
    plan = replace(summary.plan, contenders=(longer, summary.plan.contenders[1]))
    header, rows = table(replace(summary, plan=plan))
    assert header[2] == "trials"
    assert [row[2] for row in rows] == ["3", "4"]
    assert "both are tested after as many trials as the smaller" in " ".join(
        notes(replace(summary, plan=plan))
    )
    assert "smaller" not in " ".join(notes(summary))


def test_notes_say_what_the_values_are(summary: Summary) -> None:
    text = " ".join(notes(summary))
    assert "lowest valid_error seen in a run after 4 trials" in text
    assert "two-sided Wilcoxon signed-rank test" in text
    assert "paired by seed, against random." in text
    assert "With 2 pairs no difference can be significant at 0.05; that takes 6 seeds" in text
    assert "Of the incumbent, not searched: test." in text
    assert "Not finished: anasod-random, seed 1: its process was killed by SIGKILL" in text
    assert "training" not in text


def test_notes_on_single_training_runs(summary: Summary) -> None:
    mean = Objective("valid_error_mean", "percent", True, "m", 5.5)
    results = summary.results.rename(columns={"test": "valid_error_mean"})
    plan = replace(summary.plan, reported=(mean,))
    single = replace(summary, plan=plan, results=results)
    assert "can lie below the optimum of the means over training seeds (5.50)" in " ".join(
        notes(single)
    )
    assert "noise-free regret" in table(single)[0]


def test_one_contender_needs_no_test(summary: Summary) -> None:
    alone = replace(summary, plan=replace(summary.plan, contenders=summary.plan.contenders[:1]))
    assert "p" not in table(alone)[0]
    assert not any("Wilcoxon" in note for note in notes(alone))


def test_holm_is_named_where_it_corrects(summary: Summary) -> None:
    third = Contender("anasod-bo", {}, 4)
    plan = replace(summary.plan, contenders=(*summary.plan.contenders, third))
    begun = replace(summary, plan=plan)
    # Nothing of it is finished: it is not tested, and the others have their pairs.
    assert "Holm" not in " ".join(notes(begun))
    assert "With 2 pairs" in " ".join(notes(begun))

    ours = summary.results[summary.results["strategy"] == "anasod-random"]
    results = pd.concat([summary.results, ours.assign(strategy="anasod-bo")])
    text = " ".join(notes(replace(begun, results=results)))
    assert "after Holm's correction for 2." in text
    # The smallest p-value of six pairs is 1/32, which two tests double.
    assert "With 2 pairs no difference can be significant at 0.05; that takes 7 seeds" in text


def test_markdown_is_one_table(summary: Summary) -> None:
    lines = markdown(summary).splitlines()
    assert lines[0] == "# Strategies on table"
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 4
    assert len({row.count("|") for row in rows}) == 1


def test_json_holds_no_nan(summary: Summary) -> None:
    content = as_dict(summary)
    again = json.loads(json.dumps(content, allow_nan=False))
    assert [row["strategy"] for row in again["summary"]] == ["random", "anasod-random"]
    assert again["summary"][0]["p_value"] is None
    assert again["reference"] == "random"
    assert again["failures"] == {"anasod-random": ["seed 1: its process was killed by SIGKILL"]}


def test_numbers() -> None:
    assert table_value(6.1, "percent") == "6.10"
    assert table_value(1234.56, "seconds") == "1235"
    assert table_value(float("nan"), "percent") == "-"
