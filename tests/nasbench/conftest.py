"""Small files in the official formats, written with the benchmark packages' own classes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

STRINGS = [
    "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|",
    "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    "|skip_connect~0|+|none~0|nor_conv_3x3~1|+|nor_conv_3x3~0|none~1|nor_conv_1x1~2|",
]
# The four architectures of the file have three, two, one and two runs of 200 epochs.
SEEDS_FULL = [(777, 888, 999), (777, 888), (777,), (888, 999)]
RUNS = {
    "cifar10-valid": ("x-valid", "ori-test"),
    "cifar10": ("ori-test",),
    "cifar100": ("x-valid", "x-test", "ori-test"),
    "ImageNet16-120": ("x-valid", "x-test", "ori-test"),
}
SCHEDULES = {"12": 12, "200": 200}
# Runs of 200 epochs are written with fewer, so that reading is quick; each run says how
# many it has, and nothing else depends on their number.
WRITTEN_EPOCHS = {12: 12, 200: 25}


def seeds_of(index: int, run: str, epochs: int) -> tuple[int, ...]:
    """The seeds of the fixture's architectures, as uneven as those of the real file."""
    if epochs == 200:
        return SEEDS_FULL[index]
    return (111, 777) if run == "cifar10-valid" else (777,)


def _result(package: ModuleType, index: int, run: str, epochs: int, seed: int) -> Any:
    rng = np.random.default_rng([index, list(RUNS).index(run), epochs, seed])
    written = WRITTEN_EPOCHS[epochs]
    per_epoch = {epoch: float(rng.uniform(10, 95)) for epoch in range(written)}
    config = {"channel": 16, "num_cells": 5, "arch_str": STRINGS[index], "class_num": 10}
    result = package.ResultsCount(
        run, None, per_epoch, per_epoch, 1.53, 240.5, config, f"{seed:04d}", written, None
    )
    for split in RUNS[run]:
        # Short runs were evaluated after every epoch, long ones after the last on some splits.
        evaluated = range(written) if epochs == 12 else [written - 1]
        values = {epoch: float(rng.uniform(10, 95)) for epoch in evaluated}
        result.update_OLD_eval(split, values, values)
    result.update_latency([np.float64(rng.uniform(0.01, 0.02))])
    result.reset_pseudo_train_times(float(rng.uniform(5, 50)))
    for split in RUNS[run]:
        result.reset_pseudo_eval_times(split, 1.0)
    return result


def make_record(package: ModuleType, index: int, epochs: int) -> Any:
    """The `ArchResults` of one architecture and schedule."""
    record = package.ArchResults(index, STRINGS[index])
    for run in RUNS:
        for seed in seeds_of(index, run, epochs):
            record.update(run, seed, _result(package, index, run, epochs, seed))
    return record


def _schedules(package: ModuleType, index: int, names: dict[str, int]) -> OrderedDict[str, Any]:
    return OrderedDict(
        (name, make_record(package, index, epochs).state_dict()) for name, epochs in names.items()
    )


def make_content(package: ModuleType, names: dict[str, int]) -> dict[str, Any]:
    """The dictionary that an official file holds."""
    return {
        "meta_archs": list(STRINGS),
        "total_archs": len(STRINGS),
        "arch2infos": {i: _schedules(package, i, names) for i in range(len(STRINGS))},
        "evaluated_indexes": set(range(len(STRINGS))),
    }


@pytest.fixture(scope="session")
def content_201() -> dict[str, Any]:
    package = pytest.importorskip("nas_201_api", reason="needs the extra [nasbench201]")
    return make_content(package, {"less": 12, "full": 200})


@pytest.fixture(scope="session")
def content_nats() -> dict[str, Any]:
    package = pytest.importorskip("nats_bench", reason="needs the extra [nasbench201]")
    return make_content(package, SCHEDULES)


@pytest.fixture(scope="session")
def file_201(content_201: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as nas-bench-201 distributes it, in torch's format of that time."""
    path = tmp_path_factory.mktemp("official") / "NAS-Bench-201-v1_1-small.pth"
    torch.save(content_201, path, _use_new_zipfile_serialization=False)
    return path


@pytest.fixture(scope="session")
def file_nats(content_nats: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as NATS-Bench distributes it."""
    from nats_bench import pickle_save

    path = tmp_path_factory.mktemp("official") / "NATS-tss-v1_0-small.pickle"
    pickle_save(content_nats, str(path))
    return path.with_name(f"{path.name}.pbz2")


@pytest.fixture
def folder_nats(content_nats: dict[str, Any], tmp_path: Path) -> Path:
    """A folder as NATS-Bench distributes it for its fast mode."""
    from nats_bench import pickle_save

    folder = tmp_path / "NATS-tss-v1_0-small-simple"
    folder.mkdir()
    meta = content_nats | {"arch2infos": None, "evaluated_indexes": set()}
    pickle_save(meta, str(folder / "meta.pickle"))
    for index, schedules in content_nats["arch2infos"].items():
        pickle_save(schedules, str(folder / f"{index:06d}.pickle"))
    return folder


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a table from lines of text."""

    def write_lines(*lines: str, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write_lines
