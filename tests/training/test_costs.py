"""What networks cost, and limits on it as people write them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.exceptions import OptionError, TrainingError, UnknownNameError
from ax_anasod.networks import NetworkConfig, count_flops, num_parameters
from ax_anasod.objectives import Limit
from ax_anasod.training import DataConfig, Hardware, TrainingTask, load_data, protocol
from ax_anasod.training.costs import COSTS, measure_costs, plain_limit


@pytest.fixture(scope="module")
def task() -> TrainingTask:
    made = TrainingTask(
        cells.get("nas-bench-201"),
        DataConfig("digits", images=100),
        NetworkConfig(channels=2, cells=3),
        protocol("search", epochs=1, batch_size=16),
        Hardware("cpu"),
    )
    return made.fitted(load_data(made.data))


def test_costs_are_those_of_the_network(task: TrainingTask) -> None:
    codes = task.cell.sample(3, np.random.default_rng(0))
    for layers in (codes, codes[:1]):
        network = task.build(layers, seed=1)
        assert measure_costs(task, layers, ["flops", "parameters"]) == {
            "flops": count_flops(network, (8, 8)),
            "parameters": num_parameters(network),
        }


def test_without_images_nobody_knows_flops(task: TrainingTask) -> None:
    codes = task.cell.sample(1, np.random.default_rng(0))
    with pytest.raises(OptionError, match="need the size of the images"):
        measure_costs(replace(task, image_size=None), codes, ["flops"])


def test_what_is_minimised_is_an_objective_and_the_rest_is_recorded(task: TrainingTask) -> None:
    front = replace(task, minimize=("flops",), costs=("flops", "parameters"))
    assert [o.name for o in front.objectives] == ["valid_error", "flops"]
    assert [o.name for o in front.reported] == ["valid_loss", "parameters"]
    assert [o.name for o in task.reported] == ["valid_loss", "parameters"]
    assert TrainingTask.from_dict(front.to_dict()) == front
    # The same networks, trained in the same way.
    assert front.digests() == task.digests()


@pytest.mark.parametrize("field", ["minimize", "costs"])
def test_no_such_cost(task: TrainingTask, field: str) -> None:
    with pytest.raises(UnknownNameError):
        replace(task, **{field: ("flosp",)})


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("parameters<=50k", Limit("parameters", 1.0, 5e4)),
        ("parameters <= 1.5 M", Limit("parameters", 1.0, 1.5e6)),
        ("flops>=.5G", Limit("flops", -1.0, -5e8)),
        ("flops<=2e3k", Limit("flops", 1.0, 2e6)),
        ("parameters<=50000", Limit("parameters", 1.0, 5e4)),
        ("flops<=1e6", Limit("flops", 1.0, 1e6)),
        ("valid_error<=7.5", Limit("valid_error", 1.0, 7.5)),
    ],
)
def test_units_of_limits(text: str, limit: Limit) -> None:
    assert Limit.parse(plain_limit(text)) == limit


@pytest.mark.parametrize("text", ["parameters<=5ms", "flops<=5m", "valid_error<=5k", "x<=1k"])
def test_units_that_there_are_not(text: str) -> None:
    with pytest.raises(OptionError, match="has no unit"):
        plain_limit(text)


def test_every_cost_has_its_own_name() -> None:
    assert all(cost.objective.name == name for name, cost in COSTS.items())


@pytest.mark.parametrize("kind", ["can't allocate memory: 114 GB", "mat1 and mat2 differ"])
def test_a_network_larger_than_the_memory_is_said(
    task: TrainingTask, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def build(*arguments: object, **options: object) -> None:
        raise RuntimeError(kind)

    monkeypatch.setattr("ax_anasod.training.task.build_network", build)
    large = replace(task, network=replace(task.network, channels=100_000))
    expected = TrainingError if "memory" in kind else RuntimeError
    with pytest.raises(expected, match="channels = 100000 .* do not fit|differ"):
        large.build(large.example(), seed=0)
