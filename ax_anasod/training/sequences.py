"""Synthetic tasks for language models, and what a model gets wrong of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Protocol

import torch
from annotated_types import Ge
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from ax_anasod.exceptions import OptionError
from ax_anasod.settings import NonNegativeInt, PositiveInt, checked

NOT_ASKED: Final = -100
"""The target of a token that nothing is asked after: ``ignore_index`` of torch's losses."""


class SequenceTask(Protocol):
    """Sequences that can be drawn without end."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the measured parts; a draw has about as many sequences of each, in order."""
        ...

    @property
    def vocabulary(self) -> int:
        """The number of tokens."""
        ...

    def draw(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Tokens ``n x length`` and targets ``n x length``, `NOT_ASKED` where nothing is asked."""
        ...


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
        tasks: Both, or which one.

    Raises:
        OptionError: A value is out of range.
        UnknownNameError: The tasks are unknown.
    """

    keys: PositiveInt = 10
    names: PositiveInt = 40
    length: PositiveInt = 48
    data_seed: NonNegativeInt = 0
    tasks: Literal["recall+facts", "recall", "facts"] = "recall+facts"

    def __post_init__(self) -> None:
        if self.length % 6:
            raise OptionError(f"length {self.length} is no multiple of 6", "pairs and triples")

    @property
    def parts(self) -> tuple[str, ...]:
        """The tasks."""
        return tuple(self.tasks.split("+"))

    @property
    def vocabulary(self) -> int:
        """The number of tokens."""
        return 2 * self.keys + 2 * self.names

    def draw(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Sequences, the first half of them ``recall``, the others ``facts``.

        Args:
            n: How many.
            generator: The source of the random numbers.

        Returns:
            Tokens ``n x length`` and targets ``n x length``, `NOT_ASKED` where nothing is asked.
        """
        draws = {"recall": self._recall, "facts": self._facts}
        numbers = torch.bincount(part_of(n, len(self.parts)), minlength=len(self.parts)).tolist()
        drawn = [draws[p](m, generator) for p, m in zip(self.parts, numbers, strict=True)]
        tokens, targets = (torch.cat(halves) for halves in zip(*drawn, strict=True))
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
            self.names,
            (self.names, self.names),
            generator=seeded_generator("facts", self.data_seed),
        )
        a, b = torch.randint(self.names, (2, n, self.length // 3), generator=generator)
        first = 2 * self.keys
        value = first + self.names + table[a, b]
        nothing = torch.full_like(a, NOT_ASKED)
        return _interleaved(first + a, first + b, value), _interleaved(nothing, value, nothing)


@checked
@dataclass(frozen=True)
class SelectiveCopying:
    """Symbols lie scattered among blanks; at the end they are asked for, in their order.

    A sixth of the tokens are symbols, and as many at the end ask for them. What is asked does not
    follow from a distance: a network has to choose what it keeps.

    Source of the idea: Gu and Dao, "Mamba" (2023), Section 3.1; Poli et al. (ICML 2024).

    Args:
        symbols: How many different ones.
        length: Tokens of a sequence.

    Raises:
        OptionError: A value is out of range.
    """

    symbols: PositiveInt = 16
    length: Annotated[int, Ge(6)] = 48

    @property
    def parts(self) -> tuple[str, ...]:
        """The one task."""
        return ("copying",)

    @property
    def vocabulary(self) -> int:
        """The number of tokens: the symbols, the blank, and the one that asks."""
        return self.symbols + 2

    def draw(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Sequences.

        Args:
            n: How many.
            generator: The source of the random numbers.

        Returns:
            Tokens ``n x length`` and targets ``n x length``, `NOT_ASKED` where nothing is asked.
        """
        copied = self.length // 6
        content = torch.randint(self.symbols, (n, copied), generator=generator)
        order = torch.rand(n, self.length - copied, generator=generator).argsort(dim=1)
        tokens = torch.full((n, self.length), self.symbols)
        tokens.scatter_(1, order[:, :copied].sort(dim=1).values, content)
        targets = torch.full_like(tokens, NOT_ASKED)
        tokens[:, -copied:] = self.symbols + 1
        targets[:, -copied:] = content
        return tokens, targets


def part_of(n: int, parts: int) -> Tensor:
    """The number of the part of each of ``n`` sequences of a draw, in about equal shares."""
    return torch.arange(n) * parts // max(n, 1)


def answers(logits: Tensor, targets: Tensor) -> Tensor:
    """Sums over the targets of each sequence, ``n x 3``: loss (nats), wrong answers, targets.

    Args:
        logits: ``n x length x vocabulary``.
        targets: ``n x length``.
    """
    asked = targets != NOT_ASKED
    loss = F.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=NOT_ASKED, reduction="none"
    )
    wrong = (logits.argmax(dim=-1) != targets) & asked
    sums = [values.double().sum(dim=1) for values in (loss.view_as(targets), wrong, asked)]
    return torch.stack(sums, dim=1)


def error_of_parts(answered: Tensor, part: Tensor, names: Sequence[str]) -> dict[str, float]:
    """The share of wrong answers in each part, in percent: ``recall_error`` of ``recall``.

    Args:
        answered: ``n x 3``, from `answers`.
        part: ``n``, the part that each sequence belongs to.
        names: Names of the parts.
    """
    sums = [answered[part == i].sum(dim=0).tolist() for i in range(len(names))]
    return {
        f"{name}_error": 100.0 * (wrong / max(asked, 1.0))
        for name, (_, wrong, asked) in zip(names, sums, strict=True)
    }


def errors(logits: Tensor, targets: Tensor) -> Mapping[str, float]:
    """The errors of a network on sequences of :class:`RecallAndFacts`.

    Args:
        logits: ``n x length x vocabulary``.
        targets: ``n x length``.

    Returns:
        ``recall_error`` and ``facts_error`` in percent of what was asked, and ``loss`` in nats, the
        mean over all that was asked.
    """
    parts = RecallAndFacts().parts
    return {
        **error_of_parts(answers(logits, targets), part_of(len(targets), len(parts)), parts),
        "loss": float(sequence_loss(logits, targets)),
    }


def sequence_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """The mean cross-entropy in nats over what was asked."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=NOT_ASKED)


def seeded_generator(*words: Any) -> torch.Generator:
    """A generator whose numbers follow from words, the same in every version of Python."""
    digest = hashlib.sha256("/".join(map(str, words)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def _interleaved(*columns: Tensor) -> Tensor:
    return torch.stack(columns, dim=-1).flatten(1)
