"""NAS-Bench-201 against the benchmark's own files and parser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ax_anasod import cells
from ax_anasod.cells import NASBench201Cell
from ax_anasod.exceptions import ArchitectureError

CELL = NASBench201Cell()
GOOD = "|none~0|+|skip_connect~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|none~2|"


def test_round_trip_over_the_whole_benchmark(shared_data: Path) -> None:
    official = pd.read_csv(shared_data / "nb201" / "nb201.csv.gz")["arch"].tolist()
    codes = CELL.from_strings(official)
    assert CELL.to_strings(codes) == official
    assert len(np.unique(CELL.keys(codes))) == CELL.size == len(official) == 15_625


def test_every_code_has_a_string_of_its_own() -> None:
    strings = CELL.to_strings(CELL.enumerate())
    assert len(set(strings)) == 15_625
    assert (CELL.from_strings(strings) == CELL.enumerate()).all()


def test_agrees_with_the_parser_of_the_benchmark(rng: np.random.Generator) -> None:
    api = pytest.importorskip("nas_201_api", reason="the package nas-bench-201 is not installed")
    codes = CELL.sample(300, rng)
    sources = CELL.sources(codes)
    targets = CELL.block_graph.targets
    for code, read, string in zip(codes, sources, CELL.to_strings(codes), strict=True):
        nodes = api.NASBench201API.str2lists(string)
        edges = [
            (CELL.operations.index(operation), source, node)
            for node, inputs in enumerate(nodes, start=1)
            for operation, source in inputs
        ]
        assert edges == list(zip(code.tolist(), read.tolist(), targets, strict=True))


def test_the_order_of_operations_and_blocks() -> None:
    assert CELL.from_strings([GOOD]).tolist() == [[0, 1, 2, 3, 4, 0]]
    assert CELL.architecture(GOOD).counts.tolist() == [2, 1, 1, 1, 1]


@pytest.mark.parametrize(
    "string",
    [f" {GOOD}\n", f"\ufeff{GOOD}", GOOD.replace("|", " | "), f"Structure(4 nodes with {GOOD})"],
)
def test_blanks_and_what_the_benchmark_prints_do_not_matter(string: str) -> None:
    assert CELL.from_strings([string]).tolist() == [[0, 1, 2, 3, 4, 0]]


@pytest.mark.parametrize(
    ("string", "message"),
    [
        (GOOD[:-1], r"does not have the form \|op~0\|\+\|op~0\|op~1\|"),
        (GOOD + ")", "does not have the form"),
        (GOOD + GOOD, "does not have the form"),
        (GOOD.replace("~2", "~1"), "does not have the form"),
        (GOOD.replace("none~0", "~0"), "does not have the form"),
        ("", "does not have the form"),
        (GOOD.replace("nor_conv_3x3", "conv_3x3"), "no operation 'conv_3x3'.*'nor_conv_3x3'"),
    ],
)
def test_refuses_malformed_strings(string: str, message: str) -> None:
    with pytest.raises(ArchitectureError, match=message):
        CELL.from_strings([GOOD, string])


def test_is_found_by_name() -> None:
    assert cells.get("nas-bench-201") == CELL
