"""The tasks that language models learn."""

from __future__ import annotations

import pytest
import torch

from ax_anasod.exceptions import OptionError
from ax_anasod.training.sequences import (
    NOT_ASKED,
    RecallAndFacts,
    errors,
    seeded_generator,
    sequence_loss,
)

TASK = RecallAndFacts()


def test_recall_asks_for_what_was_said() -> None:
    tokens, targets = TASK.draw(40, seeded_generator("a"))
    assert tokens.shape == targets.shape == (40, TASK.length)
    asked = 0
    for row, target in zip(tokens[:20].tolist(), targets[:20].tolist(), strict=True):
        said: dict[int, int] = {}
        for key, value, wanted, nothing in zip(
            row[::2], row[1::2], target[::2], target[1::2], strict=True
        ):
            assert key < TASK.keys
            assert TASK.keys <= value < 2 * TASK.keys
            assert nothing == NOT_ASKED
            assert wanted == said.get(key, NOT_ASKED)
            said[key] = value
            asked += wanted != NOT_ASKED
    assert asked > 200


def test_facts_are_the_same_in_every_sequence() -> None:
    facts: dict[tuple[int, int], int] = {}
    for seed in range(3):
        tokens, targets = TASK.draw(200, seeded_generator(seed))
        tokens, targets = tokens[100:], targets[100:]
        for row, target in zip(tokens.tolist(), targets.tolist(), strict=True):
            for a, b, value, wanted in zip(
                row[::3], row[1::3], row[2::3], target[1::3], strict=True
            ):
                assert value == wanted == facts.setdefault((a, b), value)
        assert (targets[:, ::3] == NOT_ASKED).all()
        assert (targets[:, 2::3] == NOT_ASKED).all()
    assert len(facts) > 1000
    assert len(set(facts.values())) == TASK.names
    other = RecallAndFacts(data_seed=1).draw(200, seeded_generator(0))[1]
    assert not torch.equal(other, TASK.draw(200, seeded_generator(0))[1])


def test_the_halves_share_no_token() -> None:
    tokens, _ = TASK.draw(30, seeded_generator("a"))
    assert set(tokens[:15].ravel().tolist()).isdisjoint(tokens[15:].ravel().tolist())
    assert int(tokens.max()) < TASK.vocabulary


def test_the_same_words_give_the_same_sequences() -> None:
    torch.testing.assert_close(
        TASK.draw(8, seeded_generator(1, "x")), TASK.draw(8, seeded_generator(1, "x"))
    )
    assert not torch.equal(
        TASK.draw(8, seeded_generator(1, "x"))[0], TASK.draw(8, seeded_generator(2, "x"))[0]
    )
    # Numbers that a table was made with, on any machine.
    assert torch.randint(1000, (4,), generator=seeded_generator(0, "MMAMLM")).tolist() == [
        677,
        996,
        176,
        140,
    ]


def test_errors_are_those_of_each_half() -> None:
    _, targets = TASK.draw(30, seeded_generator("a"))
    right = torch.nn.functional.one_hot(targets.clamp_min(0), TASK.vocabulary).double() * 50.0
    assert errors(right, targets) == pytest.approx(
        {"recall_error": 0.0, "facts_error": 0.0, "loss": 0.0}, abs=1e-6
    )
    wrong = right.clone()
    wrong[15:] = wrong[15:].roll(1, dims=-1)
    found = errors(wrong, targets)
    assert (found["recall_error"], found["facts_error"]) == (0.0, 100.0)
    asked = targets != NOT_ASKED
    share = float(asked[15:].sum() / asked.sum())
    assert found["loss"] == pytest.approx(50.0 * share, rel=1e-6)
    assert float(sequence_loss(wrong[:15], targets[:15])) == pytest.approx(0.0, abs=1e-6)


def test_sizes_out_of_range_are_refused() -> None:
    with pytest.raises(OptionError):
        RecallAndFacts(keys=0)
    with pytest.raises(OptionError):
        RecallAndFacts(length=50)
