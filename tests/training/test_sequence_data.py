"""Sequences in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ax_anasod.exceptions import DataError, OptionError, UnknownNameError
from ax_anasod.training import SequenceConfig, SequenceData, load_data
from ax_anasod.training.sequences import (
    NOT_ASKED,
    RecallAndFacts,
    SelectiveCopying,
    seeded_generator,
)

TEXT = "the quick brown fox jumps over the lazy dog\n" * 40


def rows(data: SequenceData) -> list[set[tuple[int, ...]]]:
    return [set(map(tuple, part.tokens.tolist())) for part in (data.train, data.valid)]


@pytest.fixture
def text(tmp_path: Path) -> str:
    path = tmp_path / "text.txt"
    path.write_text("".join(f"{i} {word}" for i, word in enumerate(TEXT.split(" "))) + "\né€")
    return str(path)


@pytest.mark.parametrize("dataset", ["recall+facts", "recall", "facts", "copying"])
def test_splits_are_drawn_from_the_seed_and_share_no_sequence(dataset: str) -> None:
    config = SequenceConfig(dataset, sequences=200, seed=3)  # type: ignore[arg-type]
    data, test = load_data(config), load_data(config, "evaluation")
    assert (len(data.train), data.length) == (200, 48)
    assert data.parts == tuple(dataset.split("+"))
    assert torch.equal(data.train.tokens, test.train.tokens)
    learned, measured = rows(data)
    assert learned.isdisjoint(measured | rows(test)[1])
    assert measured.isdisjoint(rows(test)[1])
    assert load_data(config).digest == data.digest
    other = load_data(SequenceConfig(dataset, sequences=200, seed=4))  # type: ignore[arg-type]
    assert other.digest != data.digest
    assert int(data.train.tokens.max()) < data.vocabulary
    # Each part is asked something, and what belongs to it is known.
    for part in range(len(data.parts)):
        asked = data.train.targets[data.train.part == part] != NOT_ASKED
        assert asked.any(dim=1).all()


def test_a_task_alone_is_that_half_of_both() -> None:
    both, recall = RecallAndFacts(), RecallAndFacts(tasks="recall")
    for ours, theirs in zip(
        recall.draw(5, seeded_generator(1)), both.draw(10, seeded_generator(1)), strict=True
    ):
        assert torch.equal(ours, theirs[:5])
    facts = RecallAndFacts(tasks="facts").draw(4, seeded_generator(1))[0]
    assert int(facts.min()) >= 2 * both.keys


def test_copying_asks_for_the_symbols_in_their_order() -> None:
    task = SelectiveCopying(symbols=5, length=18)
    tokens, targets = task.draw(50, seeded_generator(0))
    places = set()
    for row, target in zip(tokens.tolist(), targets.tolist(), strict=True):
        symbols = [token for token in row[:-3] if token < 5]
        assert row[-3:] == [6, 6, 6]
        assert target == [NOT_ASKED] * 15 + symbols
        places.add(tuple(i for i, token in enumerate(row) if token < 5))
    assert len(places) > 40


def test_a_text_is_asked_for_character_by_character(text: str) -> None:
    config = SequenceConfig("text", path=text, length=20)
    search, evaluation = load_data(config), load_data(config, "evaluation")
    whole = Path(text).read_text()
    assert search.characters == "".join(sorted(set(whole)))
    assert search.vocabulary == len(search.characters)
    number = (len(whole) - 1) // 20
    assert len(search.train) == number - 2 * (number // 10)
    assert len(search.valid) == number // 10
    assert len(evaluation.train) == number - number // 10
    for data in (search, evaluation):
        for part in (data.train, data.valid):
            for tokens, targets in zip(part.tokens, part.targets, strict=True):
                said = "".join(data.characters[token] for token in tokens)
                asked = "".join(data.characters[token] for token in targets)
                assert said + asked[-1] in whole
                assert asked[:-1] == said[1:]
    assert rows(search)[1].isdisjoint(rows(evaluation)[1])
    few = load_data(SequenceConfig("text", path=text, length=20, sequences=7))
    assert torch.equal(few.train.tokens, search.train.tokens[:7])
    assert few.digest != search.digest


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    for content, message in (
        (b"\xff\xfe", "is no text in UTF-8: invalid start byte at byte 0"),
        (b"short", "has 5 characters, too few for 10 sequences of 48"),
        (b"", "has 0 characters"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=message):
            load_data(SequenceConfig("text", path=str(path)))
    with pytest.raises(DataError, match="cannot be read: No such file"):
        load_data(SequenceConfig("text", path=str(tmp_path / "none.txt")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": "text"}, "the data set 'text' needs a file"),
        ({"path": "a.txt"}, "the sequences of 'recall.facts' are drawn, but the file 'a.txt'"),
        ({"length": 5}, "length must be at least 6"),
        ({"sequences": 10**6, "length": 10**4}, "are more than 1,000,000,000 tokens"),
    ],
)
def test_impossible_sequences_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        SequenceConfig(**options)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError):
        SequenceConfig("copyin")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="length 50 is no multiple of 6"):
        load_data(SequenceConfig("recall", length=50))
