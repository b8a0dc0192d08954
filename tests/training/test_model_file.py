import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.networks import NetworkConfig, build_network
from ax_anasod.training import DataConfig, load_data
from ax_anasod.training.model_file import TrainedModel, load_model, save_model


def conv(c_in: int, c_out: int, stride: int) -> nn.Module:
    return nn.Conv2d(c_in, c_out, 3, stride, padding=1)


@pytest.fixture(scope="module")
def data():
    return load_data(DataConfig("digits", images=100))


@pytest.fixture(scope="module")
def model(data) -> TrainedModel:
    cell = cells.get("nasnet")
    codes = cell.sample(3, np.random.default_rng(0))
    config = NetworkConfig(channels=4, cells=3, in_channels=1, auxiliary=True)
    network = build_network(cell, codes, config, seed=0)
    metrics = {"accuracy": 87.5, "epochs": [{"epoch": 1, "valid_error": 12.5}]}
    return TrainedModel.from_training(network, cell, codes, data, metrics)


@pytest.fixture
def path(model, tmp_path):
    save_model(tmp_path / "model.pt", model)
    return tmp_path / "model.pt"


def test_everything_comes_back(model, data, path):
    loaded = load_model(path)
    for field in dataclasses.fields(TrainedModel):
        if field.name not in ("network", "codes"):
            assert getattr(loaded, field.name) == getattr(model, field.name)
    assert np.array_equal(loaded.codes, model.codes)
    assert loaded.network.config == model.network.config
    assert not loaded.network.training
    assert torch.equal(loaded.predict(data.valid.pixels), model.predict(data.valid.pixels))


def test_it_is_read_without_executing_anything(path):
    assert isinstance(torch.load(path, weights_only=True), dict)


def test_predictions_are_those_of_normalised_images(model, data):
    mean, std = data.statistics()
    images = (data.valid.pixels / 255 - mean[:, None, None]) / std[:, None, None]
    probabilities = model.predict(data.valid.pixels)
    with torch.no_grad():
        expected = torch.softmax(model.network.eval()(images), dim=1)
    model.network.train()
    torch.testing.assert_close(probabilities, expected)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(len(images)))


@pytest.mark.parametrize("size", [(8, 8), (16, 16), (5, 11)])
def test_images_of_another_size_are_resized_as_for_training(model, size):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (3, *size), dtype=np.uint8)
    small = [Image.fromarray(i).resize((8, 8), Image.Resampling.LANCZOS) for i in images]
    expected = model.predict(torch.from_numpy(np.stack([np.asarray(i) for i in small]))[:, None])
    assert torch.equal(model.predict(torch.from_numpy(images)[:, None]), expected)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(2, 1, 8, 8), "a torch.Tensor of type uint8, .*, got torch.float32"),
        (np.zeros((2, 1, 8, 8), dtype=np.uint8), "a torch.Tensor of type uint8, .* got a ndarray"),
        (torch.zeros(2, 1, 0, 8, dtype=torch.uint8), r"b x 1 x h x w, got \(2, 1, 0, 8\)"),
        (torch.zeros(2, 3, 8, 8, dtype=torch.uint8), r"b x 1 x h x w, got \(2, 3, 8, 8\)"),
        (torch.zeros(1, 8, 8, dtype=torch.uint8), r"b x 1 x h x w, got \(1, 8, 8\)"),
    ],
)
def test_other_images_are_refused(model, images, message):
    with pytest.raises(OptionError, match=message):
        model.predict(images)


class TestOwnOperations:
    @pytest.fixture
    def own(self, data, tmp_path):
        cell = Cell("mine", ["conv", "skip_connect"], num_blocks=2)
        config = NetworkConfig(channels=4, cells=3, in_channels=1)
        codes = np.array([[0, 1]])
        network = build_network(cell, codes, config, {"conv": conv}, seed=0)
        model = TrainedModel.from_training(network, cell, codes, data, {}, ("conv",))
        save_model(tmp_path / "own.pt", model)
        return model, tmp_path / "own.pt"

    def test_they_are_given_again(self, own, data):
        model, path = own
        loaded = load_model(path, {"conv": conv})
        assert torch.equal(loaded.predict(data.valid.pixels), model.predict(data.valid.pixels))

    def test_without_them_it_is_refused(self, own):
        with pytest.raises(OptionError, match=r"own operations \['conv'\].*operations="):
            load_model(own[1])

    def test_other_ones_are_refused(self, own):
        other = {"conv": lambda c_in, c_out, stride: nn.Conv2d(c_in, c_out, 1, stride)}
        with pytest.raises(RunError, match="not those of its architecture.*trained with"):
            load_model(own[1], other)


class TestWrongFiles:
    def changed(self, path, **changes):
        content = torch.load(path, weights_only=True)
        torch.save({key: v for key, v in {**content, **changes}.items() if v is not None}, path)
        return path

    def test_none(self, tmp_path):
        with pytest.raises(RunError):
            load_model(tmp_path / "none.pt")

    def test_a_truncated_one(self, path):
        path.write_bytes(path.read_bytes()[:-500])
        with pytest.raises(RunError):
            load_model(path)

    @pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04"])
    def test_a_foreign_one(self, tmp_path, content):
        (tmp_path / "foreign.pt").write_bytes(content)
        with pytest.raises(RunError):
            load_model(tmp_path / "foreign.pt")

    def test_one_that_would_execute_something(self, tmp_path):
        torch.save(Cell("mine", ["a", "b"], num_blocks=2), tmp_path / "pickled.pt")
        with pytest.raises(RunError):
            load_model(tmp_path / "pickled.pt")

    def test_weights_alone(self, tmp_path, model):
        torch.save(model.network.state_dict(), tmp_path / "weights.pt")
        with pytest.raises(RunError, match="is no model of this package"):
            load_model(tmp_path / "weights.pt")

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"version": 2}, "has the version 2 of the format, not 1.*update ax_anasod"),
            ({"classes": None}, "is damaged: it lacks classes"),
            ({"config": {"cells": 3}}, "are not those of its architecture"),
            ({"config": {"layers": 3}}, "describes no network: unknown option"),
            ({"codes": [[0]]}, "describes no network: codes of cell"),
            ({"cell": {"type": "Other"}}, "describes no network: unknown cell class 'Other'"),
            ({"cell": "nasnet"}, "is damaged: it has cell = 'nasnet', not an object"),
            ({"cell": {"type": "NASNetCell", "num_nodes": 10**9}}, "num_nodes .* at most 100"),
            ({"cell": {"type": "NASNetCell", 3: 4}}, "damaged: it has cell = .*, not an object"),
            ({"codes": [[0, "a"]]}, r"it has codes\[0\]\[1\] = 'a', not a whole number"),
            ({"codes": [[0], [0, 1]]}, "describes no network: "),
            ({"codes": [[2**63]]}, "describes no network: "),
            ({"config": {"cells": 10**9}}, "cells must be at least 3 and at most 1,000"),
            ({"config": {"channels": 10**5, "cells": 3}}, "are not those of its architecture"),
            ({"config": {"drop_path": "a"}}, "describes no network: drop_path must be"),
            ({"weights": [1]}, "is damaged: it has no weights"),
            ({"weights": {"a": 1}}, "is damaged: it has no weights"),
            ({"weights": {}}, "are not those of its architecture"),
            ({"version": torch.ones(2)}, "has the version tensor"),
            ({"own_operations": "conv"}, "own_operations = 'conv', not a list"),
            ({"dataset": 3}, "dataset = 3, not a text"),
            ({"classes": [1, 2]}, r"classes\[0\] = 1, not a text"),
            ({"classes": ["a"]}, "describes images that do not fit its network"),
            ({"mean": [float("inf")]}, r"mean\[0\] = inf, not a finite number"),
            ({"mean": [0.5, 0.5]}, "describes images that do not fit"),
            ({"std": [0.0]}, "describes images that do not fit"),
            ({"image_size": [8]}, "describes images that do not fit"),
            ({"image_size": 8}, "image_size = 8, not a list"),
            ({"image_size": torch.ones(2)}, "image_size = tensor.*, not a list"),
            ({"metrics": 3}, "metrics = 3, not an object"),
        ],
        ids=str,
    )
    def test_one_with_other_content(self, path, changes, message):
        with pytest.raises(RunError, match=message) as error:
            load_model(self.changed(path, **changes))
        assert "\n" not in str(error.value)

    @settings(max_examples=60)
    @given(data=st.data())
    def test_any_damage_is_refused_or_changes_nothing(self, model, tmp_path_factory, data):
        path = tmp_path_factory.getbasetemp() / "damaged.pt"
        save_model(path, model)
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            place = data.draw(st.integers(0, len(content)))
            end = place + data.draw(st.sampled_from([0, 1, 4, 500]))
            content[place:end] = data.draw(st.binary(max_size=6))
        path.write_bytes(content)
        try:
            loaded = load_model(path)
        except RunError:
            return
        for name, weights in model.network.state_dict().items():
            assert torch.equal(loaded.network.state_dict()[name], weights)


def test_a_folder_that_cannot_be_is_named(model, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError):
        save_model(tmp_path / "file" / "model.pt", model)
