"""Known quantities: how they are computed, stored, and handed to Ax."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ax.api.client import Client
from ax.storage.json_store.decoder import object_from_json
from ax.storage.json_store.encoder import object_to_json

from ax_anasod import cells
from ax_anasod._ax import experiment_of
from ax_anasod.cells import Cell
from ax_anasod.core import KnownMetric, architecture_of
from ax_anasod.exceptions import AnasodError, CellError, OptionError, RunError, UnknownNameError
from ax_anasod.experiment import make_client
from ax_anasod.metrics import KnownLookup, KnownSize, KnownSum
from ax_anasod.metrics.known_quantities import KnownFunction, known_metric
from ax_anasod.nasbench import HybridLMBenchmark, TableBenchmark
from ax_anasod.networks import NetworkConfig, build_network, count_flops, num_parameters
from ax_anasod.typing import Codes, Values

CELL = Cell("plain", ["conv", "pool", "skip"], num_blocks=3)
COSTS = {"conv": 3.0, "pool": 1.0, "skip": 0.0}
CODES = CELL.enumerate()


def convolutions(codes: Codes) -> Values:
    return np.asarray((codes == 0).sum(axis=1), dtype=np.float64)


@pytest.fixture
def table(tmp_path: Path) -> TableBenchmark:
    rows = [f"{s},{i % 7 + 1},{i}" for i, s in enumerate(CELL.to_strings(CODES))]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["arch,error,size", *rows]))
    return TableBenchmark(path, CELL, minimize="error", report="size")


def test_a_column_of_a_table(table: TableBenchmark) -> None:
    assert KnownLookup("size", table).values(CODES[:4]).tolist() == [0.0, 1.0, 2.0, 3.0]
    with pytest.raises(UnknownNameError):
        KnownLookup("sise", table)


def test_what_is_known_of_single_trainings() -> None:
    single = HybridLMBenchmark(minimize=["loss", "cache_bytes"], seeds="single")
    codes = single.cell.from_strings(["MMMMMM", "MMAMLM"])
    assert KnownLookup("cache_bytes", single).values(codes).tolist() == [0.0, 14720.0]
    with pytest.raises(OptionError, match="'loss' differs between trainings"):
        KnownLookup("loss", single)
    assert KnownLookup("loss_mean", single).values(codes).min() > 0


def test_a_sum_over_blocks() -> None:
    assert KnownSum("cost", CELL, COSTS, base=1.0).values(CODES[:3]).tolist() == [10.0, 8.0, 7.0]
    tables = [COSTS, {**COSTS, "conv": 0.5}, COSTS]
    assert KnownSum("cost", CELL, tables).values(CODES[:1]).tolist() == [6.5]


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ({"conv": 1.0, "pool": 1.0}, "the cost of operation 'skip' is None"),
        ({**COSTS, "conv": float("nan")}, "'conv' is nan"),
        ({**COSTS, "con": 1.0}, "unknown operation 'con'"),
        ([COSTS], "one table of costs for each of 3 blocks, got 1"),
    ],
)
def test_costs_that_are_none(costs: Any, message: str) -> None:
    with pytest.raises(AnasodError, match=message):
        KnownSum("cost", CELL, costs)


@pytest.mark.parametrize("name", ["nas-bench-201", "darts"])
@pytest.mark.parametrize("size", ["parameters", "flops"])
def test_sizes_of_networks_are_those_of_built_ones(name: str, size: Any) -> None:
    cell = cells.get(name)
    skeleton = "nas-bench-201" if name == "nas-bench-201" else "nasnet"
    config = NetworkConfig(skeleton=skeleton, channels=4, cells=3 if name == "darts" else 6)
    known = KnownSize(size, cell, config, (8, 8))
    codes = cell.sample(3, np.random.default_rng(5))
    networks = [build_network(cell, code[None], config, seed=0) for code in codes]
    built = [
        num_parameters(n) if size == "parameters" else count_flops(n, (8, 8)) for n in networks
    ]
    assert known.values(codes).tolist() == built


class LooseEnds(Cell):
    """Hands the first state on, too, where the second block is a convolution."""

    def outputs(self, codes: Any) -> Any:
        outputs = super().outputs(codes)
        outputs[:, 0, 1] = np.asarray(codes)[:, 1] == 0
        return outputs


def test_networks_that_are_more_than_their_blocks_are_refused() -> None:
    cell = LooseEnds("loose", ["sep_conv_3x3", "skip_connect"], num_blocks=3)
    with pytest.raises(CellError, match="no sum over their blocks"):
        KnownSize("parameters", cell, NetworkConfig(channels=4, cells=5))


@pytest.mark.parametrize(
    ("how", "kind"),
    [(COSTS, KnownSum), ([COSTS] * 3, KnownSum), (convolutions, KnownFunction)],
)
def test_ways_to_say_what_is_known(how: Any, kind: type) -> None:
    assert type(known_metric("cost", CELL, how)) is kind


@pytest.mark.parametrize(
    ("how", "message"),
    [(3, "known\\['cost'\\] is 3"), (KnownFunction("size", convolutions), "has the name 'size'")],
)
def test_other_ways_are_refused(how: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        known_metric("cost", CELL, how)


def test_values_that_are_none_are_refused() -> None:
    metric = KnownFunction("cost", lambda codes: np.full(len(codes), np.nan))
    with pytest.raises(OptionError, match="one finite number for each of 27"):
        metric.checked_values(CODES)


@pytest.fixture(params=["lookup", "sum", "size"])
def stored(request: pytest.FixtureRequest, table: TableBenchmark) -> KnownMetric:
    if request.param == "lookup":
        return KnownLookup("size", table)
    if request.param == "sum":
        return KnownSum("size", CELL, [COSTS] * 3, base=2.0)
    cell = cells.get("nas-bench-201")
    return KnownSize("parameters", cell, NetworkConfig(skeleton="nas-bench-201", cells=3))


def test_known_quantities_survive_json(stored: KnownMetric) -> None:
    again = object_from_json(json.loads(json.dumps(object_to_json(stored))))
    assert type(again) is type(stored)
    codes = CODES[:5] if stored.name == "size" else cells.get("nas-bench-201").enumerate()[:5]
    np.testing.assert_array_equal(again.values(codes), stored.values(codes))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda codes: 1 / 0, "the function for 'size' fails: ZeroDivisionError"),
        (lambda codes: ["large"] * len(codes), "the function for 'size' fails: ValueError"),
        (lambda codes: np.full(len(codes), np.nan), "one finite number for each"),
        (lambda codes: 3.0, "one finite number for each"),
    ],
)
def test_a_function_that_cannot_be_is_refused_at_the_door(
    function: Callable[[Any], Any], message: str
) -> None:
    cell = cells.get("nas-bench-201")
    with pytest.raises(OptionError, match=message):
        make_client(cell, "two-level-bo", objectives=["error", "size"], known={"size": function})


def test_a_function_cannot_be_stored() -> None:
    client = make_client(CELL, "random", known={"cost": convolutions})
    with pytest.raises(RunError, match="'cost' is a function, which cannot be stored"):
        object_to_json(experiment_of(client))


def told(client: Client, trials: int, error: Callable[[Codes], Values]) -> list[dict[str, float]]:
    """Search, reporting the error alone, and return what Ax holds of each trial."""
    experiment = experiment_of(client)
    for _ in range(trials):
        ((index, parameters),) = client.get_next_trials(1).items()
        row = np.array([[CELL.operations.index(v) for v in parameters.values()]])
        client.complete_trial(index, {"error": float(error(row)[0])})
    frame = experiment.lookup_data().df
    return [
        dict(zip(g.metric_name, g["mean"], strict=True)) for _, g in frame.groupby("trial_index")
    ]


def test_nobody_reports_what_is_known() -> None:
    client = make_client(CELL, "two-level-bo", known={"cost": COSTS}, limits="cost <= 4")
    values = told(client, 14, lambda row: 5.0 + 3.0 * (row == 2).sum(axis=1) + row[:, 0])
    assert all(set(each) == {"error", "cost"} for each in values)
    assert max(each["cost"] for each in values) <= 4.0


def test_a_front_with_a_known_objective_and_thresholds() -> None:
    limits = ["error <= 14", "cost <= 5"]
    names = ["error", "cost"]
    client = make_client(
        CELL, "two-level-bo", objectives=names, known={"cost": COSTS}, limits=limits
    )
    values = told(client, 14, lambda row: 5.0 + 3.0 * (row == 2).sum(axis=1) + row[:, 0])
    assert max(each["cost"] for each in values) <= 5.0
    front = client.get_pareto_frontier(use_model_predictions=False)
    assert len(front) > 1
    for _, observed, _, _ in front:
        assert set(observed) == {"error", "cost"}


# Ax 1.3.1 reads constraints back in a way that it deprecates.
@pytest.mark.filterwarnings("ignore:Passing `metric` to OutcomeConstraint:DeprecationWarning")
def test_a_search_under_limits_goes_on_exactly_from_json(tmp_path: Path) -> None:
    def client() -> Client:
        return make_client(
            CELL,
            "two-level-bo",
            objectives=["error", "cost"],
            known={"cost": COSTS},
            limits="size <= 3",
            num_initial=4,
        )

    def outcomes(row: Codes) -> dict[str, float]:
        return {"error": 5.0 + float(row @ [3, 2, 1]), "size": 1.0 + float((row == 1).sum())}

    def search(client: Client, trials: int) -> list[dict[str, Any]]:
        proposed = []
        for _ in range(trials):
            ((index, parameters),) = client.get_next_trials(1).items()
            row = np.array([CELL.operations.index(str(v)) for v in parameters.values()])
            client.complete_trial(index, dict(outcomes(row)))
            proposed.append(dict(parameters))
        return proposed

    whole = search(client(), 10)
    first = client()
    begun = search(first, 6)
    first.save_to_json_file(str(tmp_path / "run.json"))
    assert begun + search(Client.load_from_json_file(str(tmp_path / "run.json")), 4) == whole


def test_random_draws_keep_limits_on_what_is_known() -> None:
    def proposed(limit: str) -> list[float]:
        client = make_client(CELL, "random", known={"size": COSTS}, limits=[limit])
        sizes = []
        for _ in range(12):
            for index in client.get_next_trials(1):
                code = architecture_of(client, index).code
                sizes.append(KnownSum("size", CELL, COSTS).values(code[None]).item())
                client.complete_trial(index, {"error": 1.0})
        return sizes

    assert max(proposed("size <= 2")) <= 2
    assert min(proposed("size >= 6")) >= 6
    assert max(proposed("size <= 20")) > 2
    with pytest.raises(OptionError, match="no architecture of cell 'plain' was found"):
        proposed("size <= -1")
