"""States come back as they were, and what is no state of ours is refused before it is made."""

from __future__ import annotations

import io
import os
import pickletools
import tracemalloc
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ax_anasod.exceptions import RunError
from ax_anasod.training.checkpoint import read_state, write_state


def same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return one.dtype == other.dtype and one.stride() == other.stride() and one.equal(other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def test_states_come_back(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4))
    network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    network(torch.randn(2, 2, 5, 5)).sum().backward()
    optimizer.step()
    numbers = torch.arange(24).reshape(2, 3, 4)
    state = {
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "views": [numbers, numbers[1:, ::2], numbers.permute(2, 0, 1), numbers[0, 0, 0]],
        "empty": torch.empty(0, 3),
        "plain": {"a": [1, 2.5, None, True, "text"], "b": (1, 2), 3: {}},
        **{str(kind): torch.ones(3, dtype=kind) for kind in (torch.uint8, torch.bool, torch.half)},
        **{str(kind): torch.ones(3, dtype=kind) for kind in (torch.bfloat16, torch.cfloat)},
    }
    write_state(tmp_path / "state.pt", state)
    read = read_state(tmp_path / "state.pt")
    assert same(state, read)
    # The versions of the parts, which `load_state_dict` looks at.
    assert read["network"]._metadata == state["network"]._metadata
    network.load_state_dict(read["network"])
    read["views"][0][0, 0, 0] = 7
    assert read["views"][3] == 7


class Forged:
    """An archive as torch writes it, of which a part is another."""

    def __init__(self, state: dict[str, Any]) -> None:
        content = io.BytesIO()
        torch.save(state, content)
        with zipfile.ZipFile(content) as archive:
            self.entries = {name: archive.read(name) for name in archive.namelist()}

    def write(self, path: Path, compression: int = zipfile.ZIP_STORED, **entries: bytes) -> Path:
        changed = {name.replace("_", "."): content for name, content in entries.items()}
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in self.entries.items():
                archive.writestr(name, changed.get(name.removeprefix("archive/"), content))
        return path

    @property
    def program(self) -> bytes:
        return self.entries["archive/data.pkl"]


@pytest.fixture
def forged() -> Forged:
    return Forged({"a": torch.arange(6.0).reshape(2, 3)})


def test_the_archive_that_is_forged_is_otherwise_sound(forged: Forged, tmp_path: Path) -> None:
    assert same(read_state(forged.write(tmp_path / "s")), {"a": torch.arange(6.0).reshape(2, 3)})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        # Sizes and strides: six numbers are no tensor of 10^8, nor one that overlaps itself.
        (b"K\x02K\x03\x86", b"J\x00\xe1\xf5\x05K\x03\x86", "out of bounds"),
        (b"K\x03K\x01\x86", b"K\x00K\x01\x86", r"the size \(2, 3\) with the strides \(0, 1\)"),
        (b"K\x03K\x01\x86", b"K\x01K\x01\x86", r"the size \(2, 3\) with the strides \(1, 1\)"),
        (b"K\x02K\x03\x86", b"K\x02K\x03K\x01\x87", "argument 2 is longer|argument 2 is shorter"),
        (b"K\x02K\x03\x86", b"NK\x03\x86", "not supported between|unsupported operand"),
        (b"cpuq\x06K\x06", b"cpuq\x06K\x07", "it has 6 numbers where it names 7"),
        (b"storage", b"garbage", "something else than the numbers of tensors"),
        (b"FloatStorage", b"DoubleStorage", "it has 3 numbers where it names 6"),
        (b"FloatStorage", b"UntypedStorage", "it asks for torch.UntypedStorage"),
        (b"_rebuild_tensor_v2", b"_rebuild_sparse_tensor", "asks for torch._utils._rebuild_sparse"),
        (
            b"ctorch._utils\n_rebuild_tensor_v2",
            b"cbuiltins\nbytearray",
            "asks for builtins.bytearray",
        ),
        (b"ctorch._utils\n_rebuild_tensor_v2", b"cos\nsystem", "asks for os.system"),
    ],
    ids=lambda part: repr(part)[:40],
)
def test_forged_programs_are_refused(
    forged: Forged, tmp_path: Path, old: bytes, new: bytes, message: str
) -> None:
    assert forged.program.count(old) == 1
    program = forged.program.replace(old, new)
    list(pickletools.genops(program))
    path = forged.write(tmp_path / "s.pt", data_pkl=program)
    with pytest.raises(RunError, match=f"s.pt is damaged, or no file of this package: .*{message}"):
        read_state(path)


def test_archives_that_are_more_than_the_file_are_refused(forged: Forged, tmp_path: Path) -> None:
    path = tmp_path / "s.pt"
    content = {"a": torch.zeros(3 * 10**7)}
    Forged(content).write(path, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 200_000
    tracemalloc.start()
    try:
        with pytest.raises(RunError, match="its entry '.*' is compressed"):
            read_state(path)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()
    whole = forged.write(path).read_bytes()
    size = len(forged.program).to_bytes(4, "little")
    path.write_bytes(whole.replace(size + size, b"\xff\xff\xff\x7f" * 2))
    with pytest.raises(RunError, match="its entries are larger than the file"):
        read_state(path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"byteorder": b"big"}, "on a machine with the other order of bytes"),
        ({"data_pkl": b"\x80\x02]."}, "holds a list, not a state"),
        ({"data_pkl": b")" + b"\x85" * 10**6 + b"."}, "tuples in tuples in tuples"),
        ({"data_pkl": b""}, "is damaged"),
    ],
)
def test_other_content_is_refused(
    forged: Forged, tmp_path: Path, entries: dict[str, bytes], message: str
) -> None:
    with pytest.raises(RunError, match=message):
        read_state(forged.write(tmp_path / "s.pt", **entries))


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.pt"
    for content in (b"", b"text", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)):
        path.write_bytes(content)
        with pytest.raises(RunError, match="is damaged, or no file of this package"):
            read_state(path)
    torch.save({"a": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(RunError, match="it is no archive of torch"):
        read_state(path)
    torch.save(OrderedDict(a=nn.Linear(1, 1)), path)
    with pytest.raises(RunError, match="it asks for torch.nn.modules.linear.Linear"):
        read_state(path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RunError, match="pipe cannot be read: it is no ordinary file"):
        read_state(tmp_path / "pipe")
