"""Files in the formats of torchvision's data sets, read by torchvision itself."""

from __future__ import annotations

import hashlib
import pickle
import socket
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.datasets

from ax_anasod.exceptions import DataError
from ax_anasod.training import DataConfig, load_data

CLASSES = ["cat", "dog", "owl"]


def dump(path: Path, content: dict[str, Any]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol=2))
    return hashlib.md5(path.read_bytes()).hexdigest()


def write_cifar(
    folder: Path, kind: type[Any], key: str, per_file: int, patch: pytest.MonkeyPatch
) -> dict[str, np.ndarray]:
    """Small files of a CIFAR, whose checksums torchvision takes for the published ones.

    An image is stored as its red, its green and its blue pixels, row by row.
    """
    rng = np.random.default_rng(0)
    pixels = {}
    for files, split in (("train_list", "train"), ("test_list", "test")):
        listed, parts = [], []
        for name, _ in getattr(kind, files):
            data = rng.integers(0, 256, (per_file, 3 * 32 * 32), dtype=np.uint8)
            labels = [n % len(CLASSES) for n in range(per_file)]
            path = folder / kind.base_folder / name
            listed.append([name, dump(path, {"data": data, key: labels})])
            parts.append(data.reshape(-1, 3, 32, 32))
        patch.setattr(kind, files, listed)
        pixels[split] = np.concatenate(parts)
    meta = folder / kind.base_folder / kind.meta["filename"]
    checksum = dump(meta, {kind.meta["key"]: CLASSES})
    patch.setattr(kind, "meta", {**kind.meta, "md5": checksum})
    return pixels


@pytest.mark.parametrize(
    ("dataset", "kind", "key"),
    [("cifar10", "CIFAR10", "labels"), ("cifar100", "CIFAR100", "fine_labels")],
)
def test_cifar(
    dataset: str, kind: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = getattr(torchvision.datasets, kind)
    pixels = write_cifar(tmp_path, made, key, 9, monkeypatch)
    data = load_data(DataConfig(dataset, str(tmp_path)), "evaluation")
    assert data.classes == tuple(CLASSES)
    assert data.mirror_images
    assert torch.equal(data.train.pixels, torch.from_numpy(pixels["train"]))
    assert torch.equal(data.valid.pixels, torch.from_numpy(pixels["test"]))
    assert data.train.labels.tolist() == [0, 1, 2] * (len(pixels["train"]) // 3)
    assert data.valid.labels.tolist() == [0, 1, 2] * 3
    small = load_data(DataConfig(dataset, str(tmp_path), images=9, image_size=16))
    assert small.image_size == (16, 16)
    assert len(small.train) + len(small.valid) == 9

    (tmp_path / made.base_folder / made.test_list[0][0]).write_bytes(b"no")
    monkeypatch.setattr(made, "url", "http://127.0.0.1:1/cifar.tar.gz")
    with pytest.raises(DataError, match="are damaged, and it could not be downloaded: .*refused"):
        load_data(DataConfig(dataset, str(tmp_path)))


def write_idx(path: Path, content: np.ndarray) -> None:
    """A file in the format of MNIST: a magic number, the sizes, the bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(">BBBB", 0, 0, 8, content.ndim) + struct.pack(
        f">{content.ndim}I", *content.shape
    )
    path.write_bytes(header + content.tobytes())


def test_fashion_mnist(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    raw = tmp_path / "FashionMNIST" / "raw"
    pixels, labels = {}, {}
    for split, number in (("train", 40), ("t10k", 20)):
        pixels[split] = rng.integers(0, 256, (number, 28, 28), dtype=np.uint8)
        labels[split] = (np.arange(number) % 10).astype(np.uint8)
        write_idx(raw / f"{split}-images-idx3-ubyte", pixels[split])
        write_idx(raw / f"{split}-labels-idx1-ubyte", labels[split])
    data = load_data(DataConfig("fashion-mnist", str(tmp_path)), "evaluation")
    assert data.classes[:2] == ("T-shirt/top", "Trouser")
    assert (data.channels, data.image_size, data.num_classes) == (1, (28, 28), 10)
    assert torch.equal(data.train.pixels[:, 0], torch.from_numpy(pixels["train"]))
    assert torch.equal(data.valid.pixels[:, 0], torch.from_numpy(pixels["t10k"]))
    assert data.train.labels.tolist() == labels["train"].tolist()

    write_idx(raw / "train-labels-idx1-ubyte", labels["train"][:-1])
    with pytest.raises(DataError, match="FashionMNIST has 40 images, but 39 labels"):
        load_data(DataConfig("fashion-mnist", str(tmp_path)))
    images = raw / "train-images-idx3-ubyte"
    for content in (images.read_bytes()[:5000], b""):
        images.write_bytes(content)
        with pytest.raises(DataError, match="the files in .*FashionMNIST are damaged"):
            load_data(DataConfig("fashion-mnist", str(tmp_path)))


@pytest.mark.parametrize(
    ("dataset", "kind", "attribute", "server"),
    [
        ("cifar10", "CIFAR10", "url", "http://127.0.0.1:1/cifar.tar.gz"),
        ("fashion-mnist", "FashionMNIST", "mirrors", ["http://127.0.0.1:1/"]),
    ],
)
def test_without_a_server_there_is_one_line(
    dataset: str,
    kind: str,
    attribute: str,
    server: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(getattr(torchvision.datasets, kind), attribute, server)
    with pytest.raises(DataError) as refused:
        load_data(DataConfig(dataset, str(tmp_path / "new")))
    message = str(refused.value)
    assert not (tmp_path / "new").exists()
    assert message.startswith(
        f"{dataset} is not in {tmp_path}/new, and it could not be downloaded: "
    )
    assert "Connection refused" in message
    assert "\n" not in message


def test_a_server_that_does_not_answer_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ax_anasod.training.sources._PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/cifar.tar.gz"
        monkeypatch.setattr(torchvision.datasets.CIFAR10, "url", url)
        with pytest.raises(DataError, match="could not be downloaded: timed out"):
            load_data(DataConfig("cifar10", str(tmp_path)))
    assert socket.getdefaulttimeout() is None
