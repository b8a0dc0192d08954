"""Trained language models as files: everything that is needed to use one again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ax_anasod.cells import Cell
from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.networks.decoder import Decoder
from ax_anasod.networks.decoder_config import DecoderConfig
from ax_anasod.networks.sequence_operations import SequenceOperation
from ax_anasod.training.pairing import decoder_of
from ax_anasod.training.predict import predict_logits
from ax_anasod.training.sequence_data import SequenceData
from ax_anasod.training.stored_model import HINT, Description, read_description, with_weights
from ax_anasod.typing import Codes

# Logits have a number for each token of the vocabulary.
_AT_A_TIME = 64


@dataclass(frozen=True)
class TrainedDecoder:
    """A trained language model and what it needs to be used.

    Args:
        network: The network; its ``config.vocabulary`` says how many tokens there are.
        cell: The cell that it was built from.
        codes: ``n x d`` codes, one architecture or one for each repeat.
        dataset: Name of the data set that it learned from.
        parts: What was measured apart, such as ``("recall", "facts")``.
        length: Tokens of the sequences that it learned from.
        characters: Of a text, the character of each token; empty for a synthetic task.
        metrics: What was measured, by name; JSON-able.
        own_operations: Names of operations of the user's own that it was built with.
    """

    network: Decoder
    cell: Cell
    codes: Codes
    dataset: str
    parts: tuple[str, ...]
    length: int
    characters: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    own_operations: tuple[str, ...] = ()

    @classmethod
    def from_training(
        cls,
        network: Decoder,
        cell: Cell,
        codes: Codes,
        data: SequenceData,
        metrics: Mapping[str, Any],
        own_operations: tuple[str, ...] = (),
    ) -> TrainedDecoder:
        """A network that has learned from these sequences; see the arguments of the class."""
        about = (data.name, data.parts, data.length, data.characters)
        return cls(network, cell, codes, *about, metrics, own_operations)

    def predict(self, tokens: Tensor) -> Tensor:
        """Probabilities of what follows, after each token.

        Args:
            tokens: ``b x length`` whole numbers below the vocabulary, of any length.

        Returns:
            ``b x length x vocabulary`` probabilities, on the device of the network.

        Raises:
            OptionError: If the tokens have another shape or type, or there is no such token.
        """
        vocabulary = self.network.config.vocabulary
        if not isinstance(tokens, Tensor) or tokens.dtype != torch.int64 or tokens.ndim != 2:
            raise OptionError("tokens must be a torch.Tensor b x length of type int64")
        if tokens.numel() and not 0 <= int(tokens.min()) <= int(tokens.max()) < vocabulary:
            raise OptionError(
                f"tokens must be from 0 to {vocabulary - 1}, got {int(tokens.min())} to "
                f"{int(tokens.max())}"
            )
        device = self.network.head.weight.device
        logits = predict_logits(self.network, tokens, lambda t: t, device, _AT_A_TIME)
        return torch.softmax(logits, dim=-1)

    def encode(self, text: str) -> Tensor:
        """The tokens of a text, ``length``.

        Raises:
            OptionError: The text has a character that the network has not seen, or the network
                learned from no text.
        """
        place = {character: token for token, character in enumerate(self._characters())}
        for character in text:
            if character not in place:
                raise OptionError(f"the character {character!r} was not in the text")
        return torch.tensor([place[character] for character in text], dtype=torch.int64)

    def decode(self, tokens: Tensor) -> str:
        """The text of tokens ``length``.

        Raises:
            OptionError: The network learned from no text.
        """
        return "".join(self._characters()[token] for token in tokens.tolist())

    def _characters(self) -> str:
        if not self.characters:
            raise OptionError(f"the tokens of {self.dataset!r} are no characters")
        return self.characters


@dataclass(frozen=True)
class DecoderContent(Description):
    """The content of the file of a language model, but for the weights."""

    parts: tuple[str, ...]
    length: int
    characters: str


def read_decoder(
    path: Path,
    content: dict[str, Any],
    weights: Mapping[str, Tensor],
    operations: Mapping[str, SequenceOperation] | None,
) -> TrainedDecoder:
    """The language model that a file holds.

    Args:
        path: The file.
        content: The content of the file.
        weights: Its weights.
        operations: The operations of the user's own that the network was built with.

    Raises:
        RunError: The file is damaged.
        OptionError: The network needs operations that were not given.
    """
    held, cell, codes, config, own = read_description(
        path,
        content,
        DecoderContent,
        DecoderConfig.from_dict,
        lambda config: config.repeats,
        operations,
    )
    if held.characters and len(held.characters) != config.vocabulary:
        raise RunError(f"{path} has characters that do not fit its network", HINT)
    network = with_weights(
        path,
        weights,
        lambda device: decoder_of(cell, codes, config, own, 0, device),
        own=bool(own),
    )
    return TrainedDecoder(network, cell, codes, **held.about)
