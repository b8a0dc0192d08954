"""Sequences to learn from: two synthetic tasks that a language model has to solve at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from ax_anasod.exceptions import OptionError
from ax_anasod.settings import NonNegativeInt, PositiveInt, checked

NOT_ASKED: Final = -100
"""The target of a token that nothing is asked after: ``ignore_index`` of torch's losses."""


@checked
@dataclass(frozen=True)
class RecallAndFacts:
    """Half of the sequences of a batch ask for what was said in them, half for what is always so.

    - ``recall``: keys and values take turns; a value belongs to its key throughout the sequence
      and to another one in the next. Asked: the value of a key that has come before.
    - ``facts``: triples a, b, f(a, b), where f is one table of random values for all sequences.
      Asked: f. It has to be remembered in the weights, and of a pair of tokens.

    The two have no token in common: a network learns both, and one training gives two errors.

    Source of the idea: Poli et al., "Mechanistic design and scaling of hybrid architectures" (ICML
    2024): in-context recall and memorisation, of which the second maps one token there.

    Args:
        keys: Keys of ``recall``, and as many values.
        names: Names a and b of ``facts``, and as many values.
        length: Tokens of a sequence, a multiple of 6.
        data_seed: The seed of the table f.

    Raises:
        OptionError: A value is out of range.
    """

    keys: PositiveInt = 10
    names: PositiveInt = 40
    length: PositiveInt = 48
    data_seed: NonNegativeInt = 0

    def __post_init__(self) -> None:
        if self.length % 6:
            raise OptionError(f"length {self.length} is no multiple of 6", "pairs and triples")

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        return 2 * self.keys + 2 * self.names

    def draw(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Sequences, the first half of them ``recall``, the others ``facts``.

        Args:
            n: How many.
            generator: The source of the random numbers.

        Returns:
            Tokens ``n x length`` and targets ``n x length``, `NOT_ASKED` where nothing is asked.
        """
        halves = (self._recall(n - n // 2, generator), self._facts(n // 2, generator))
        tokens, targets = (torch.cat(parts) for parts in zip(*halves, strict=True))
        return tokens, targets

    def _recall(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        pairs = self.length // 2
        keys = torch.randint(self.keys, (n, pairs), generator=generator)
        value_of = torch.randint(self.keys, (n, self.keys), generator=generator)
        values = self.keys + value_of.gather(1, keys)
        same = keys[:, :, None] == keys[:, None, :]
        seen = (same & torch.ones(pairs, pairs, dtype=torch.bool).tril(-1)).any(dim=2)
        asked = values.where(seen, NOT_ASKED)
        return _interleaved(keys, values), _interleaved(asked, torch.full_like(keys, NOT_ASKED))

    def _facts(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        table = torch.randint(
            self.names, (self.names, self.names), generator=seeded("facts", self.data_seed)
        )
        a, b = torch.randint(self.names, (2, n, self.length // 3), generator=generator)
        first = 2 * self.keys
        value = first + self.names + table[a, b]
        nothing = torch.full_like(a, NOT_ASKED)
        return _interleaved(first + a, first + b, value), _interleaved(nothing, value, nothing)


def errors(logits: Tensor, targets: Tensor) -> Mapping[str, float]:
    """What a network got wrong on sequences of :class:`RecallAndFacts`.

    Args:
        logits: ``n x length x vocabulary``.
        targets: ``n x length``.

    Returns:
        ``recall_error`` and ``facts_error`` in percent of what was asked, and ``loss`` in nats, the
        mean over all that was asked.
    """
    wrong, asked = logits.argmax(dim=-1) != targets, targets != NOT_ASKED
    recall = torch.arange(len(targets))[:, None] < len(targets) - len(targets) // 2
    return {
        "recall_error": 100.0 * float(wrong[asked & recall].double().mean()),
        "facts_error": 100.0 * float(wrong[asked & ~recall].double().mean()),
        "loss": float(sequence_loss(logits, targets)),
    }


def sequence_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """The mean cross-entropy in nats over what was asked."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=NOT_ASKED)


def seeded(*words: Any) -> torch.Generator:
    """A generator whose numbers follow from words, the same in every version of Python."""
    digest = hashlib.sha256("/".join(map(str, words)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def _interleaved(*columns: Tensor) -> Tensor:
    return torch.stack(columns, dim=-1).flatten(1)
