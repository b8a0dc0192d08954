"""Sequences of tokens in memory, drawn or read once, ready for training."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from torch import Tensor

from ax_anasod.exceptions import DataError
from ax_anasod.files import read_bytes
from ax_anasod.training.sequences import (
    RecallAndFacts,
    SelectiveCopying,
    SequenceTask,
    part_of,
    seeded_generator,
)
from ax_anasod.training.training_config import SequenceConfig

# Sequences that are drawn to learn from by default, and sequences that are measured on.
_DRAWN: Final = 1600
_MEASURED: Final = {"search": 384, "evaluation": 2000}
# A tenth of the sequences of a text is for the search to measure on, another for the test.
_HELD_OUT: Final = 10
_MOST_BYTES: Final = 2**28


@dataclass(frozen=True)
class Sequences:
    """Sequences of one length, with what is asked after each token.

    Args:
        tokens: ``n x length``, int64.
        targets: ``n x length``, int64;
            :data:`ax_anasod.training.sequences.NOT_ASKED` where nothing is asked.
        part: ``n``, which of the parts of a data set each sequence belongs to.
    """

    tokens: Tensor
    targets: Tensor
    part: Tensor

    def __len__(self) -> int:
        return len(self.tokens)

    def subset(self, indices: Tensor) -> Sequences:
        """The sequences with these indices (``m``), in their order."""
        return Sequences(self.tokens[indices], self.targets[indices], self.part[indices])

    def to(self, device: torch.device) -> Sequences:
        """The sequences in the memory of a device."""
        return Sequences(self.tokens.to(device), self.targets.to(device), self.part.to(device))


@dataclass(frozen=True)
class SequenceData:
    """The data of one training of a language model.

    Args:
        name: Name of the data set.
        train: Sequences to learn from.
        valid: Sequences to be measured on.
        vocabulary: How many tokens there are.
        parts: What is measured apart, such as ``("recall", "facts")``.
        characters: Of a text, the character of each token.
    """

    name: str
    train: Sequences
    valid: Sequences
    vocabulary: int
    parts: tuple[str, ...]
    characters: str = ""

    @property
    def length(self) -> int:
        """Tokens of a sequence."""
        return int(self.train.tokens.shape[1])

    @property
    def digest(self) -> str:
        """A digest of all sequences, by which others are known."""
        content = hashlib.sha256(self.characters.encode())
        for part in (self.train, self.valid):
            for tensor in (part.tokens, part.targets):
                content.update(tensor.cpu().contiguous().numpy().data)
        return content.hexdigest()[:16]


def load_sequences(
    config: SequenceConfig, purpose: Literal["search", "evaluation"] = "search"
) -> SequenceData:
    """Draw the sequences of a task, or read those of a text.

    Args:
        config: Which sequences.
        purpose: ``"search"`` measures on validation sequences, ``"evaluation"`` on test
            sequences, which are others; of a text it learns from the validation sequences, too.

    Raises:
        DataError: The text cannot be read, or is too short.
        OptionError: The length does not fit the task.

    Example:
        >>> data = load_sequences(SequenceConfig("copying", sequences=100))
        >>> len(data.train), data.length, data.vocabulary
        (100, 48, 18)
    """
    if config.path is not None:
        return _of_text(config, Path(config.path), purpose)
    task = _task(config)

    def drawn(number: int, use: str) -> Sequences:
        words = ("sequences", config.dataset, config.length, config.seed, use)
        tokens, targets = task.draw(number, seeded_generator(*words))
        return Sequences(tokens, targets, part_of(number, len(task.parts)))

    return SequenceData(
        config.dataset,
        drawn(config.sequences or _DRAWN, "train"),
        drawn(_MEASURED[purpose], purpose),
        task.vocabulary,
        task.parts,
    )


def read_text_file(path: Path) -> bytes:
    """The bytes of the file of a text.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        return read_bytes(path, _MOST_BYTES)
    except OSError as error:
        raise DataError(f"the text {path} cannot be read: {error.strerror}") from error


def digest_of(content: bytes) -> str:
    """The digest that tells a text from others (`SequenceConfig.digest`)."""
    return hashlib.sha256(content).hexdigest()


def _task(config: SequenceConfig) -> SequenceTask:
    if config.dataset == "copying":
        return SelectiveCopying(length=config.length)
    assert config.dataset != "text"  # which has a file
    return RecallAndFacts(length=config.length, data_seed=config.seed, tasks=config.dataset)


def _of_text(config: SequenceConfig, path: Path, purpose: str) -> SequenceData:
    """The characters of a text, each asked for after those before it in its sequence."""
    content = read_text_file(path)
    if config.digest not in (None, digest_of(content)):
        raise DataError(
            f"the text {path} is not the one that this run has begun with",
            "put that back, or begin another run",
        )
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is no text in UTF-8: {error.reason} at byte {error.start}"
        ) from error
    points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    number = max(len(points) - 1, 0) // config.length
    if number < _HELD_OUT:
        raise DataError(
            f"the text {path} has {len(points):,} characters, too few for {_HELD_OUT} sequences of "
            f"{config.length}",
            "take a longer text, or shorter sequences",
        )
    characters, codes = np.unique(points, return_inverse=True)
    tokens = torch.from_numpy(codes.astype(np.int64))
    # No character is asked for twice: what is measured was not learned.
    whole = Sequences(
        tokens[: number * config.length].view(number, config.length),
        tokens[1 : number * config.length + 1].view(number, config.length),
        torch.zeros(number, dtype=torch.int64),
    )
    order = torch.randperm(number, generator=seeded_generator("sequences", "text", config.seed))
    held_out = number // _HELD_OUT
    test, valid, rest = torch.split(order, [held_out, held_out, number - 2 * held_out])
    if purpose == "evaluation":
        measured, learned = test, torch.cat([rest, valid])
    else:
        measured, learned = valid, rest
    return SequenceData(
        config.dataset,
        whole.subset(learned[: config.sequences]),
        whole.subset(measured[: _MEASURED[purpose]]),
        len(characters),
        ("text",),
        "".join(map(chr, characters)),
    )
