"""Tables as spreadsheets and loggers write them are read, or a line says what is wrong."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.exceptions import BenchmarkError, UnknownNameError
from ax_anasod.nasbench.table_file import read_table

TEXT = "arch,acc,note\nconv|skip,90.5,gut\nskip|skip,70,\n"


def parquet(**columns: object) -> bytes:
    content = io.BytesIO()
    pq.write_table(pa.table(columns), content, compression="zstd")
    return content.getvalue()


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Writes a file."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / "table.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        *(TEXT.encode(encoding) for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")),
        *(TEXT.encode(encoding) for encoding in ("utf-32", "ascii")),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        gzip.compress(TEXT.encode("utf-16"), mtime=0),
        TEXT.replace(",", ";"),
        TEXT.replace(",", "\t"),
        "sep=;\r\n" + TEXT.replace(",", ";"),
        '"sep=!"\n' + TEXT.replace(",", "!"),
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n", "\r"),
        TEXT.replace("\n", ",\n").replace("note,", "note"),
        TEXT.replace("\n", ",,\n"),
        TEXT + ",,\n,,\n\n",
        TEXT.replace(",", " , "),
        TEXT.replace("conv|skip", '"conv|skip"').replace("acc", '"acc"'),
        TEXT.replace("gut", "x" * 200_000),
        TEXT.replace("gut", '"with ""quotes"", commas\nand lines"'),
        TEXT.replace("note", "note,note").replace("gut", "gut,gut").replace("70,", "70,,"),
    ],
    ids=lambda content: str(content[:40]),
)
def test_one_meaning_is_read(put: Callable[..., Path], content: str | bytes) -> None:
    table = read_table(put(content), ["acc"])
    assert [text.strip() for text in table.architectures] == ["conv|skip", "skip|skip"]
    assert table.columns["acc"].tolist() == [90.5, 70]


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        (["90,5", "70"], [90.5, 70]),
        (["90,5", "1.070,25", "2.000"], [90.5, 1070.25, 2000]),
        (["1,234.5", "70.25"], [1234.5, 70.25]),
        (["1,234,567", "12"], [1234567, 12]),
        (["90.5%", "70 %"], [90.5, 70]),
        (["90,5 %", "70 %"], [90.5, 70]),
        (["1'234.5", "70"], [1234.5, 70]),
        (["1 234,5", "70"], [1234.5, 70]),
        (["1\u202f234,5", "1\u00a0070"], [1234.5, 1070]),
        (["-1,5", "+2,5e3"], [-1.5, 2500]),
        ([" 90.5 ", "7e1"], [90.5, 70]),
    ],
    ids=str,
)
def test_numbers_of_other_countries(
    put: Callable[..., Path], written: list[str], numbers: list[float]
) -> None:
    lines = [f'a{i};"{text}"' for i, text in enumerate(written)]
    assert read_table(put("\n".join(["arch;x", *lines])), ["x"]).columns["x"].tolist() == numbers
    names, texts = [f"a{i}" for i in range(len(written))], pa.array(written).dictionary_encode()
    assert read_table(put(parquet(arch=names, x=texts)), ["x"]).columns["x"].tolist() == numbers


@pytest.mark.parametrize(
    ("above", "line"), [("", 4), ("\n", 5), ("sep=,\n", 5), ("\nsep=,\n\n", 7)], ids=repr
)
def test_places_are_lines_of_the_file(put: Callable[..., Path], above: str, line: int) -> None:
    content = 'arch,x,note\na,1,"two\nlines"\n,,\n"b",wrong,"two\nlines"\n'
    with pytest.raises(BenchmarkError, match=f"holds 'wrong' in line {line + 1}, not a number"):
        read_table(put(above + content), ["x"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            TEXT.replace("gut", "süß").encode("latin-1"),
            "after line 0 there is the byte 0xfc.*UTF-8",
        ),
        (TEXT.replace(",", "|"), "no column 'arch', its first columns are: arch|acc.*semicolons"),
        (TEXT.replace("arch", "Arch"), "no column 'arch', .*: Arch, acc, note.*call the column"),
        (TEXT.replace("90.5", "90,5"), "line 2 .* has 4 fields, the header has 3 .*hold a comma"),
        (TEXT.replace(",", ";").replace("90.5", "9;5"), "has 4 fields.* hold a semicolon"),
        (TEXT.replace("70,", "70"), "line 3 .* has 2 fields, the header has 3 .*cut off"),
        (TEXT.replace("note", "acc"), "2 columns named 'acc' .rename them"),
        (
            TEXT.replace("70", '"90,123"').replace("90.5", '"1,234"'),
            "'1,234' in line 2, which may be 1234 or 1.234 .write numbers with a decimal point",
        ),
        (TEXT.replace("70", '"90,5"'), "holds '90,5' in line 3, not a number .*in one way"),
        (TEXT.replace("70", "70%"), "holds '70%' in line 3, not a number"),
        (TEXT.replace("70", "7_0"), "holds '7_0' in line 3, not a number"),
        (TEXT.replace("70", "70 ms"), "holds '70 ms' in line 3, .*without units"),
        ("arch;acc\na;1.23,4.5\n", "holds '1.23,4.5' in line 2, not a number"),
        (TEXT.replace("70", "n/a"), "holds 'n/a' in line 3, not a number"),
        (TEXT.replace("70", " "), "'acc' .* is empty in line 3, not a number"),
        (TEXT.replace("70", '"7"0'), "cannot be read, or is cut off: ',' expected after"),
        (TEXT.replace("gut", '"gut'), "cannot be read, or is cut off: unexpected end of data"),
        (b"PK\x03\x04 a workbook", "is a zip archive, or an Excel workbook, which is not read"),
        (b"\xd0\xcf\x11\xe0 a workbook", "is an Excel workbook"),
        (b"BZh91AY", "is compressed by bzip2.*CSV file .*gz"),
        (b"\xfd7zXZ\0", "is compressed by xz"),
        ("\n\n", "no column 'arch', its first columns are: "),
        ("sep=;\n", "no column 'arch'"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(
    put: Callable[..., Path], content: str | bytes, message: str
) -> None:
    with pytest.raises(BenchmarkError, match=message) as error:
        read_table(put(content), ["acc"])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("arch", "numbers"),
    [
        (pa.array(["a", "b"]).dictionary_encode(), pa.array([1, 2]).dictionary_encode()),
        (pa.array(["a", "b"], pa.large_string()), pa.array([1, 2], pa.decimal128(5, 2))),
        (pa.array([b"a", b"b"]), pa.array(np.array([1, 2], np.float16))),
        (pa.array(["a", "b"], pa.string_view()), pa.array(["1", "2"], pa.large_string())),
    ],
)
def test_columns_of_parquet(put: Callable[..., Path], arch: pa.Array, numbers: pa.Array) -> None:
    table = read_table(put(parquet(arch=arch, x=numbers)), ["x"])
    assert (table.architectures, table.columns["x"].tolist()) == (["a", "b"], [1, 2])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"arch": ["a"], "x": [[1]]}, "column 'x' .* holds list<.*>, not texts or numbers"),
        ({"arch": [["a"]], "x": [1]}, "column 'arch' .* holds list<.*>, not texts"),
        (
            {"arch": ["a"], "x": pa.array([0], pa.timestamp("s"))},
            "holds datetime.datetime.* in row 1",
        ),
        ({"arch": ["a"], "x": pa.array([None], pa.float64())}, "is empty in row 1"),
        (
            {"arch": pa.array([None], pa.string()), "x": [1]},
            "row 1 .* has nothing in column 'arch'",
        ),
    ],
)
def test_columns_of_parquet_that_are_none(
    put: Callable[..., Path], columns: dict[str, object], message: str
) -> None:
    with pytest.raises(BenchmarkError, match=message):
        read_table(put(parquet(**columns)), ["x"])


ZEROS = np.zeros(3_000_000, dtype=np.int32)
BOMBS = {
    "rows of CSV": gzip.compress(b"arch,x\n" + (b"a" * 500 + b",1\n") * 10**5),
    "one field": gzip.compress(b'arch,x\na,"' + b" " * 10**8),
    "header": gzip.compress(b"a" * 10**8),
    "rows of Parquet": parquet(arch=pa.DictionaryArray.from_arrays(ZEROS, ["a"]), x=ZEROS),
    "letters of Parquet": parquet(
        arch=pa.DictionaryArray.from_arrays(ZEROS[:10_000], ["a" * 10**5]), x=ZEROS[:10_000]
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_small_files_take_little_memory(put: Callable[..., Path], name: str) -> None:
    path = put(BOMBS[name])
    assert len(BOMBS[name]) < 250_000
    tracemalloc.start()
    try:
        with pytest.raises(BenchmarkError, match="no real one|unfolds to more|no column 'arch'"):
            read_table(path, ["x"])
        assert tracemalloc.get_traced_memory()[1] < 2**28
        assert pa.default_memory_pool().max_memory() < 2**30
    finally:
        tracemalloc.stop()


WHOLE = [
    TEXT.encode(),
    TEXT.encode("utf-16"),
    gzip.compress(TEXT.encode(), mtime=0),
    parquet(arch=["conv|skip", "skip|skip"], acc=[90.5, 70.0], note=["gut", None]),
]


@given(st.data())
def test_damaged_tables_are_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content)))
        content[place : place + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=6))
    path = tmp_path_factory.getbasetemp() / "damaged.csv"
    path.write_bytes(content)
    try:
        table = read_table(path, ["acc"])
    except (BenchmarkError, UnknownNameError):
        return
    assert len(table.architectures) == len(table.columns["acc"])
