import dataclasses

import pytest
import torch

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.exceptions import ExportError, OptionError, TrainingError, UnknownNameError
from ax_anasod.networks import Network, NetworkConfig, build_network
from ax_anasod.training import LatencyConfig, measure_latency

SIZE = (8, 8)
QUICK = LatencyConfig(seconds=0.1)


def network(cell: Cell | None = None, **changes: object) -> Network:
    cell = cell or cells.get("nas-bench-201")
    config = {"skeleton": "nas-bench-201", "channels": 4, "cells": 3, "in_channels": 1}
    codes = cell.from_strings(
        [
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
            "|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
        ]
    )
    return build_network(cell, codes, NetworkConfig.from_dict({**config, **changes}), seed=0)


def test_what_was_measured_is_recorded_with_what() -> None:
    latency = measure_latency(network(), SIZE, QUICK)
    assert 0 < latency.median < 1000
    assert latency.spread >= 0
    assert latency.repeats >= 1  # a machine with other work may stall for the whole time
    assert latency.versions == {"torch": torch.__version__.partition("+")[0]}
    assert latency.processor
    assert latency.to_dict()["config"] == QUICK.to_dict()
    assert LatencyConfig.from_dict(QUICK.to_dict()) == QUICK


def test_more_work_takes_longer() -> None:
    small = measure_latency(network(), SIZE, QUICK).median
    assert measure_latency(network(channels=64, cells=9), (32, 32), QUICK).median > 3 * small
    many = dataclasses.replace(QUICK, batch_size=256)
    assert measure_latency(network(), (32, 32), many).median > 3 * small


def test_neither_the_network_nor_torch_is_changed() -> None:
    trained, threads = network(auxiliary=True).train(), torch.get_num_threads()
    before = {name: weight.clone() for name, weight in trained.state_dict().items()}
    measure_latency(trained, SIZE, dataclasses.replace(QUICK, threads=2))
    assert trained.training
    assert trained.auxiliary is not None
    assert torch.get_num_threads() == threads
    assert all(torch.equal(before[name], w) for name, w in trained.state_dict().items())


def test_through_onnx_runtime() -> None:
    pytest.importorskip("onnxscript")
    latency = measure_latency(network(), SIZE, dataclasses.replace(QUICK, engine="onnx"))
    assert latency.median > 0
    assert set(latency.versions) == {"torch", "onnxruntime"}


@pytest.mark.slow
def test_compiled() -> None:
    latency = measure_latency(network(), SIZE, dataclasses.replace(QUICK, engine="compiled"))
    assert 0 < latency.median < 1000


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"engine": "tensorrt"}, UnknownNameError, "tensorrt.*eager"),
        ({"device": "tpu"}, UnknownNameError, "device 'tpu'"),
        ({"batch_size": 0}, OptionError, "batch_size must be at least 1, got 0"),
        ({"seconds": 0.0}, OptionError, "seconds must be at least 0.1"),
        ({"threads": 5000}, OptionError, "threads .* got 5000"),
    ],
)
def test_bad_settings_are_refused(options, error, message) -> None:
    with pytest.raises(error, match=message):
        LatencyConfig(**options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_a_device_that_is_not_there() -> None:
    with pytest.raises(TrainingError):
        measure_latency(network(), SIZE, dataclasses.replace(QUICK, device="cuda"))


def test_onnx_runtime_without_a_device() -> None:
    pytest.importorskip("onnxruntime")
    from ax_anasod.networks.export import runner

    with pytest.raises(ExportError, match="ONNX Runtime cannot compute on 'cuda'.*CPU"):
        runner(b"", "onnx", device="cuda")
