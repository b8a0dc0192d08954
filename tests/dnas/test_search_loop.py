"""The loop of a differentiable search."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ax_anasod import cells
from ax_anasod.dnas import METHODS, DistributionSearch, SearchEpoch, method
from ax_anasod.exceptions import CellError, OptionError, RunError, TrainingError
from ax_anasod.training import Hardware, ImageData
from tests.dnas.conftest import ROW, WIRED, Search

TIMES = {"weights_seconds", "distribution_seconds", "data_seconds", "memory"}


def timeless(history: list[SearchEpoch]) -> list[dict[str, Any]]:
    """Everything but how long it took."""
    return [{k: v for k, v in asdict(e).items() if k not in TIMES} for e in history]


def weights(search: DistributionSearch) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in search.supernet.state_dict().items()}


@pytest.mark.parametrize("name", METHODS)
def test_p_stays_a_distribution_and_weights_learn(search: Search, name: str) -> None:
    one = search(name)
    before = weights(one)
    history = one.run()
    assert [epoch.epoch for epoch in history] == [1, 2]
    assert one.finished
    rows = 1 if METHODS[name].shared else 6
    for epoch in history:
        p = np.array(epoch.probabilities)
        assert p.shape == (rows, 5)
        assert (p >= 0).all()
        assert p.sum(axis=1) == pytest.approx(np.ones(rows))
        if METHODS[name].without_zero:
            assert (p[:, 0] == 0).all()
        assert math.isfinite(epoch.mixture_loss)
        assert 0 <= epoch.draw_error <= 100
        drawn = one.task.cell.from_strings([epoch.drawn])
        assert one.supernet.edges.passes(drawn).all()
        assert epoch.steps == (6 if METHODS[name].single_level else 3)
        assert epoch.memory > 0
        assert epoch.weights_seconds > 0
    # The controller's own steps move it less than what its draws show.
    still = METHODS[name].update in ("none", "controller")
    assert still or history[0].probabilities != history[1].probabilities
    changed = [not torch.equal(value, before[key]) for key, value in weights(one).items()]
    assert sum(changed) > len(changed) / 2


@pytest.mark.parametrize("cell", [ROW, WIRED, cells.get("darts")], ids=lambda cell: cell.name)
def test_any_cell_of_images_is_searched(search: Search, cell: Any) -> None:
    for name in ("anasod-dnas", "gdas"):
        one = search(name, cell=cell, training={"epochs": 1})
        (epoch,) = one.run()
        assert np.sum(epoch.probabilities, axis=1) == pytest.approx(
            np.ones(len(epoch.probabilities))
        )
        assert cell.from_strings([epoch.drawn, epoch.likeliest]).shape == (2, len(cell.code_sizes))
        assert one.probabilities.shape == (one.supernet.edges.num_edges, cell.num_operations)


def test_the_same_seed_gives_the_same_bits_and_another_one_others(
    search: Search, disturb: Callable[[int], None]
) -> None:
    disturb(1)
    before = torch.get_rng_state()
    first = search("drnas")
    first.run()
    assert torch.equal(torch.get_rng_state(), before)
    disturb(2)
    again, other = search("drnas"), search("drnas", seed=1)
    assert timeless(again.run()) == timeless(first.history)
    assert all(torch.equal(value, weights(first)[name]) for name, value in weights(again).items())
    assert timeless(other.run()) != timeless(first.history)


@pytest.mark.parametrize(
    ("name", "hardware"),
    [
        *((name, Hardware("cpu")) for name in ("anasod-dnas", "darts-2", "drnas", "gdas", "enas")),
        ("gaea", Hardware("cpu", "bf16-mixed")),
    ],
)
def test_a_search_goes_on_bit_for_bit(
    search: Search,
    disturb: Callable[[int], None],
    tmp_path: Path,
    name: str,
    hardware: Hardware,
) -> None:
    whole = search(name, training={"epochs": 3}, hardware=hardware)
    whole.run()
    path = tmp_path / "checkpoint.pt"
    for number in range(3):
        disturb(number)
        part = search(name, training={"epochs": 3}, hardware=hardware, checkpoint=path)
        assert len(part.history) == number
        part.search_epoch()
    assert part.finished
    assert timeless(part.history) == timeless(whole.history)
    assert all(torch.equal(value, weights(whole)[key]) for key, value in weights(part).items())
    end = search(name, training={"epochs": 3}, hardware=hardware, checkpoint=path)
    assert end.run() == part.history
    codes = end.task.cell.sample(2, np.random.default_rng(0))
    assert np.array_equal(end.judge(codes), whole.judge(codes))


def test_it_stops_where_it_is_told_to(search: Search) -> None:
    seen: list[int] = []
    one = search(training={"epochs": 5})
    one.run(lambda epoch: seen.append(epoch.epoch), lambda: len(seen) == 2)
    assert seen == [1, 2]
    assert not one.finished


def test_p_of_the_best_epoch_is_the_result_where_the_method_says_so(search: Search) -> None:
    for best in (False, True):
        one = search(options={"best_epoch": best})
        one.run()
        one.history[0] = replace(one.history[0], draw_loss=0.1)
        one.history[1] = replace(one.history[1], draw_loss=0.2)
        assert one.best.epoch == (1 if best else 2)
        assert one.probabilities[0].tolist() == one.best.probabilities[0]


def test_weights_and_distribution_learn_from_images_of_their_own(
    search: Search, digits: ImageData
) -> None:
    two, one = search("gaea"), search("gaea-erm")
    assert torch.equal(two._learned.pixels, digits.train.pixels)
    assert torch.equal(two._taught.pixels, digits.valid.pixels)
    assert len(one._learned) == len(one._taught) == 60
    # Every image once an epoch, in batches of both.
    for images, purpose in ((two._learned, "data"), (two._taught, "taught")):
        labels = torch.cat([labels for _, labels in two._batches(images, 1, purpose)])
        assert torch.equal(labels.sort().values, images.labels.sort().values)
    first, second = (
        torch.cat([labels for _, labels in two._batches(two._learned, epoch, "data")])
        for epoch in (1, 2)
    )
    assert not torch.equal(first, second)


def test_the_rate_of_the_weights_falls_along_the_schedule_of_the_method(search: Search) -> None:
    for name, last in (("anasod-dnas", 0.005), ("gaea", 0.015)):
        one = search(name, training={"learning_rate": 0.025, "final_learning_rate": 0.005})
        one._set_rate(0.0)
        assert one._optimizer.param_groups[0]["lr"] == pytest.approx(0.025)
        one._set_rate(1.0)
        assert one._optimizer.param_groups[0]["lr"] == pytest.approx(last)


def test_normalised_steps_travel_as_far_whatever_the_number_of_steps(search: Search) -> None:
    rates = {
        size: search(training={"batch_size": size, "epochs": 1000}).distribution._rate  # type: ignore[attr-defined]
        for size in (10, 15, 30)
    }
    assert rates[10] * 3 == pytest.approx(rates[15] * 2) == pytest.approx(rates[30])
    few = search(training={"epochs": 1}).distribution._rate  # type: ignore[attr-defined]
    assert few == 0.2  # no farther at once


def test_a_search_that_diverges_says_so(search: Search, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    one = search(checkpoint=path)
    one.search_epoch()
    kept = path.read_bytes()
    with torch.no_grad():
        one.supernet.network.classifier.weight.fill_(math.nan)  # type: ignore[union-attr,operator]
    with pytest.raises(TrainingError):
        one.search_epoch()
    assert path.read_bytes() == kept
    assert len(one.history) == 1
    hot = search(training={"learning_rate": 1e30, "gradient_clip": None})
    with pytest.raises(TrainingError):
        hot.run()


@pytest.mark.parametrize("name", ["anasod-dnas", "darts-2", "gdas", "enas"])
def test_a_batch_that_is_too_large_is_parted_once(search: Search, name: str) -> None:
    sizes: list[int] = []

    def limited(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if len(inputs[0]) < 30:  # of which there are 30 to judge by
            sizes.append(len(inputs[0]))
            if len(inputs[0]) > 3:
                raise torch.OutOfMemoryError("tried to allocate 1 TiB")

    for retry in (False, True):
        one = search(name, training={"epochs": 1, "retry_out_of_memory": retry})
        one.supernet.network.stem.register_forward_pre_hook(limited)  # type: ignore[union-attr,operator]
        sizes.clear()
        if retry:
            (epoch,) = one.run()
            assert math.isfinite(epoch.weights_loss)
            assert sizes[0] == 10
            assert max(sizes[1:]) == 3
        else:
            with pytest.raises(TrainingError):
                one.run()


def test_smaller_parts_are_remembered(search: Search, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    one = search(checkpoint=path, training={"retry_out_of_memory": True})
    one._step.parts = 4
    one.search_epoch()
    again = search(checkpoint=path, training={"retry_out_of_memory": True})
    assert again._step.parts == 4


def test_a_checkpoint_of_another_search_is_refused(search: Search, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    search(checkpoint=path).search_epoch()
    for arguments, different in (
        ({"seed": 1}, "seed"),
        ({"given": "gaea"}, "method"),
        ({"training": {"batch_size": 15}}, "training"),
        ({"start": np.full((1, 5), 0.2)}, "start"),
    ):
        with pytest.raises(RunError, match=f"of another search; what differs: {different} "):
            search(checkpoint=path, **arguments)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(RunError):
        search(checkpoint=path)


def test_a_full_disk_leaves_the_last_checkpoint(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.pt"
    one = search(checkpoint=path)
    one.search_epoch()
    kept = path.read_bytes()

    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(RunError):
            one.search_epoch()
    assert path.read_bytes() == kept


def test_what_does_not_fit_is_refused(search: Search) -> None:
    for settings, words in (
        ({"training": {"batch_size": 31}}, "batch_size 31 is more than the 30 images that the w"),
        ({"hardware": Hardware("cpu", devices=2)}, "works on one device"),
        ({"training": {"auxiliary_weight": 0.4}}, "search has no auxiliary_weight"),
        ({"training": {"drop_path": 0.2}}, "search has no drop_path"),
        ({"training": {"ema_decay": 0.9}}, "search has no ema_decay"),
        ({"hardware": Hardware("cpu", compile=True)}, "search has no compile"),
    ):
        with pytest.raises(OptionError, match=words):
            search(**settings)
    with pytest.raises(CellError):
        search(cell=cells.get("nas-bench-graph"))
    with pytest.raises(OptionError, match="a controller needs images of one class, not mix 'cut"):
        search("enas", training={"mix": "cutmix"})


def test_settings_of_the_method_are_used(search: Search) -> None:
    one = search(method("anasod-dnas", shortcut=0.25))
    assert one.supernet.choice.shortcut == 0.25
    assert search("gaea").supernet.choice.shortcut == 0.0
    open_, closed = search("darts"), search("darts", options={"without_zero": True})
    assert open_.distribution.allowed.all()
    assert closed.distribution.allowed.tolist() == [False, True, True, True, True]


def test_what_tensorboard_shows(search: Search) -> None:
    one = search("gaea", training={"epochs": 1})
    (epoch,) = one.run()
    scalars = epoch.scalars()
    assert scalars["loss/mixture"] == epoch.mixture_loss
    assert scalars["p/3"] == pytest.approx(np.mean(epoch.probabilities, axis=0)[3])
    assert sum(v for name, v in scalars.items() if name.startswith("p/")) == pytest.approx(1.0)
