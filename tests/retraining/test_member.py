import dataclasses
import json
import os
import shutil

import numpy as np
import pytest
import torch

import ax_anasod
from ax_anasod.cells import Cell
from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.retraining import evaluate
from ax_anasod.retraining.member import CURVE, METRICS, MODEL, PREDICTIONS
from ax_anasod.training import Hardware, quality


@pytest.fixture(scope="module")
def trained(found, short, digits, tmp_path_factory):
    epochs = []
    folder = tmp_path_factory.mktemp("trained") / "evaluation"
    return evaluate(found, short, digits, folder, after_epoch=epochs.append), epochs


def test_the_figures_are_those_of_the_test_images(trained, digits):
    result, epochs = trained
    metrics = json.loads((result.folder / METRICS).read_text())
    assert metrics == json.loads(json.dumps(result.metrics))
    assert np.array_equal(result.labels, digits.valid.labels.numpy())
    figures = quality(result.probabilities, result.labels)
    assert metrics | figures == metrics
    assert metrics["test_error"] == pytest.approx(epochs[-1].valid_error)
    assert metrics["negative_log_likelihood"] == pytest.approx(epochs[-1].valid_loss, rel=1e-5)
    assert [epoch["epoch"] for epoch in metrics["curve"]] == [1, 2]
    assert (metrics["trial"], metrics["train_images"], metrics["test_images"]) == (1, 200, 359)


def test_the_figures_name_the_device_that_was_used(found, short, digits, tmp_path):
    hardware = dataclasses.replace(short.hardware, device="auto")
    training = short.training.with_options(epochs=1)
    task = dataclasses.replace(short, hardware=hardware, training=training)
    metrics = evaluate(found, task, digits, tmp_path).metrics
    if torch.cuda.is_available():
        assert metrics["hardware"]["device"] == "cuda:0"
        assert metrics["hardware"]["device_name"] == torch.cuda.get_device_name(0)
    else:
        assert metrics["hardware"]["device"] == "cpu"


def test_the_figures_say_what_was_left_out_and_what_guessing_would_give(
    found, short, digits, tmp_path
):
    reasons = ("hidden or helper files", "files that are no images", "hidden or helper files")
    data = dataclasses.replace(digits, left_out=("a", "b", "c"), left_out_reasons=reasons)
    task = dataclasses.replace(short, training=short.training.with_options(epochs=1))
    metrics = evaluate(found, task, data, tmp_path).metrics
    assert metrics["left_out"] == {"hidden or helper files": 2, "files that are no images": 1}
    most = np.bincount(digits.valid.labels.numpy()).max()
    assert metrics["chance_error"] == pytest.approx(100 * (1 - most / len(digits.valid)))


def test_the_model_says_what_was_measured(trained, digits, found):
    result, _ = trained
    model = ax_anasod.load_model(result.folder / MODEL)
    predicted = model.predict(digits.valid.pixels).numpy()
    assert predicted == pytest.approx(result.probabilities, abs=1e-5)
    assert np.array_equal(model.codes, found.codes)
    assert model.network.config.auxiliary
    assert model.metrics["test_error"] == result.metrics["test_error"]


def test_there_is_a_picture_and_no_checkpoint(trained):
    result, _ = trained
    assert (result.folder / CURVE).read_bytes().startswith(b"\x89PNG")
    assert not list(result.folder.glob("checkpoint*"))


def test_what_is_there_is_not_made_again(trained, found, short, digits):
    result, _ = trained
    epochs = []
    # Images and device may be elsewhere by now.
    moved = dataclasses.replace(
        short, hardware=dataclasses.replace(short.hardware, channels_last=False)
    )
    again = evaluate(found, moved, digits, result.folder, after_epoch=epochs.append)
    assert not epochs
    assert again.metrics == json.loads(json.dumps(result.metrics))
    assert np.array_equal(again.probabilities, result.probabilities)


def test_another_training_does_not_overwrite_it(trained, found, short, digits):
    result, _ = trained
    longer = dataclasses.replace(short, training=short.training.with_options(epochs=3))
    with pytest.raises(RunError, match="another training; what differs: epochs: . there, 3 asked"):
        evaluate(found, longer, digits, result.folder)
    with pytest.raises(
        RunError, match="what differs: member: 0 there, 1 asked for; seed: .*; arch"
    ):
        evaluate(found, short, digits, result.folder, member=1)


def test_a_training_that_was_stopped_goes_on_to_the_same_result(
    trained, found, short, digits, tmp_path
):
    class Killed(Exception):
        pass

    def kill(epoch):
        raise Killed

    with pytest.raises(Killed):
        evaluate(found, short, digits, tmp_path / "again", after_epoch=kill)
    assert not (tmp_path / "again" / METRICS).exists()
    epochs = []
    result = evaluate(found, short, digits, tmp_path / "again", after_epoch=epochs.append)
    assert [epoch.epoch for epoch in epochs] == [2]
    assert np.array_equal(result.probabilities, trained[0].probabilities)


class Killed(BaseException):
    """What no handler of errors catches, as no handler sees a kill."""


@pytest.mark.slow
def test_killed_at_any_write_it_goes_on_to_the_same_result(
    found, short, digits, tmp_path, monkeypatch
):
    few = digits.train.subset(torch.arange(16))
    data = dataclasses.replace(digits, train=few, valid=few)
    training = short.training.with_options(batch_size=16, epochs=1)
    task = dataclasses.replace(short, training=training, hardware=Hardware("cpu", threads=1))
    expected = evaluate(found, task, data, tmp_path / "whole")
    files = {file.name for file in (tmp_path / "whole").iterdir()}
    points, left = 0, iter(())

    def before(function):
        def call(*args, **kwargs):
            nonlocal points
            points += 1
            if next(left, 1) == 0:
                raise Killed
            return function(*args, **kwargs)

        return call

    for call in ("fsync", "replace", "unlink", "mkdir"):
        monkeypatch.setattr(os, call, before(getattr(os, call)))
    evaluate(found, task, data, tmp_path / "counted")
    # A checkpoint and four files, each synced and renamed, and what is made and deleted.
    assert points >= 13
    for point in range(points):
        folder = tmp_path / str(point)
        left = iter([*[1] * point, 0])
        with pytest.raises(Killed):
            evaluate(found, task, data, folder)
        left = iter(())
        result = evaluate(found, task, data, folder)
        assert np.array_equal(result.probabilities, expected.probabilities)
        assert {file.name for file in folder.iterdir()} == files
        # Once more, it is only read.
        assert evaluate(found, task, data, folder).metrics == result.metrics


@pytest.mark.parametrize("name", [MODEL, PREDICTIONS])
def test_a_folder_that_lost_a_file_is_refused(trained, found, short, digits, tmp_path, name):
    folder = shutil.copytree(trained[0].folder, tmp_path / "copy")
    (folder / name).unlink()
    with pytest.raises(RunError, match=rf"lacks {name} .delete .*metrics.json to train again"):
        evaluate(found, short, digits, folder)


@pytest.mark.parametrize("content", [{}, {"probabilities": 1, "labels": 2}])
def test_foreign_predictions_are_refused(trained, found, short, digits, tmp_path, content):
    folder = shutil.copytree(trained[0].folder, tmp_path / "copy")
    torch.save(content, folder / PREDICTIONS)
    with pytest.raises(RunError, match="does not hold the predictions of a network"):
        evaluate(found, short, digits, folder)


def test_a_second_process_does_not_train_beside_the_first(found, short, digits, tmp_path):
    refusals = []

    def try_too(epoch):
        with pytest.raises(RunError, match=r"another process is training in .*again") as refused:
            evaluate(found, short, digits, tmp_path / "again")
        refusals.append(refused.value)

    evaluate(found, short, digits, tmp_path / "again", after_epoch=try_too)
    assert len(refusals) == 2
    assert not list(tmp_path.glob("again/*.lock"))


def test_a_folder_that_cannot_be_made_is_named(found, short, digits, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError):
        evaluate(found, short, digits, tmp_path / "file" / "evaluation")


def test_each_layer_is_a_cell_drawn_from_p(promising, short, digits, tmp_path):
    sampled = dataclasses.replace(promising, layers="sampled")
    quick = dataclasses.replace(short, training=short.training.with_options(epochs=1))
    result = evaluate(sampled, quick, digits, tmp_path / "sampled")
    model = ax_anasod.load_model(result.folder / MODEL)
    assert np.array_equal(model.codes, sampled.draw(3))
    assert len(np.unique(model.codes, axis=0)) > 1
    metrics = json.loads((result.folder / METRICS).read_text())
    assert metrics["layers"] == "sampled"
    with pytest.raises(RunError):
        evaluate(promising, quick, digits, tmp_path / "sampled")


def test_the_folder_of_a_search_is_no_place_for_a_network(found, short, digits, run, one_shot):
    for folder in (run, one_shot):
        before = sorted(folder.iterdir())
        with pytest.raises(RunError):
            evaluate(found, short, digits, folder)
        assert sorted(folder.iterdir()) == before


def test_a_model_with_operations_of_the_users_own(found, short, digits, tmp_path, monkeypatch):
    (tmp_path / "my_operations.py").write_text(
        "from torch import nn\n"
        "OWN = {'conv': lambda c_in, c_out, stride: nn.Conv2d(c_in, c_out, 3, stride, 1)}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    cell = Cell("mine", ["conv", "skip_connect"], num_blocks=2)
    own = dataclasses.replace(
        found,
        task=dataclasses.replace(found.task, cell=cell),
        counts=np.array([1, 1]),
        codes=np.array([[0, 1]]),
    )
    task = dataclasses.replace(
        short,
        cell=cell,
        operations="my_operations:OWN",
        training=short.training.with_options(epochs=1),
    )
    result = evaluate(own, task, digits, tmp_path / "own")
    from my_operations import OWN

    model = ax_anasod.load_model(result.folder / MODEL, OWN)
    assert model.own_operations == ("conv",)
    predicted = model.predict(digits.valid.pixels).numpy()
    assert predicted == pytest.approx(result.probabilities, abs=1e-5)
    with pytest.raises(OptionError):
        ax_anasod.load_model(result.folder / MODEL)
