"""Language models as files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import ax_anasod
from ax_anasod import cells
from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.networks.decoder import build_decoder
from ax_anasod.networks.decoder_config import DecoderConfig
from ax_anasod.training import (
    SequenceConfig,
    TrainedDecoder,
    load_data,
    read_state,
    save_model,
    write_state,
)

CELL = cells.get("hybrid-lm")


@pytest.fixture
def model(tmp_path: Path) -> TrainedDecoder:
    text = tmp_path / "text.txt"
    text.write_text("abc€ " * 200)
    data = load_data(SequenceConfig("text", path=str(text), length=12))
    config = DecoderConfig(width=8, heads=1, hidden=8, vocabulary=data.vocabulary, repeats=2)
    codes = CELL.from_strings(["MAMLMM", "LLLMMA"])
    network = build_decoder([CELL.architecture(code) for code in codes], config, seed=3)
    return TrainedDecoder.from_training(network.eval(), CELL, codes, data, {"test_error": 5.0})


def test_a_model_comes_back(model: TrainedDecoder, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    save_model(path, model)
    loaded = ax_anasod.load_model(path)
    assert isinstance(loaded, TrainedDecoder)
    for name in ("cell", "dataset", "parts", "length", "characters", "metrics", "own_operations"):
        assert getattr(loaded, name) == getattr(model, name), name
    assert loaded.codes.tolist() == model.codes.tolist()
    assert loaded.network.config == model.network.config
    tokens = loaded.encode("cab €")
    assert loaded.decode(tokens) == "cab €"
    told = loaded.predict(tokens[None])
    assert told.shape == (1, 5, 5)
    torch.testing.assert_close(told, model.predict(tokens[None]), rtol=0, atol=0)
    torch.testing.assert_close(told.sum(dim=-1), torch.ones(1, 5))


def test_what_is_no_sequence_is_refused(model: TrainedDecoder) -> None:
    with pytest.raises(OptionError, match="the character 'x' was not in the text"):
        model.encode("axe")
    for tokens in (torch.zeros(2, 3), torch.zeros(3, dtype=torch.int64), [[1]]):
        with pytest.raises(OptionError, match="must be a torch.Tensor b x length of type int64"):
            model.predict(tokens)  # type: ignore[arg-type]
    for token in (-1, 5):
        with pytest.raises(OptionError, match=f"must be from 0 to 4, got {token} to {token}"):
            model.predict(torch.full((1, 2), token))
    silent = TrainedDecoder(model.network, CELL, model.codes, "recall", ("recall",), 12)
    with pytest.raises(OptionError, match="the tokens of 'recall' are no characters"):
        silent.decode(torch.tensor([1]))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("characters", "ab", "has characters that do not fit its network"),
        ("characters", 3, "has characters = 3, not a text"),
        ("codes", [[0] * 6], "the weights in .* are not those of its architecture"),
        ("codes", [[0] * 6] * 3, "describes no network: 3 architectures are given for repeats = 2"),
        ("config", {"width": 7}, "describes no network: width 7 is no even number of channels"),
        ("config", {"repeats": 10**9}, "describes no network: repeats must be"),
        ("weights", [], "it has no weights"),
        ("version", 2, "has the version 2 of the format, not 1"),
    ],
)
def test_a_damaged_file_is_refused(
    model: TrainedDecoder, tmp_path: Path, name: str, value: object, message: str
) -> None:
    path = tmp_path / "model.pt"
    save_model(path, model)
    write_state(path, {**read_state(path), name: value})
    with pytest.raises(RunError, match=message) as error:
        ax_anasod.load_model(path)
    assert "\n" not in str(error.value)


class Mine(nn.Module):
    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(config.width))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


def test_own_operations_are_asked_for(model: TrainedDecoder, tmp_path: Path) -> None:
    cell = cells.Cell("mine", ["mine", "mlp"], num_blocks=2)
    config = DecoderConfig(width=8, heads=1, vocabulary=18)
    network = build_decoder(cell.architecture("mine|mlp"), config, {"mine": Mine}, seed=0)
    data = load_data(SequenceConfig("copying", sequences=5))
    codes = cell.from_strings(["mine|mlp"])
    path = tmp_path / "model.pt"
    save_model(path, TrainedDecoder.from_training(network, cell, codes, data, {}, ("mine",)))
    with pytest.raises(OptionError):
        ax_anasod.load_model(path)
    loaded = ax_anasod.load_model(path, {"mine": Mine})
    torch.testing.assert_close(
        loaded.predict(data.train.tokens), torch.softmax(network(data.train.tokens), dim=-1)
    )
