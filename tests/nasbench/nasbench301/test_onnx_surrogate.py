"""YAHPO Gym's model: values that are known, and folders that are damaged."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ax_anasod import cells
from ax_anasod.exceptions import BenchmarkError, OptionalImportError, OptionError
from ax_anasod.nasbench.nasbench301.onnx_surrogate import (
    PREFIX,
    UNUSED,
    CategoryTable,
    OnnxSurrogate,
    category_names,
)

FIRST_ROW = "3 6 4 2 0 0 6 0 7 3 0 0 7 0 1 6 1 6 0 0 0 3 6 0 2 1 0 0 1 5 3 1 6 5"


def test_documented_values(onnx_directory: Path, known_codes: np.ndarray) -> None:
    for epochs, accuracy, seconds in ((98, 94.8408, 6339.57), (1, 40.8179, 369.48)):
        prediction = OnnxSurrogate(onnx_directory, epochs).predict(known_codes[:1])
        assert prediction.accuracy == pytest.approx([accuracy], abs=1e-4)
        assert prediction.seconds == pytest.approx([seconds], abs=0.01)
        assert prediction.deviation is None


def test_values_of_the_table(
    onnx_directory: Path, known: pd.DataFrame, known_codes: np.ndarray
) -> None:
    rows = slice(None, None, 25)
    prediction = OnnxSurrogate(onnx_directory).predict(known_codes[rows])
    np.testing.assert_allclose(prediction.accuracy, known["yahpo_val_98"][rows], atol=1e-4)
    seconds = known["yahpo_runtime_seconds_98"][rows]
    np.testing.assert_allclose(prediction.seconds, seconds, atol=0.06)


def test_ranks_as_the_official_surrogate_does(
    onnx_directory: Path, known: pd.DataFrame, known_codes: np.ndarray
) -> None:
    rows = known["nb301_xgb_val"].notna().to_numpy()
    predicted = pd.Series(OnnxSurrogate(onnx_directory).predict(known_codes[rows]).accuracy)
    official = known["nb301_xgb_val"][rows].reset_index(drop=True)
    assert predicted.rank().corr(official.rank()) > 0.9


def test_a_batch_is_its_rows(onnx_directory: Path, some_codes: np.ndarray) -> None:
    surrogate = OnnxSurrogate(onnx_directory)
    together = surrogate.predict(some_codes).accuracy
    alone = [surrogate.predict(code[None]).accuracy[0] for code in some_codes[::-1]]
    assert together.tolist() == alone[::-1]
    assert surrogate.predict(some_codes[:0]).accuracy.shape == (0,)


@pytest.mark.parametrize("epochs", [0, 99, -1, 2.5, True, "98"])
def test_other_numbers_of_epochs(onnx_directory: Path, epochs: int) -> None:
    with pytest.raises(OptionError, match=f"predict {epochs!r} epochs .*from 1 to 98"):
        OnnxSurrogate(onnx_directory, epochs)


def test_a_truncated_model(onnx_copy: Path) -> None:
    model = onnx_copy / "model.onnx"
    model.write_bytes(model.read_bytes()[:100_000])
    with pytest.raises(BenchmarkError, match="model.onnx is no ONNX model, or damaged") as error:
        OnnxSurrogate(onnx_copy)
    assert "\n" not in str(error.value)


def test_an_empty_model(onnx_copy: Path) -> None:
    (onnx_copy / "model.onnx").write_bytes(b"")
    with pytest.raises(BenchmarkError, match="model.onnx is"):
        OnnxSurrogate(onnx_copy)


def test_a_missing_encoding(onnx_copy: Path) -> None:
    (onnx_copy / "encoding.json").unlink()
    with pytest.raises(BenchmarkError, match="holds no encoding.json"):
        OnnxSurrogate(onnx_copy)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "encoding.json is damaged: it is no JSON"),
        ("[1]", r"it is \[1\], not an object"),
        ('{"a": {"b": "c"}}', r"it has \['a'\]\['b'\] = 'c', not a whole number"),
        ("{}", "has no category"),
    ],
)
def test_a_damaged_encoding(onnx_copy: Path, content: str, said: str) -> None:
    (onnx_copy / "encoding.json").write_text(content)
    with pytest.raises(BenchmarkError, match=said):
        OnnxSurrogate(onnx_copy)


def test_without_onnxruntime(onnx_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(OptionalImportError):
        OnnxSurrogate(onnx_directory)


def test_a_fingerprint_is_of_both_files(onnx_directory: Path, onnx_copy: Path) -> None:
    original = OnnxSurrogate(onnx_directory).fingerprint()
    assert OnnxSurrogate(onnx_copy, epochs=7).fingerprint() == original
    with (onnx_copy / "encoding.json").open("a") as encoding:
        encoding.write("\n")
    assert OnnxSurrogate(onnx_copy).fingerprint() != original


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
