"""The categories against the words of the genotype, and a row that is known."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.exceptions import BenchmarkError
from ax_anasod.nasbench.nasbench301.categories import (
    PREFIX,
    UNUSED,
    CategoryTable,
    category_names,
)

FIRST_ROW = "3 6 4 2 0 0 6 0 7 3 0 0 7 0 1 6 1 6 0 0 0 3 6 0 2 1 0 0 1 5 3 1 6 5"


@pytest.fixture(scope="session")
def encoding(shared_data: Path) -> dict[str, dict[str, int]]:
    content: dict[str, dict[str, int]] = json.loads(
        (shared_data / "darts" / "nb301_yahpo" / "encoding.json").read_text()
    )
    return content


def test_the_row_that_the_data_documents(
    encoding: dict[str, dict[str, int]], known_codes: np.ndarray
) -> None:
    categories = CategoryTable(encoding, "the file")(known_codes[:1])
    assert categories.dtype == np.int32
    assert categories.tolist() == [[int(number) for number in FIRST_ROW.split()]]


def test_categories_say_what_the_genotype_says(
    encoding: dict[str, dict[str, int]], some_codes: np.ndarray
) -> None:
    names = category_names()
    table = CategoryTable(encoding, "the file")
    words = [{number: word for word, number in encoding[name].items()} for name in names]
    texts = cells.get("darts").to_strings(some_codes)
    for text, numbers in zip(texts, table(some_codes), strict=True):
        said = {
            name.removeprefix(PREFIX): values[number]
            for name, values, number in zip(names, words, numbers, strict=True)
            if values[number] != UNUSED
        }
        assert said == categories_of(text)


def categories_of(genotype: str) -> dict[str, str]:
    """The categories in words, read from the genotype as the package nasbench301 does."""
    said: dict[str, Any] = {}
    for part in ("normal", "reduce"):
        blocks = re.search(rf"\b{part}=\[(.*?)\]", genotype)
        assert blocks is not None
        edges = re.findall(r"\('(\w+)', (\d)\)", blocks[1])
        start = 0
        for node in range(2, 6):
            pair = edges[2 * (node - 2) : 2 * (node - 1)]
            said |= {f"edge_{part}_{start + int(source)}": name for name, source in pair}
            if node > 2:
                said[f"inputs_node_{part}_{node}"] = "_".join(sorted(s for _, s in pair))
            start += node
    return said


def test_no_architectures(encoding: dict[str, dict[str, int]], some_codes: np.ndarray) -> None:
    assert CategoryTable(encoding, "the file")(some_codes[:0]).shape == (0, 34)


def test_what_an_encoding_lacks_is_named(encoding: dict[str, dict[str, int]]) -> None:
    edge, inputs = PREFIX + "edge_reduce_13", PREFIX + "inputs_node_normal_4"
    without = {name: values for name, values in encoding.items() if name != edge}
    with pytest.raises(BenchmarkError, match="^the file has no category '.*edge_reduce_13'"):
        CategoryTable(without, "the file")
    fewer = encoding | {edge: {w: n for w, n in encoding[edge].items() if w != "skip_connect"}}
    with pytest.raises(BenchmarkError, match="no whole number .* for 'skip_connect'"):
        CategoryTable(fewer, "the file")
    for wrong in (2.5, True, -1, 2**31, 10**30):
        wronged: Any = encoding | {inputs: encoding[inputs] | {"0_3": wrong}}
        with pytest.raises(BenchmarkError, match="from 0 to .* for '0_3' .*inputs_node_normal_4"):
            CategoryTable(wronged, "the file")
