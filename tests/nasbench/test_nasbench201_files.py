"""The official files are read without being executed, or refused."""

from __future__ import annotations

import bz2
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ax_anasod.exceptions import BenchmarkError
from ax_anasod.nasbench.nasbench201_cache import cache_path
from ax_anasod.nasbench.nasbench201_files import read_trials
from ax_anasod.nasbench.nasbench201_trials import RUNS, SPLITS, Trials

_EXTRA = "needs the extra [nasbench201]"
nas_201_api = pytest.importorskip("nas_201_api", reason=_EXTRA)
nats_bench = pytest.importorskip("nats_bench", reason=_EXTRA)

Save = Callable[[object, Path], None]


def save_torch(content: object, path: Path) -> None:
    torch.save(content, path)


def save_legacy_torch(content: object, path: Path) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


def save_nats(content: object, path: Path) -> None:
    with bz2.BZ2File(path, "wb") as file:
        pickle.dump(content, file, protocol=4)


def save_old_nats(content: object, path: Path) -> None:
    with bz2.BZ2File(path, "wb") as file:
        pickle.dump(content, file, protocol=2)


SAVERS = [save_torch, save_legacy_torch, save_nats, save_old_nats]


def content_of(trials: Trials) -> list[tuple[Any, ...]]:
    """The runs as comparable rows, None for what is absent."""
    columns = [*(trials.accuracy[split] for split in SPLITS), trials.seconds]
    measured = [[None if np.isnan(v) else float(v) for v in column] for column in columns]
    names = [trials.architectures[place] for place in trials.architecture]
    return sorted(
        zip(
            names, trials.epochs, (RUNS[r] for r in trials.run), trials.seed, *measured, strict=True
        ),
        key=lambda row: row[:4],
    )


def records_of(content: dict[str, Any], names: dict[str, int]) -> list[tuple[Any, ...]]:
    """The same, straight from the records of the fixture."""
    rows = []
    for schedules in content["arch2infos"].values():
        for name, epochs in names.items():
            record = schedules[name]
            for (run, seed), result in record["all_results"].items():
                values = [result["eval_acc1es"].get(f"{s}@{result['epochs'] - 1}") for s in SPLITS]
                seconds = sum(result["train_times"].values())
                rows.append((record["arch_str"], epochs, run, seed, *values, seconds))
    return sorted(rows, key=lambda row: row[:4])


# The three official forms


def test_reads_nas_bench_201(file_201: Path, content_201: dict[str, Any]) -> None:
    expected = records_of(content_201, {"less": 12, "full": 200})
    assert content_of(read_trials(file_201)) == expected


def test_reads_nats_bench(file_nats: Path, folder_nats: Path, content_nats: dict[str, Any]) -> None:
    expected = records_of(content_nats, {"12": 12, "200": 200})
    assert content_of(read_trials(file_nats)) == expected
    assert content_of(read_trials(folder_nats)) == expected


@pytest.mark.parametrize("save", SAVERS)
def test_reads_every_pickle_form(
    content_201: dict[str, Any], file_201: Path, tmp_path: Path, save: Save
) -> None:
    save(content_201, tmp_path / "file")
    assert content_of(read_trials(tmp_path / "file")) == content_of(read_trials(file_201))


@pytest.mark.parametrize("save", SAVERS)
@pytest.mark.parametrize("package", [nas_201_api, nats_bench], ids=["nas_201_api", "nats_bench"])
def test_reads_record_objects_without_their_classes(
    content_201: dict[str, Any], file_201: Path, tmp_path: Path, save: Save, package: Any
) -> None:
    objects = {
        index: {
            name: package.ArchResults.create_from_state_dict(record)
            for name, record in schedules.items()
        }
        for index, schedules in content_201["arch2infos"].items()
    }
    save(content_201 | {"arch2infos": objects}, tmp_path / "file")
    assert content_of(read_trials(tmp_path / "file")) == content_of(read_trials(file_201))


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("save", SAVERS)
def test_reads_numpy_scalars(
    content_201: dict[str, Any], tmp_path: Path, save: Save, kind: Callable[[float], Any]
) -> None:
    record = dict(content_201["arch2infos"][0]["full"])
    results = {key: dict(result) for key, result in record["all_results"].items()}
    results["cifar10", 777]["eval_acc1es"] = {"ori-test@24": kind(50.0)}
    content = content_201 | {"arch2infos": {0: {"full": record | {"all_results": results}}}}
    save(content, tmp_path / "file")
    rows = [
        row for row in content_of(read_trials(tmp_path / "file")) if row[2:4] == ("cifar10", 777)
    ]
    assert [row[6] for row in rows] == [50.0]


# Pickles that want more


class Malicious:
    """Runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.marker}",)


class Evaluating:
    """Evaluates an expression when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, (f"__import__('pathlib').Path({str(self.marker)!r}).touch()",)


class Importing:
    """Reaches a function through the attributes of an allowed module's name."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("save", SAVERS)
@pytest.mark.parametrize(
    ("attack", "asks_for"),
    [(Malicious, r"\w+\.system"), (Evaluating, "eval"), (Importing, r"(getattr|pathlib\S*)")],
)
@pytest.mark.parametrize("inside", [True, False], ids=["inside a record", "alone"])
def test_malicious_pickle_is_refused_without_executing(
    content_201: dict[str, Any],
    tmp_path: Path,
    save: Save,
    attack: Callable[[Path], object],
    asks_for: str,
    inside: bool,
) -> None:
    marker = tmp_path / "executed"
    evil = attack(marker)
    save(content_201 | {"basestr": evil} if inside else evil, tmp_path / "file")
    with pytest.raises(BenchmarkError, match=rf"was not read: it asks for (builtins\.)?{asks_for}"):
        read_trials(tmp_path / "file")
    assert not marker.exists()
    # The same file does run the command in the ordinary reader: the attack is real.
    if save in (save_nats, save_old_nats):
        nats_bench.pickle_load(tmp_path / "file")
        assert marker.exists()


@pytest.mark.parametrize("name", ["000001.pickle.pbz2", "meta.pickle.pbz2"])
def test_malicious_entry_of_a_folder_is_refused(folder_nats: Path, name: str) -> None:
    marker = folder_nats / "executed"
    save_nats({"meta_archs": Malicious(marker)}, folder_nats / name)
    with pytest.raises(BenchmarkError, match=rf"{name} was not read: it asks for \w+\.system"):
        read_trials(folder_nats)
    assert not marker.exists()


@pytest.mark.parametrize("save", SAVERS)
def test_trained_weights_are_refused(
    content_201: dict[str, Any], tmp_path: Path, save: Save
) -> None:
    save(content_201 | {"weights": torch.ones(3)}, tmp_path / "file")
    with pytest.raises(BenchmarkError, match=r"asks for torch\.\S+.*without trained weights"):
        read_trials(tmp_path / "file")


def test_bytes_in_another_codec_are_refused(tmp_path: Path) -> None:
    # `_codecs.encode` is how old pickles write bytes; zip would inflate without bound.
    program = b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x03\x00\x00\x00zipt\x52."
    with bz2.BZ2File(tmp_path / "file", "wb") as file:
        file.write(program)
    with pytest.raises(BenchmarkError, match="bytes are encoded in 'zip'"):
        read_trials(tmp_path / "file")


def test_what_torch_was_told_to_allow_does_not_count(file_201: Path, tmp_path: Path) -> None:
    save_torch({"weights": Importing(tmp_path)}, tmp_path / "file")
    with torch.serialization.safe_globals([Path.touch, (getattr, "getattr"), Path]):
        read_trials(file_201)
        with pytest.raises(BenchmarkError):
            read_trials(tmp_path / "file")


# Files that are missing, cut off, or something else


def test_missing_and_empty(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"absent.pth does not exist"):
        read_trials(tmp_path / "absent.pth")
    (tmp_path / "empty.pth").touch()
    with pytest.raises(BenchmarkError, match=r"empty.pth is empty"):
        read_trials(tmp_path / "empty.pth")
    with pytest.raises(BenchmarkError, match=r"meta.pickle.pbz2 does not exist"):
        read_trials(tmp_path)


@pytest.mark.parametrize("save", SAVERS)
@pytest.mark.parametrize("part", [0.02, 0.5, 0.99])
def test_file_that_was_cut_off(
    content_201: dict[str, Any], tmp_path: Path, save: Save, part: float
) -> None:
    save(content_201, tmp_path / "file")
    whole = (tmp_path / "file").read_bytes()
    (tmp_path / "file").write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(BenchmarkError, match="cannot be read, is cut off, or has another format"):
        read_trials(tmp_path / "file")


def test_folder_without_its_list_of_architectures(folder_nats: Path) -> None:
    save_nats({"arch2infos": None}, folder_nats / "meta.pickle.pbz2")
    with pytest.raises(BenchmarkError, match=r"holds no list of architectures \('meta_archs'\)"):
        read_trials(folder_nats)


def test_unreadable_file(file_201: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(file_201))

    # Tests may run as root, whom no permission stops.
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(BenchmarkError):
        read_trials(file_201)


def test_entry_of_a_folder_that_was_cut_off(folder_nats: Path) -> None:
    entry = folder_nats / "000002.pickle.pbz2"
    entry.write_bytes(entry.read_bytes()[:-50])
    with pytest.raises(BenchmarkError):
        read_trials(folder_nats)


@pytest.mark.parametrize(
    "data", [b"arch,x\na,1\n", b"PK\x03\x04 no archive", b"BZh no archive", b"PAR1 no table"]
)
def test_file_of_another_format(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(BenchmarkError):
        read_trials(tmp_path / "file")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "a dictionary with 'meta_archs' and 'arch2infos' was expected, it holds list"),
        ({"archs": [], "total": 3}, "it holds one with 'archs', 'total'"),
        ({"meta_archs": ["a"], "arch2infos": None}, "lists architectures, but holds no results"),
        ({"meta_archs": ["a"], "arch2infos": {}}, "holds no results of any architecture"),
        ({"meta_archs": [], "arch2infos": {0: {}}}, "architecture 0 is malformed: IndexError"),
        ({"meta_archs": ["a"], "arch2infos": {0: {"full": {}}}}, "malformed: KeyError 'arch_str'"),
        ({"meta_archs": ["a"], "arch2infos": {0: {"full": 3}}}, "0 is malformed: TypeError"),
        (
            {"meta_archs": ["a"], "arch2infos": {0: {"full": {"arch_str": "b"}}}},
            "malformed: ValueError it is 'b', not 'a'",
        ),
    ],
)
def test_content_of_another_form(tmp_path: Path, content: object, message: str) -> None:
    for save in (save_torch, save_nats):
        save(content, tmp_path / "file")
        with pytest.raises(BenchmarkError, match=message):
            read_trials(tmp_path / "file")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("eval_acc1es", {"ori-test@24": 100.5}, "ori-test accuracy of .* seed 777 is 100.5"),
        ("eval_acc1es", {"ori-test@24": -1.0}, "is -1, allowed is 0 to 100 percent"),
        ("eval_acc1es", {"ori-test@24": float("inf")}, "is inf"),
        ("train_times", dict.fromkeys(range(25), -1.0), "training time of .* is -25"),
        ("train_times", {0: 1.0}, "is malformed: KeyError 1"),
        ("epochs", None, "is malformed: TypeError"),
    ],
)
def test_values_out_of_range(
    content_201: dict[str, Any], tmp_path: Path, field: str, value: object, message: str
) -> None:
    record = dict(content_201["arch2infos"][0]["full"])
    key = ("cifar10", 777)
    results = record["all_results"] | {key: record["all_results"][key] | {field: value}}
    infos = {0: {"full": record | {"all_results": results}}}
    save_torch(content_201 | {"arch2infos": infos}, tmp_path / "file")
    with pytest.raises(BenchmarkError, match=message):
        read_trials(tmp_path / "file")


def test_seed_that_is_listed_twice(content_201: dict[str, Any], tmp_path: Path) -> None:
    record = content_201["arch2infos"][0]["full"]
    seeds = record["dataset_seed"] | {"cifar10": [777, 777]}
    infos = {0: {"full": record | {"dataset_seed": seeds}}}
    save_torch(content_201 | {"arch2infos": infos}, tmp_path / "file")
    with pytest.raises(BenchmarkError, match="on cifar10, 200 epochs, seed 777 more than once"):
        read_trials(tmp_path / "file")


# The cache


@pytest.fixture(params=["file_201", "file_nats", "folder_nats"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    original: Path = request.getfixturevalue(request.param)
    if original.is_dir():
        return original
    copy = tmp_path / original.name
    copy.write_bytes(original.read_bytes())
    return copy


def forbid_official(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> None:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr("ax_anasod.nasbench.nasbench201_files._read_official", fail)


def test_cache_is_written_on_request_and_used(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = content_of(read_trials(source))
    assert not cache_path(source).exists()
    assert content_of(read_trials(source, cache=True)) == expected
    assert cache_path(source).name == f"{source.name}.trials.parquet"
    forbid_official(monkeypatch)
    assert content_of(read_trials(source, cache=True)) == expected


def test_cache_can_be_named_itself(source: Path) -> None:
    expected = content_of(read_trials(source, cache=True))
    assert content_of(read_trials(cache_path(source))) == expected


def test_cache_of_another_state_is_written_again(
    content_201: dict[str, Any], file_201: Path, tmp_path: Path
) -> None:
    source = tmp_path / "file.pth"
    source.write_bytes(file_201.read_bytes())
    read_trials(source, cache=True)
    fewer = {0: content_201["arch2infos"][0]}
    save_torch(content_201 | {"arch2infos": fewer}, source)
    assert len(read_trials(source, cache=True).architectures) == 1
    assert len(read_trials(cache_path(source)).architectures) == 1


def test_damaged_cache_is_refused(file_201: Path, tmp_path: Path) -> None:
    source = tmp_path / "file.pth"
    source.write_bytes(file_201.read_bytes())
    read_trials(source, cache=True)
    kept = cache_path(source)
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BenchmarkError, match=r"cut off.*delete it, and it is written again"):
        read_trials(source, cache=True)
    # The directory at the end is intact, the values are not.
    kept.write_bytes(whole[:4] + bytes(len(whole) // 3) + whole[4 + len(whole) // 3 :])
    with pytest.raises(BenchmarkError):
        read_trials(source, cache=True)


def test_parquet_of_something_else_is_refused(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    path = tmp_path / "table.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"arch": ["a"]}), path)
    with pytest.raises(BenchmarkError, match=r"none of NAS-Bench-201 runs.*use TableBenchmark"):
        read_trials(path)


@pytest.mark.parametrize(
    ("note", "message"),
    [
        (b"{", "is no JSON"),
        (b"[]", r"is \[\], not an object"),
        (b"{}", "lacks version"),
        (b'{"version": "1", "source": null}', "has version = '1', not a whole number"),
        (b'{"version": 1, "source": {}}', "has source = {}, not a list or null"),
        (b"[" * 10**5, "is nested too deeply"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_cache_with_a_damaged_note_is_refused(
    file_201: Path, tmp_path: Path, note: bytes, message: str
) -> None:
    import pyarrow.parquet

    source = tmp_path / "file.pth"
    source.write_bytes(file_201.read_bytes())
    read_trials(source, cache=True)
    kept = cache_path(source)
    table = pyarrow.parquet.read_table(kept)
    (key,) = (key for key in table.schema.metadata if key.startswith(b"ax_anasod"))
    pyarrow.parquet.write_table(table.replace_schema_metadata({key: note}), kept)
    with pytest.raises(BenchmarkError, match=f"cut off: {message}.*delete it"):
        read_trials(source, cache=True)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("epochs", [None]),
        ("epochs", ["twelve"]),
        ("seed", [2.5]),
        ("seed", [[1]]),
        ("run", ["cifar11"]),
        ("seconds", [-1.0]),
        ("x-valid", ["a"]),
        ("arch", [None]),
    ],
)
def test_cache_with_other_columns_is_refused(
    file_201: Path, tmp_path: Path, column: str, values: list[Any]
) -> None:
    import pyarrow.parquet

    source = tmp_path / "file.pth"
    source.write_bytes(file_201.read_bytes())
    read_trials(source, cache=True)
    kept = cache_path(source)
    table = pyarrow.parquet.read_table(kept)
    place = table.column_names.index(column)
    other = pyarrow.array(values * table.num_rows)
    changed = table.set_column(place, column, other)
    pyarrow.parquet.write_table(changed.replace_schema_metadata(table.schema.metadata), kept)
    try:
        read_trials(kept)
    except BenchmarkError:
        return
    assert (column, values) in [("seed", [2.5]), ("arch", [None])]


def test_cache_of_another_version_is_refused(
    file_201: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "file.pth"
    source.write_bytes(file_201.read_bytes())
    read_trials(source, cache=True)
    monkeypatch.setattr("ax_anasod.nasbench.nasbench201_cache._VERSION", 2)
    with pytest.raises(BenchmarkError, match=r"has version 1 of the cache's format, known is 2"):
        read_trials(source, cache=True)


def test_a_cache_is_not_written_through_a_link(file_201: Path, tmp_path: Path) -> None:
    source, mine = tmp_path / "file.pth", tmp_path / "mine"
    source.write_bytes(file_201.read_bytes())
    mine.write_text("mine")
    kept = tmp_path / "file.pth.trials.parquet"
    for link in (kept, tmp_path / f"{kept.name}.{os.getpid()}"):
        link.symlink_to(mine)
    kept.unlink()
    read_trials(source, cache=True)
    assert kept.is_file()
    assert mine.read_text() == "mine"


def test_cache_that_cannot_be_written(
    file_201: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "file.pth"
    source.write_bytes(file_201.read_bytes())

    def refuse(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    # Tests may run as root, whom no permission stops.
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(BenchmarkError):
        read_trials(source, cache=True)
    assert [path.name for path in tmp_path.iterdir()] == ["file.pth"]
