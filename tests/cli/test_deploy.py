"""``ax-anasod latency`` and ``export``, and a search under a limit on the device."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ax_anasod import cells, load_model
from ax_anasod.journal import Completed, Started
from ax_anasod.networks import NetworkConfig, build_network
from ax_anasod.runs import RunFolder, plan_run
from ax_anasod.training import (
    DataConfig,
    Hardware,
    TrainedModel,
    TrainingTask,
    load_data,
    protocol,
    save_model,
)
from tests.cli.conftest import Command

SKIPS = "|skip~0|+|skip~0|skip~1|+|skip~0|skip~1|skip~2|".replace("skip", "skip_connect")
CONVOLUTIONS = SKIPS.replace("skip_connect", "nor_conv_3x3")
SMALL = ["--cell", "nas-bench-201", "--channels", "4", "--cells", "3", "--image-size", "8"]


@pytest.fixture
def trained(tmp_path: Path) -> Callable[..., Path]:
    """Makes the folder of a network that was trained on the digits."""

    def make(name: str = "evaluation", **metrics: object) -> Path:
        cell, data = cells.get("nas-bench-201"), load_data(DataConfig("digits", images=40))
        config = NetworkConfig(skeleton="nas-bench-201", channels=4, cells=3, in_channels=1)
        codes = cell.sample(1, np.random.default_rng(0))
        network = build_network(cell, codes, config, seed=0)
        about = {"data": DataConfig("digits").to_dict(), "run": str(tmp_path)}
        model = TrainedModel.from_training(network, cell, codes, data, {**about, **metrics})
        save_model(tmp_path / name / "model.pt", model)
        return tmp_path

    return make


def test_latencies_of_architectures(command: Command) -> None:
    outcome = command("latency", CONVOLUTIONS, SKIPS, *SMALL, "--seconds", "0.1", "--json")
    slow, fast = outcome.json["networks"]
    assert (slow["architecture"], fast["architecture"]) == (CONVOLUTIONS, SKIPS)
    assert slow["median"] > fast["median"] > 0
    assert slow["parameters"] > fast["parameters"]
    assert slow["flops"] > fast["flops"]
    assert slow["image_size"] == [8, 8]
    assert slow["config"]["seconds"] == 0.1
    assert "eager on" in outcome.err
    assert "1 thread, 1 image at a time" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["conv|pool", *SMALL], "conv|pool"),
        ([SKIPS, *SMALL, "--engine", "tflite"], "tflite"),
        ([SKIPS, *SMALL, "--batch-size", "0"], "--batch-size must be at least 1, got 0"),
        ([SKIPS, "--cell", "nas-bench-201", "--cells", "4"], "multiple of 3"),
    ],
)
def test_what_cannot_be_measured(
    refused: Callable[..., str], arguments: list[str], message: str
) -> None:
    assert message in refused("latency", *arguments)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_a_device_that_is_not_there(refused: Callable[..., str]) -> None:
    assert "the device 'cuda' is not there" in refused("latency", SKIPS, "--device", "cuda")


def test_predictions_are_those_of_the_network(
    command: Command, trained: Callable[..., Path], tmp_path: Path
) -> None:
    run = trained()
    images = load_data(DataConfig("digits", images=40)).valid.pixels[:3]
    folder = tmp_path / "new" / "inside"
    folder.mkdir(parents=True)
    for number, image in enumerate(images.numpy()):
        Image.fromarray(image[0]).save(folder / f"{number}.png")
    (folder / "notes.txt").write_text("no image")
    # Colour becomes grey.
    Image.fromarray(images[0, 0].numpy()).convert("RGB").save(tmp_path / "colour.PNG")
    outcome = command("predict", run, tmp_path / "new", tmp_path / "colour.PNG", "--json")
    assert outcome.code == 0, outcome.err
    content = outcome.json
    assert [Path(each["image"]).name for each in content["predictions"]] == [
        *("0.png", "1.png", "2.png"),
        "colour.PNG",
    ]
    model = load_model(run / "evaluation" / "model.pt")
    expected = model.predict(images).tolist()
    for each, row in zip(content["predictions"], [*expected, expected[0]], strict=True):
        assert [*each["probabilities"]] == list(model.classes)
        np.testing.assert_allclose([*each["probabilities"].values()], row, atol=1e-6)
        assert each["probability"] == max(each["probabilities"].values())
        assert each["probabilities"][each["class"]] == each["probability"]
    assert content["left_out"] == {}
    assert "inside/1.png" in outcome.err


def test_files_that_are_no_images_are_named_and_the_others_seen(
    command: Command, trained: Callable[..., Path], tmp_path: Path
) -> None:
    run = trained()
    Image.new("L", (20, 30), 200).save(tmp_path / "fine.png")
    (tmp_path / "bad.png").write_bytes(b"not an image")
    Image.new("I;16", (8, 8)).save(tmp_path / "deep.png")
    names = [tmp_path / name for name in ("bad.png", "deep.png", "missing.png", "fine.png")]
    outcome = command("predict", run, *names, "--json")
    assert outcome.code == 1
    notes = [line for line in outcome.err.splitlines() if line.startswith("note: left out: ")]
    assert ["bad" in notes[0], "deep" in notes[1], "missing" in notes[2]] == [True] * 3
    assert len(notes) == 3
    (seen,) = outcome.json["predictions"]
    assert seen["image"] == str(names[-1])
    assert [*outcome.json["left_out"]] == [str(name) for name in names[:-1]]


def test_what_cannot_be_predicted(
    refused: Callable[..., str], trained: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no trained network" in refused("predict", tmp_path / "empty", "a.png")
    run = trained()
    assert "empty holds no images" in refused("predict", run, tmp_path / "empty")


def test_export_to_onnx(command: Command, trained: Callable[..., Path]) -> None:
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    run = trained()
    outcome = command("export", run, "--images", 30, "--json")
    file = run / "evaluation" / "model.onnx"
    assert outcome.json["file"] == str(file)
    assert outcome.json["bytes"] == file.stat().st_size
    assert (outcome.json["images"], outcome.json["opset"]) == (30, 18)
    assert outcome.json["difference"] <= outcome.json["tolerance"] == 1e-4
    assert "images b x 1 x 8 x 8, uint8 from 0 to 255" in outcome.err
    pixels = load_data(DataConfig("digits", images=40), "evaluation").valid.pixels
    (found,) = onnxruntime.InferenceSession(str(file)).run(None, {"images": pixels.numpy()})
    expected = load_model(run / "evaluation" / "model.pt").predict(pixels)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)


def test_export_to_pt2_elsewhere(command: Command, trained: Callable[..., Path]) -> None:
    folder = trained() / "evaluation"
    outcome = command("export", folder, "--format", "pt2", "--out", folder.parent / "mine")
    assert outcome.code == 0
    assert "format       pt2" in outcome.out
    assert (folder.parent / "mine").exists()


def test_images_that_the_model_does_not_name(
    command: Command, refused: Callable[..., str], trained: Callable[..., Path]
) -> None:
    folder = trained(data=None)
    assert "does not say where its images are" in refused("export", folder, "--format", "pt2")
    named = command("export", folder, "--format", "pt2", "--dataset", "digits")
    assert named.code == 0


def test_what_cannot_be_exported(
    refused: Callable[..., str], trained: Callable[..., Path], tmp_path: Path
) -> None:
    assert "holds no trained network" in refused("export", tmp_path)
    assert "unknown export format 'tflite'" in refused("export", trained(), "--format", "tflite")
    several = refused("export", trained("member-1"), "--format", "pt2")
    assert "holds 2 trained networks" in several
    assert "member-1" in several


def test_of_several_networks_the_one_of_the_picked_trial_is_exported(
    command: Command, refused: Callable[..., str], trained: Callable[..., Path], tmp_path: Path
) -> None:
    task = TrainingTask(
        cells.get("nas-bench-201"),
        DataConfig("digits"),
        NetworkConfig(skeleton="nas-bench-201", channels=4, cells=3, in_channels=1),
        protocol("search", epochs=1),
        Hardware("cpu"),
        layers="repeated",
        minimize=("parameters",),
    )
    run = tmp_path / "run"
    with RunFolder.create(run, plan_run(task, "random", trials=3)) as folder:
        for trial, (error, parameters) in enumerate([(8.0, 3e4), (9.0, 1e4), (9.5, 5e3)]):
            end = Completed(
                trial=trial,
                values={"valid_error": error, "valid_loss": 1.0, "parameters": parameters},
                architecture=SKIPS,
                encoding=dict.fromkeys(task.cell.operations, 0) | {"skip_connect": 6},
                cost_seconds=None,
                seconds=1.0,
            )
            folder.journal.append(Started(trial, trial, {}, "random", "generator"), end)
    for place, trial, member in (("top/top-0", 0, 0), ("top/top-1", 1, 0), ("ensemble/m", 1, 1)):
        trained(f"run/{place}")
        metrics = json.dumps({"trial": trial, "member": member})
        (run / place / "metrics.json").write_text(metrics)
    export = ["export", run, "--format", "pt2", "--images", 10]
    assert command(*export, "--pick", "parameters<=2e4").code == 0
    assert (run / "top" / "top-1" / "model.pt2").is_file()
    assert not (run / "top" / "top-0" / "model.pt2").exists()
    lacking = refused(*export, "--pick", "parameters=1")
    assert "no trained network of trial 2, which is the smallest 1 parameters" in lacking
    assert "--pick parameters=1" in lacking
    trained("run/evaluation")
    (run / "evaluation" / "metrics.json").write_text(json.dumps({"trial": 0, "member": 0}))
    assert "2 trained networks of trial 0" in refused(*export, "--pick", "parameters<=1e5")
    assert "holds no run" in refused("export", run / "top", "--pick", "knee")


def test_latencies_have_units(refused: Callable[..., str]) -> None:
    search = ["train", "--layers", "repeated", "--strategy", "two-level-bo"]
    assert "'latency' has no unit 'h'" in refused(*search, "--limit", "latency<=1h")
    assert "unknown latency engine" in refused(*search, "--latency-engine", "tflite")


@pytest.mark.slow
def test_from_images_to_a_file_under_limits(command: Command, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    run = tmp_path / "run"
    search = command(
        *("train", "--cell", "nas-bench-201", "--layers", "repeated"),
        *("--strategy", "two-level-bo", "--option", "num_initial=4"),
        *("--minimize", "latency", "--limit", "parameters<=45k", "--limit", "latency<=1s"),
        *("--trials", 7, "--epochs", 1, "--out", run, "--json"),
    )
    assert search.code == 0
    assert [o["name"] for o in search.json["objectives"]] == ["valid_error", "latency"]
    rows = list(csv.DictReader((run / "trials.csv").read_text().splitlines()))
    assert all(float(row["parameters"]) <= 45_000 for row in rows)
    assert all(search.json["feasible"])
    assert len(search.json["pareto_front"]) >= 1
    state = json.loads((run / "trials" / "0000" / "trial.json").read_text())
    assert state["latency"]["median"] == float(rows[0]["latency"])
    assert state["latency"]["versions"]["torch"]
    assert command("evaluate", run, "--pick", "knee", "--epochs", 1).code == 0
    exported = command("export", run, "--json")
    pixels = load_data(DataConfig("digits"), "evaluation").valid.pixels
    session = onnxruntime.InferenceSession(exported.json["file"])
    (found,) = session.run(None, {"images": pixels.numpy()})
    expected = load_model(run / "evaluation" / "model.pt").predict(pixels).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert exported.json["images"] == len(pixels)


def test_a_search_that_looked_values_up_has_no_network(
    command: Command, refused: Callable[..., str], table: list[object], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    options = ["--accuracy", "valid", "--strategy", "random", "--trials", 2, "--out", out]
    assert command("search", *table, *options).code == 0
    for arguments in (["export", out], ["predict", out, "a.png"]):
        line = refused(*arguments)
        assert "holds no trained network: its search looked values up" in line
        assert "ax-anasod train searches with networks" in line
