"""Images and sequences, each with what is theirs."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.exceptions import OptionError, TrainingError, UnknownNameError
from ax_anasod.metrics.known_quantities import known_cost
from ax_anasod.networks import NetworkConfig
from ax_anasod.networks.decoder_config import DecoderConfig
from ax_anasod.training import (
    DataConfig,
    Hardware,
    SequenceConfig,
    TrainingTask,
    load_data,
    protocol,
    sequence_protocol,
)
from ax_anasod.training.costs import measure_costs
from ax_anasod.training.searched import with_values

CELL = cells.get("hybrid-lm")


def task(**changes: object) -> TrainingTask:
    given = {"network": DecoderConfig(), "training": sequence_protocol("search"), **changes}
    return TrainingTask(CELL, SequenceConfig(), hardware=Hardware("cpu"), **given)  # type: ignore[arg-type]


def names(quantities: tuple[object, ...]) -> list[str]:
    return [quantity.name for quantity in quantities]  # type: ignore[attr-defined]


def test_the_loss_is_searched_unless_errors_are_asked_for() -> None:
    assert names(task().objectives) == ["loss"]
    assert names(task().reported) == ["recall_error", "facts_error", "parameters"]
    both = task(minimize=("facts_error", "cache_bytes", "recall_error"))
    assert names(both.objectives) == ["recall_error", "facts_error", "cache_bytes"]
    assert names(both.reported) == ["loss", "parameters"]
    assert names(task(minimize=("cache_bytes",)).objectives) == ["loss", "cache_bytes"]


def test_a_task_is_stored_and_known_again() -> None:
    one = task(minimize=("flops",))
    stored = json.loads(json.dumps(one.to_dict()))
    assert TrainingTask.from_dict(stored) == one
    fitted = one.fitted(load_data(one.data))
    assert fitted.network.vocabulary == 100
    assert fitted.digests() == one.digests()
    other = replace(one, data=replace(one.data, length=24))
    assert {n for n, d in other.digests().items() if d != one.digests()[n]} == {"data"}


def test_layers_are_repeats() -> None:
    deep = task(network=DecoderConfig(repeats=3))
    assert deep.draw(np.array([1, 2, 3]), np.random.default_rng(0)).shape == (3, 6)
    assert replace(deep, layers="repeated").example().shape == (1, 6)
    codes = deep.example()
    network = deep.build(codes, 0)
    assert len(network.operations) == 18
    assert with_values(deep, {"width": 64, "learning_rate": 0.01}).network.width == 64
    with pytest.raises(UnknownNameError):
        with_values(deep, {"channels": 8})


@pytest.mark.parametrize("repeats", [1, 2])
def test_known_costs_are_those_of_the_networks(repeats: int) -> None:
    one = task(network=DecoderConfig(repeats=repeats, vocabulary=18))
    codes = CELL.from_strings(["AAAAAA", "LLMAML", "MMMMMM"])
    for name in ("parameters", "flops", "cache_bytes"):
        known = known_cost(name, one)
        assert known is not None
        measured = [measure_costs(one, code[None], [name])[name] for code in codes]
        np.testing.assert_allclose(known.values(codes), measured)
    counted = sum(p.numel() for p in one.build(codes[1:2], 0).parameters())
    assert measure_costs(one, codes[1:2])["parameters"] == counted
    # 6 blocks: two attention keep keys and values of 48 tokens, 32 numbers of 4 bytes each.
    cache = measure_costs(one, CELL.from_strings(["AAMMMM"]), ["cache_bytes"])
    assert cache["cache_bytes"] == repeats * 2 * (2 * 48 * 32 * 4)


def test_costs_of_unknown_operations_are_not_known() -> None:
    cell = cells.Cell("mine", ["attention", "mine"], num_blocks=4)
    one = TrainingTask(
        cell, SequenceConfig(), DecoderConfig(), sequence_protocol("search"), Hardware("cpu")
    )
    assert known_cost("flops", one) is None
    with pytest.raises(OptionError, match="flops of operation 'mine' is not known"):
        measure_costs(one, cell.sample(1, np.random.default_rng(0)), ["flops"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": NetworkConfig()}, "'recall.facts' are sequences, but the networks are of a"),
        ({"training": protocol("evaluation")}, "mix is for images, and 'recall.facts' are seq"),
        ({"minimize": ("latency",)}, "latency is a cost of networks for images, not of those"),
        ({"minimize": ("loss", "loss")}, "minimize names 'loss' twice"),
    ],
)
def test_what_is_for_images_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        task(**changes)


def test_what_is_for_sequences_is_refused_of_images() -> None:
    given = {"training": protocol("search"), "hardware": Hardware("cpu")}
    with pytest.raises(OptionError, match="'digits' are images, but the networks are of a Decoder"):
        TrainingTask(CELL, DataConfig(), DecoderConfig(), **given)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="cache_bytes is a cost of networks for sequences"):
        TrainingTask(CELL, DataConfig(), NetworkConfig(), minimize=("cache_bytes",), **given)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError):
        TrainingTask(CELL, DataConfig(), NetworkConfig(), minimize=("loss",), **given)  # type: ignore[arg-type]


def test_weights_that_do_not_fit_the_memory_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise RuntimeError("[enforce fail] can't allocate memory")

    monkeypatch.setattr("ax_anasod.training.pairing.build_decoder", full)
    with pytest.raises(TrainingError, match="with width = 32 and repeats = 1 do not fit"):
        task().build(task().example(), 0)
