from __future__ import annotations

import html
import re

import pandas as pd
import pytest
from ax.analysis.analysis import Analysis
from ax.api.client import Client
from ax.api.configs import RangeParameterConfig
from ax.core.analysis_card import NotApplicableStateAnalysisCard

from ax_anasod import architecture_of
from ax_anasod._ax import experiment_of, strategy_of
from ax_anasod.analysis import (
    FrontFacts,
    IncumbentPlot,
    SearchOverview,
    SearchSeries,
    SearchSummary,
    write_report,
)
from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.experiment import make_client

RATE = RangeParameterConfig(name="rate", parameter_type="float", bounds=(0.1, 1.0))


def report_of(client, tmp_path, **settings):
    path = write_report(
        experiment_of(client),
        strategy_of(client),
        tmp_path / "report.html",
        **{"title": "A search", **settings},
    )
    page = path.read_text(encoding="utf-8")
    return page[page.index("<body>") :]


def headings(page):
    return re.findall(r"<section[^>]*>\s*<h[23]>(.*?)</h[23]>", page)


def missing(page):
    found = re.findall(r"<li><b>(.*?)</b>: (.*?)</li>", page)
    return {name: reason for names, reason in found for name in names.split(", ")}


@pytest.fixture(scope="module")
def cora_page(cora_client, cora, tmp_path_factory):
    return report_of(
        cora_client,
        tmp_path_factory.mktemp("report"),
        optimum=cora.optimum("valid_error"),
        unit="percent",
        facts={"benchmark": "NAS-Bench-Graph"},
    )


def test_all_cards_of_a_model_based_search(cora_page):
    assert missing(cora_page) == {}
    titles = headings(cora_page)
    assert titles[3].startswith("Operations and valid_error")
    assert titles[4].startswith("How well the model predicts valid_error: the model ")
    assert [*titles[:3], *titles[5:]] == [
        "Best trial",
        "Incumbent: valid_error",
        "Operation distribution of the trials",
        "Importance of the operations for valid_error",
        "Prediction of valid_error along the simplex",
        "Predicted change of valid_error by one exchanged block",
        "Trials",
    ]


def test_the_result_comes_first_with_its_code(cora_client, cora, cora_page):
    (result,) = re.findall(r"<section class='result'>.*?</section>", cora_page, re.DOTALL)
    series = SearchSeries.from_experiment(experiment_of(cora_client))
    best = architecture_of(cora_client, int(series.trial_indices[series.best()]))
    value = float(series.values[series.best(), 0])
    assert cora_page.index("<section") == cora_page.index(result)
    assert f"{value:.4g} % <small>valid_error</small>" in result
    assert "percentage points above the optimum of 18.07 %" in result
    assert "of 15 trials (14 completed, 1 failed)" in result.lower()
    (code,) = re.findall(r"<pre[^>]*>(.*?)</pre>", result, re.DOTALL)
    made: dict[str, object] = {}
    exec(html.unescape(code).rpartition("\n")[0], made)
    assert made["architecture"] == best
    assert {
        cora.cell.operations.index(name)
        for name in re.findall(">(\\w+)</text>", result)
        if name in cora.cell.operations
    } == set(best.counts.nonzero()[0])


def test_a_picked_point_of_a_front_is_the_result(run, tmp_path):
    values = [{"error": 1.0 + i, "latency": 9.0 - i} for i in range(5)]
    client = run(values, objectives=["error", "latency"])
    page = report_of(client, tmp_path, front=FrontFacts(3, "the knee of the front"))
    assert headings(page)[0] == "The knee of the front"
    assert "<p>Trial 3, with latency 6." in page


def test_a_time_line_where_times_are_known(run, tmp_path):
    page = report_of(run([3.0, 2.0]), tmp_path, seconds=[90.0, 150.0])
    assert "Time line of the trials" in headings(page)
    assert "2 trials in 4 minutes of work" in page
    assert "the longest was trial 1" in page


def test_facts_of_the_run(cora_page):
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", cora_page))
    assert facts == {
        "cell": "nas-bench-graph",
        "searched": "encodings",
        "strategy": "anasod-bo",
        "seed": "0",
        "trials": "15",
        "trials completed": "14",
        "trials failed": "1",
        "benchmark": "NAS-Bench-Graph",
    }


def test_optimum_and_unit_reach_the_card(cora_page):
    assert "above the optimum of 18.07 %" in cora_page
    assert "valid_error [%]" in cora_page


@pytest.mark.slow
def test_the_report_changes_nothing_of_the_search(search_cora, tmp_path):
    plain, reported = search_cora(13), search_cora(13)
    report_of(reported, tmp_path)
    for _ in range(2):
        ((index, expected),) = plain.get_next_trials(1).items()
        assert reported.get_next_trials(1) == {index: expected}
        for client in (plain, reported):
            client.complete_trial(index, raw_data={"valid_error": 21.0})


def test_several_objectives(run, tmp_path):
    values = [{"error": float(i % 3), "latency": float(i % 5)} for i in range(8)]
    page = report_of(
        run(values, objectives=["error", "latency"]),
        tmp_path,
        optimum={"error": 0.0, "latency": None},
        unit={"error": "percent", "latency": "ms"},
    )
    assert headings(page)[:8] == [
        "Trial with the best error",
        "Trade-off: error against latency",
        "Pareto front",
        "Incumbent: error",
        "Incumbent: latency",
        "Operation distribution of the trials",
        "Operations and error",
        "Utility Progression",
    ]
    assert "latency [ms]" in page
    assert "from the optimum of 0 %" in page


def test_reported_metrics_are_not_modelled_but_shown(run, tmp_path):
    values = [{"error": float(i), "test_error": 1.5 * i} for i in range(1, 13)]
    client = run(values, "anasod-bo", reported=["test_error"], num_initial=5)
    page = report_of(client, tmp_path)
    assert missing(page) == {}
    assert any(title.startswith("How well the model predicts error") for title in headings(page))
    assert ">test_error</th>" in page


def test_several_modelled_objectives(run, tmp_path):
    values = [{"error": 1.0 + i % 3, "latency": 1.0 + i % 5} for i in range(8)]
    # The model is first fitted for the report.
    client = run(values, "anasod-bo", objectives=["error", "latency"], num_initial=8)
    page = report_of(client, tmp_path)
    assert missing(page) == {}
    assert "Prediction of latency along the simplex" in headings(page)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([], "There are no trials yet."),
        ([None], "All trials so far (1) failed or were abandoned."),
    ],
)
def test_a_search_without_values(run, tmp_path, values, sentence):
    page = report_of(run(values, "anasod-bo"), tmp_path)
    assert missing(page)["IncumbentPlot"] == sentence
    expected = ["Operation distribution of the trials", "Trials"]
    assert headings(page) == (expected if values else [])


@pytest.mark.parametrize("values", [[5.0], [0.0] * 12, [5.0] * 12, [0.0, 4.0] * 6])
def test_one_constant_and_zero_values(run, tmp_path, values):
    page = report_of(run(values, "anasod-bo"), tmp_path)
    modelled = len(values) > 10
    assert "Incumbent: error" in headings(page)
    assert ("DistributionSlicePlot" in missing(page)) is not modelled


@pytest.mark.parametrize(
    ("strategy", "settings"),
    [("local-search", {}), ("two-level-bo", {"parameters": [RATE], "num_initial": 2})],
)
def test_a_strategy_that_ax_cannot_ask_is_not_waited_for(run, tmp_path, strategy, settings):
    page = report_of(run([5.0, 4.0, 3.0], strategy, **settings), tmp_path)
    assert "Incumbent: error" in headings(page)
    assert missing(page) == {}


def test_the_model_of_two_level_bo_has_the_cards_of_anasod_bo(run, tmp_path):
    values = [5.0, 4.0, 3.0, 4.5, 6.0, 2.0]
    page = report_of(run(values, "two-level-bo", num_initial=4), tmp_path)
    assert missing(page) == {}
    titles = headings(page)
    assert titles[4].startswith("How well the model predicts error")
    assert titles[5:-1] == [
        "Importance of the operations for error",
        "Prediction of error along the simplex",
        "Predicted change of error by one exchanged block",
    ]


def test_without_a_strategy_there_are_no_predictions(cora_client, tmp_path):
    write_report(experiment_of(cora_client), None, tmp_path / "r.html", title="t")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Incumbent: valid_error" in headings(page)
    assert {"DistributionSlicePlot", "BlockExchangePlot", "ModelFitPlot"} <= set(missing(page))


class Broken(Analysis):
    def validate_applicable_state(self, experiment=None, generation_strategy=None, adapter=None):
        return None

    def compute(self, experiment=None, generation_strategy=None, adapter=None):
        raise ZeroDivisionError("<b>broken</b>")


class Table(Analysis):
    def validate_applicable_state(self, experiment=None, generation_strategy=None, adapter=None):
        return None

    def compute(self, experiment=None, generation_strategy=None, adapter=None):
        return self._create_analysis_card("My table", "mine", pd.DataFrame({"number": [0.5]}))


def test_a_broken_card_is_named_and_costs_nothing_else(run, tmp_path):
    page = report_of(run([1.0]), tmp_path, extra=[Broken(), Table()])
    assert missing(page)["Broken"] == "ZeroDivisionError: &lt;b&gt;broken&lt;/b&gt;"
    assert headings(page)[-1] == "My table"
    assert "<td>0.5</td>" in page


def test_names_of_users_are_escaped(run, tmp_path):
    evil = "</script><script>alert(1)</script>"
    client = run([1.0], name=evil)
    page = report_of(client, tmp_path, title=evil, facts={evil: evil})
    assert evil not in page
    assert page.count("&lt;/script&gt;&lt;script&gt;alert(1)") == 3


def test_a_search_over_architectures(search_cora, tmp_path):
    page = report_of(search_cora(3, strategy="random"), tmp_path)
    assert headings(page)[:3] == [
        "Best trial",
        "Incumbent: valid_error",
        "Operation distribution of the trials",
    ]


def test_what_cannot_be_written_is_a_run_error(run, tmp_path):
    client = run([1.0])
    (tmp_path / "report.html").mkdir()
    with pytest.raises(RunError):
        report_of(client, tmp_path)


def test_a_foreign_experiment_is_refused(tmp_path):
    client = Client()
    client.configure_experiment(
        [RangeParameterConfig(name="x", parameter_type="float", bounds=(0, 1))]
    )
    with pytest.raises(OptionError):
        write_report(experiment_of(client), None, tmp_path / "r.html", title="t")
    assert not list(tmp_path.iterdir())


def test_our_cards_are_ordinary_ax_analyses(small_cell):
    client = make_client(small_cell, "anasod-random")
    (card,) = client.compute_analyses([IncumbentPlot()], display=False)
    assert card.title == "IncumbentPlot -- Not Available Yet"


def test_the_overview_has_all_cards_that_a_search_can_have(cora_client, run):
    (group,) = cora_client.compute_analyses([SearchOverview(unit="percent")], display=False)
    names = [*dict.fromkeys(card.name for card in group.flatten())]
    assert names == [
        *("IncumbentPlot", "OperationDistributionPlot", "OperationCoordinatesPlot"),
        *("ModelFitPlot", "OperationImportancePlot", "DistributionSlicePlot", "BlockExchangePlot"),
        "TrialTable",
    ]
    (group,) = run([2.0, 1.0]).compute_analyses([SearchOverview()], display=False)
    names = [card.name for card in group.flatten()]
    assert names == [
        *("IncumbentPlot", "OperationDistributionPlot", "OperationCoordinatesPlot", "TrialTable")
    ]
    (card,) = run([]).compute_analyses([SearchOverview()], display=False)
    assert isinstance(card, NotApplicableStateAnalysisCard)
    assert "no trials yet" in card.blob


def test_a_metric_called_like_a_column_of_the_summary_has_one_of_its_own(run):
    values = {"error": 2.0, "encoding": 7.0, "trial_index": 8.0, "cost_seconds": 9.0}
    client = run([values], reported=["encoding", "trial_index", "cost_seconds"])
    (card,) = client.compute_analyses([SearchSummary()], display=False)
    (row,) = card.df.to_dict("records")
    assert row["trial_index"] == 0
    assert isinstance(row["encoding"], str)
    found = [row[f"value({name})"] for name in ("encoding", "trial_index", "cost_seconds")]
    assert found == [7.0, 8.0, 9.0]
