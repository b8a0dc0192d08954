import io
import json

import numpy as np
import pytest
import torch
from torch import nn

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.exceptions import ExportError, OptionError, RunError, UnknownNameError
from ax_anasod.networks import NetworkConfig, build_network
from ax_anasod.training import DataConfig, TrainedModel, load_data
from ax_anasod.training.exported import TOLERANCE


@pytest.fixture(scope="module")
def data():
    return load_data(DataConfig("digits", images=100))


def trained(data, cell: Cell, config: NetworkConfig, operations=None) -> TrainedModel:
    codes = cell.sample(1, np.random.default_rng(0))
    network = build_network(cell, codes, config, operations, seed=0)
    # Statistics of batch norms that are not those of a new network.
    images = data.train.pixels.float()
    with torch.no_grad():
        for _ in range(3):
            network.train()(images / 16)
    return TrainedModel.from_training(network, cell, codes, data, {})


@pytest.fixture(scope="module")
def model(data) -> TrainedModel:
    config = NetworkConfig(channels=4, cells=3, in_channels=1, auxiliary=True)
    return trained(data, cells.get("nasnet"), config)


def own_operation(data, operation: nn.Module) -> TrainedModel:
    cell = Cell("mine", operations=["a", "skip_connect"], num_blocks=2)
    config = NetworkConfig(channels=4, cells=3, in_channels=1)

    def factory(c_in: int, c_out: int, stride: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(c_in, c_out, 3, stride, 1), operation)

    codes = cell.from_strings(["a|a"])
    network = build_network(cell, codes, config, {"a": factory}, seed=0)
    return TrainedModel.from_training(network, cell, codes, data, {}, ("a",))


class Singular(nn.Module):
    def forward(self, x):
        return x * torch.linalg.svd(x)[1][..., None]


class Depends(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


def test_the_module_includes_the_preprocessing(model, data):
    module = model.module()
    assert isinstance(module, nn.Module)
    module.eval()
    with torch.no_grad():
        torch.testing.assert_close(module(data.valid.pixels), model.predict(data.valid.pixels))
    assert next(module.network.parameters()) is next(model.network.parameters())
    module.train()


def test_onnx_runtime_says_what_torch_says(model, data, tmp_path):
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    written = model.export(tmp_path / "model.onnx", data.valid.pixels)
    assert written.path.stat().st_size == written.bytes
    assert (written.format, written.opset, written.images) == ("onnx", 18, len(data.valid))
    assert written.difference <= TOLERANCE
    session = onnxruntime.InferenceSession(str(written.path))
    for number in (1, 3, len(data.valid)):
        images = data.valid.pixels[:number]
        (found,) = session.run(None, {"images": images.numpy()})
        np.testing.assert_allclose(found, model.predict(images).numpy(), atol=TOLERANCE)
    about = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(about["classes"])) == data.classes
    assert json.loads(about["image_size"]) == [8, 8]
    assert json.loads(about["architectures"]) == model.cell.to_strings(model.codes)


def test_torch_reads_pt2_without_this_package(model, data, tmp_path):
    path = tmp_path / "file"
    model.export(path, data.valid.pixels, file_format="pt2")
    extra = {"ax_anasod.json": ""}
    program = torch.export.load(io.BytesIO(path.read_bytes()), extra_files=extra)
    found = program.module()(data.valid.pixels[:5])
    torch.testing.assert_close(found, model.predict(data.valid.pixels[:5]))
    assert json.loads(extra["ax_anasod.json"])["dataset"] == "digits"
    assert not any("auxiliary" in name for name in program.state_dict)


def test_the_model_stays_as_it_is(model, data, tmp_path):
    before = model.predict(data.valid.pixels)
    model.network.train()
    model.export(tmp_path / "model.pt2", data.valid.pixels[:2])
    assert model.network.training
    assert model.network.auxiliary is not None
    assert torch.equal(model.predict(data.valid.pixels), before)


def test_images_of_another_size_are_resized_for_the_check(model, tmp_path):
    images = torch.randint(0, 256, (2, 1, 16, 16), dtype=torch.uint8)
    assert model.export(tmp_path / "model.pt2", images).images == 2


def test_an_operator_that_onnx_lacks(data, tmp_path):
    pytest.importorskip("onnxscript")
    model = own_operation(data, Singular())
    with pytest.raises(ExportError, match="no operator for 'aten._linalg_svd'") as caught:
        model.export(tmp_path / "model.onnx", data.valid.pixels)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
    model.export(tmp_path / "model.pt2", data.valid.pixels)


def test_what_torch_cannot_export(data, tmp_path):
    with pytest.raises(ExportError, match="torch cannot export") as caught:
        own_operation(data, Depends()).export(tmp_path / "model.pt2", data.valid.pixels)
    assert "\n" not in caught.value.message


def test_a_file_that_says_something_else_is_not_written(model, data, tmp_path, monkeypatch):
    from ax_anasod.training import exported

    wrong = (
        TrainedModel.from_training(
            build_network(model.cell, model.codes, model.network.config, seed=1),
            model.cell,
            model.codes,
            data,
            {},
        )
        .module()
        .eval()
    )
    monkeypatch.setattr(exported, "runner", lambda content, file_format: wrong)
    with pytest.raises(ExportError, match="other probabilities than torch"):
        model.export(tmp_path / "model.pt2", data.valid.pixels)
    assert not list(tmp_path.iterdir())


def test_bad_requests(model, data, tmp_path):
    pixels = data.valid.pixels
    with pytest.raises(UnknownNameError):
        model.export(tmp_path / "model.tflite", pixels)
    for images, words in (
        (pixels[:0], "checked on images, got none"),
        (pixels.float(), "uint8, from 0 to 255, got torch.float32"),
        (pixels.expand(-1, 3, -1, -1), r"b x 1 x h x w, got \(20, 3, 8, 8\)"),
    ):
        with pytest.raises(OptionError, match=words):
            model.export(tmp_path / "model.pt2", images)
    with pytest.raises(RunError):
        model.export(tmp_path / "missing" / "model.pt2", pixels)
