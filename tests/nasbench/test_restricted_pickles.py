"""Official files are read without executing them, to the letter."""

from __future__ import annotations

import bz2
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ax_anasod.exceptions import BenchmarkError
from ax_anasod.nasbench.nasbench201_files import read_trials
from ax_anasod.nasbench.restricted_pickles import load_bz2
from ax_anasod.pickles import DamagedError

FUZZ = Path(__file__).with_name("fuzz_pickles.py")


def text(value: str) -> bytes:
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def scalar(kind: str, state: bytes, content: bytes) -> bytes:
    """What NumPy writes for a number, with any type, state and bytes."""
    dtype = b"cnumpy\ndtype\n" + text(kind) + b"\x89\x88\x87R" + state
    number = b"C" + bytes([len(content)]) + content
    return b"\x80\x03cnumpy.core.multiarray\nscalar\n" + dtype + number + b"\x86R."


LITTLE, BIG = (
    b"(K\x03" + text(order) + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb" for order in "<>"
)


def write(path: Path, program: bytes) -> Path:
    path.write_bytes(bz2.compress(program))
    return path


@pytest.mark.parametrize("kind", ["f8", "f4", "f2", "i8", "u1", "i2", "u4"])
def test_numbers_of_numpy(tmp_path: Path, kind: str) -> None:
    for state, order in ((LITTLE, "<"), (BIG, ">")):
        content = np.array(100.0, dtype=order + kind).tobytes()
        assert load_bz2(write(tmp_path / "n", scalar(kind, state, content))) == 100


OBJECT_STATE = b"(K\x03" + text("|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb"
FIELDS = b"}" + text("f") + b"cnumpy\ndtype\n" + text("O8") + b"\x89\x88\x87RK\x00\x86s"
FORGED = b"(K\x03" + text("|") + b"N" + text("f") + b"\x85" + FIELDS + b"K\x08K\x01K\x00tb"


@pytest.mark.parametrize(
    ("program", "message"),
    [
        # A field of objects and flags that deny it: NumPy follows the bytes as a pointer.
        (scalar("V8", FORGED, b"AAAAAAAA"), "the type 'V8' of NumPy"),
        (scalar("f8", FORGED, b"AAAAAAAA"), "the type 'O8' of NumPy"),
        (scalar("O8", OBJECT_STATE, b"AAAAAAAA"), "the type 'O8' of NumPy"),
        (scalar("V2147483647", b"", b""), "the type 'V2147483647' of NumPy"),
        (scalar("f8", LITTLE, b"four"), "requires a buffer of 8 bytes"),
        (scalar("f8", b"K\x01b", b"AAAAAAAA"), "a type of NumPy with another state"),
        (scalar("f8", b"(K\x03tb", b"AAAAAAAA"), "tuple index out of range"),
    ],
)
def test_forged_numbers_of_numpy_are_refused(tmp_path: Path, program: bytes, message: str) -> None:
    with pytest.raises(DamagedError, match=message):
        load_bz2(write(tmp_path / "n", program))
    with pytest.raises(BenchmarkError, match=f"cannot be read, .*{message}") as error:
        read_trials(tmp_path / "n")
    assert "\n" not in str(error.value)


def test_a_small_file_that_unfolds_to_gigabytes_is_refused(tmp_path: Path) -> None:
    packer = bz2.BZ2Compressor()
    text_of_zeros = b"X\0\0\x10\0" + bytes(2**20)
    packed = b"".join(packer.compress(text_of_zeros) for _ in range(100)) + packer.flush()
    (tmp_path / "n").write_bytes(packed)
    assert len(packed) < 10_000
    with pytest.raises(BenchmarkError, match="larger than real ones are"):
        read_trials(tmp_path / "n")


def test_one_record_does_not_stand_for_millions_of_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """References cost nothing: the records of few bytes can be those of any number of runs."""
    monkeypatch.setattr("ax_anasod.nasbench.nasbench201_trials.MOST_RUNS", 20_000)
    arch = text("a") + b"q\x01"
    seeds = b"](" + b"K\x01" * 3000 + b"e"
    runs = b"}(" + b"".join(text(run) + b"h\x02" for run in ("cifar10", "cifar100")) + b"u"
    program = b"".join(
        [
            b"\x80\x02}q\x00(",
            text("meta_archs") + b"](" + arch + b"h\x01" * 999 + b"e",
            text("arch2infos") + b"}(K\x00}" + text("full") + b"}(",
            text("arch_str") + b"h\x01",
            text("dataset_seed") + runs.replace(b"h\x02", seeds + b"q\x02", 1),
            text("all_results") + b"}(",
            *(
                text(run)
                + b"K\x01\x86}("
                + text("epochs")
                + b"K\x01"
                + text("eval_acc1es")
                + b"}"
                + text("train_times")
                + b"Nu"
                for run in ("cifar10", "cifar100")
            ),
            b"uusq\x03",
            b"".join(b"M" + i.to_bytes(2, "little") + b"h\x03" for i in range(1, 1000)),
            b"uu.",
        ]
    )
    with pytest.raises(BenchmarkError, match="more than 20,000 training runs"):
        read_trials(write(tmp_path / "n", program))


@pytest.mark.slow
def test_no_damage_makes_a_pickle_crash_or_do_anything() -> None:
    done = subprocess.run(
        [sys.executable, str(FUZZ), "100000", "0"],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    assert sum(result["outcomes"].values()) == 100_000
    # Each is looked for: files that are still read, and all ways of being refused.
    assert min(result["outcomes"].values()) > 500
    assert set(result["outcomes"]) == {"read", "RefusedError", "DamagedError", "BenchmarkError"}
    assert not result["events"]
