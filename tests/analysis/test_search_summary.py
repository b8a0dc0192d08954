from __future__ import annotations

import html
import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from ax.api.configs import RangeParameterConfig
from ax.core.analysis_card import NotApplicableStateAnalysisCard

from ax_anasod import cells
from ax_anasod._ax import experiment_of
from ax_anasod.analysis import SearchSummary
from ax_anasod.analysis.search_summary import architecture_text, cost_seconds, found_part, python_of
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.cells import Cell, RestrictedCell, constrained
from ax_anasod.core.search_experiment import KEY
from ax_anasod.experiment import make_client
from ax_anasod.plots import style
from ax_anasod.runners import BenchmarkQuery
from ax_anasod.simplex import CountConstraint

SVG = "{http://www.w3.org/2000/svg}"


def card_of(client):
    (card,) = client.compute_analyses([SearchSummary()], display=False)
    return card


def test_the_best_trial_of_a_real_search(cora_client, cora):
    card = card_of(cora_client)
    (row,) = card.df.to_dict("records")
    trial = experiment_of(cora_client).trials[row["trial_index"]]
    result = BenchmarkQuery(cora, seed=0).of(trial)
    assert row["architecture"] == result["architecture"]
    assert row["valid_error"] == pytest.approx(result["values"]["valid_error"], abs=1e-9)
    series = SearchSeries.from_experiment(experiment_of(cora_client))
    assert row["encoding"] == series.encoding_text(series.best())
    assert card.title == "Best trial"
    assert "of 15 trials (14 completed, 1 failed)" in card.subtitle
    # The data of this benchmark has no cost.
    assert "cost_seconds" not in card.df


def test_architectures_of_an_architecture_search(search_cora, cora):
    client = search_cora(3, strategy="random")
    (row,) = card_of(client).df.to_dict("records")
    trial = experiment_of(client).trials[row["trial_index"]]
    result = BenchmarkQuery(cora, seed=0).of(trial)
    assert row["architecture"] == result["architecture"]


def test_what_the_runner_stored_is_shown(run):
    client = run([2.0, 1.0])
    for index, cost in ((0, 5.0), (1, 7.5)):
        experiment_of(client).trials[index].update_run_metadata(
            {"architecture": "conv|conv|conv|pool", "cost_seconds": cost}
        )
    card = card_of(client)
    (row,) = card.df.to_dict("records")
    assert (row["architecture"], row["cost_seconds"]) == ("conv|conv|conv|pool", 7.5)
    assert "that cost 12 seconds" in card.subtitle


@pytest.mark.parametrize("strategy", ["random", "anasod-random"])
def test_parameters_beside_the_cell_are_shown(small_cell, strategy):
    rate = RangeParameterConfig("rate", (0.1, 1.0), "float")
    client = make_client(small_cell, strategy, parameters=[rate])
    for index, parameters in client.get_next_trials(1).items():
        client.complete_trial(index, raw_data={"error": 2.0})
        (row,) = card_of(client).df.to_dict("records")
        assert row["rate"] == parameters["rate"]
        assert not {*parameters} - {"rate"} & {*row}


def test_one_trial_is_no_plural(run):
    assert "of 1 trial (1 completed)" in card_of(run([2.0])).subtitle


def test_a_trial_without_a_cost_has_none(run):
    assert math.isnan(cost_seconds(experiment_of(run([2.0])), 0))


def test_an_architecture_cannot_be_drawn_again_without_the_seed(small_cell):
    client = make_client(small_cell, "anasod-random")
    index = client.attach_trial({"n_conv": 2, "n_pool": 1, "n_skip": 1})
    client.complete_trial(index, raw_data={"error": 2.0})
    experiment = experiment_of(client)
    series = SearchSeries.from_experiment(experiment)
    assert architecture_text(experiment, series, 0) is not None
    del experiment._properties[KEY]
    assert architecture_text(experiment, series, 0) is None
    assert "architecture" not in SearchSummary().compute(experiment).df


def test_the_pareto_front(run):
    values = [
        {"error": 3.0, "latency": 1.0},
        {"error": 1.0, "latency": 3.0},
        {"error": 3.0, "latency": 3.0},
        {"error": 2.0, "latency": 2.0},
    ]
    card = card_of(run(values, objectives=["error", "latency"]))
    assert card.title == "Pareto front"
    assert card.df["trial_index"].tolist() == [1, 3, 0]
    assert list(card.df.columns[:3]) == ["trial_index", "error", "latency"]
    assert card.subtitle.startswith(
        "The 3 values of error, latency that no other dominates, each with its first trial, of 4 "
    )


def test_trials_with_the_same_values_are_one_of_the_front(run):
    card = card_of(run([{"error": 3.0, "latency": 1.0}] * 3, objectives=["error", "latency"]))
    assert card.df["trial_index"].tolist() == [0]
    assert card.subtitle.startswith(
        "The value of error, latency that no other dominates, each with its first trial, of 3 "
    )


def test_reported_metrics_follow_the_objectives(small_cell):
    client = make_client(small_cell, "anasod-random", objectives="error", reported=["test_error"])
    for values in ({"error": 2.0, "test_error": 2.5}, {"error": 1.0, "test_error": 1.5}):
        ((index, _),) = client.get_next_trials(1).items()
        client.complete_trial(index, raw_data=values)
    (row,) = card_of(client).df.to_dict("records")
    assert (row["error"], row["test_error"]) == (1.0, 1.5)


def test_no_best_trial(run):
    card = card_of(run([None]))
    assert isinstance(card, NotApplicableStateAnalysisCard)
    assert card.blob == "All trials so far (1) failed or were abandoned."


def drawing_of(part: str) -> ElementTree.Element:
    (svg,) = re.findall(r"<svg.*?</svg>", part, re.DOTALL)
    return ElementTree.fromstring(svg)


@pytest.mark.parametrize("name", cells.names())
def test_every_built_in_cell_is_drawn_and_made_again(name):
    cell = cells.get(name)
    architecture = cell.architecture(cell.sample(1, np.random.default_rng(0))[0])
    part = found_part("Best", "5 %", "error", ["found"], architecture)
    colours = dict(zip(cell.operations, style.operation_colours(cell.num_operations), strict=True))
    fills = [box.get("fill") for box in drawing_of(part).iter(f"{SVG}rect")]
    for operation, count in zip(cell.operations, architecture.counts, strict=True):
        assert fills.count(colours[operation]) == count
    assert html.escape(str(architecture)) in part
    assert "<div class='value'>5 % <small>error</small></div>" in part
    assert f"cells.get({cells.get(name).name!r})" in html.unescape(part)


@pytest.mark.parametrize("kind", ["own", "restricted", "constrained", "operations"])
def test_the_code_makes_the_architecture(kind):
    full = Cell("mine", operations=["conv", "it's"], num_blocks=3, wiring=[2], parts=1)
    cell = {
        "own": full,
        "restricted": RestrictedCell(full, full.enumerate()[:5]),
        "constrained": constrained(full, [CountConstraint((-1.0, 0.0), -1.0)]),
        "operations": cells.NASNetCell(["conv", "pool"], num_nodes=2, name="small"),
    }[kind]
    architecture = cell.architecture(cell.sample(1, np.random.default_rng(0))[0])
    made: dict[str, object] = {}
    exec(python_of(cell, str(architecture)).rpartition("\n")[0], made)
    assert str(made["architecture"]) == str(architecture)
    assert made["cell"] == cells.full_cell(cell)


def test_a_wiring_that_nobody_knows_is_said():
    for wiring, said in (([2], True), ([], False)):
        cell = Cell("mine", operations=["conv", "pool"], num_blocks=3, wiring=wiring)
        architecture = cell.architecture([0, 1, 0, *(0 for _ in wiring)])
        part = found_part("Best", "", "", [], architecture)
        assert ("the cell does not say what its wiring means" in part) == said


def test_names_do_nothing_in_the_page():
    cell = Cell("mine", operations=["<script>", "b"], num_blocks=2)
    part = found_part("<b>", "1", "<i>", ["<u>"], cell.architecture([0, 1]))
    assert not re.search("<(script|b|i|u)>", part)
