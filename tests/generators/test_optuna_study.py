"""A kept study changes nothing but the time a suggestion takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.generators import optuna_study
from ax_anasod.generators.optuna_study import Sampler, forget, suggest

pytest.importorskip("optuna", reason="the extra [baselines] is not installed")

SIZES = (5, 5, 5, 3)
SAMPLER = Sampler(seed=0, num_initial=5, multivariate=True, num_candidates=24)


def trials(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, SIZES, size=(n, 4)), rng.random(n)


def rebuilt(*arguments: object) -> list[int]:
    forget()
    return suggest(*arguments).tolist()  # type: ignore[arg-type]


@given(
    seeds=st.lists(st.integers(0, 3), min_size=4, max_size=10),
    lengths=st.lists(st.integers(5, 20), min_size=4, max_size=10),
    pending=st.integers(0, 3),
    multivariate=st.booleans(),
)
def test_suggestions_are_those_of_a_study_from_scratch(
    seeds: list[int], lengths: list[int], pending: int, multivariate: bool
) -> None:
    # Runs that take turns, grow, shrink and branch.
    asked = []
    for step, (seed, length) in enumerate(zip(seeds, lengths, strict=False)):
        codes, values = trials(length, seed)
        running = trials(pending, 100 + step)[0]
        sampler = replace(SAMPLER, seed=step, multivariate=multivariate)
        asked.append((SIZES, codes, values, running, sampler))

    kept = [suggest(*arguments).tolist() for arguments in asked]

    assert kept == [rebuilt(*arguments) for arguments in asked]


def test_a_changed_value_is_noticed() -> None:
    codes, values = trials(30)
    none = codes[:0]
    suggest(SIZES, codes, values, none, SAMPLER)

    changed = values[::-1].copy()

    assert suggest(SIZES, codes, changed, none, SAMPLER).tolist() == rebuilt(
        SIZES, codes, changed, none, SAMPLER
    )


def test_suggestions_are_those_of_optuna_itself() -> None:
    import optuna
    from optuna.distributions import CategoricalDistribution

    codes, values = trials(30)
    space = {f"x{i}": CategoricalDistribution(tuple(range(size))) for i, size in enumerate(SIZES)}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(
            seed=11, n_startup_trials=5, multivariate=True, constant_liar=False
        )
    )
    for code, value in zip(codes.tolist(), values.tolist(), strict=True):
        params = {f"x{i}": choice for i, choice in enumerate(code)}
        study.add_trial(optuna.create_trial(value=value, params=params, distributions=space))
    own = [study.ask(space).params[name] for name in space]

    ours = suggest(SIZES, codes, values, codes[:0], replace(SAMPLER, seed=11))

    assert ours.tolist() == own


def test_an_interrupted_suggestion_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, values = trials(20)
    running = codes[:3]
    suggest(SIZES, codes[:19], values[:19], running, SAMPLER)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(optuna_study, "_sampler", interrupt)
        with pytest.raises(KeyboardInterrupt):
            suggest(SIZES, codes, values, running, SAMPLER)

    assert suggest(SIZES, codes, values, running, SAMPLER).tolist() == rebuilt(
        SIZES, codes, values, running, SAMPLER
    )


def test_optuna_speaks_as_loudly_as_before(capfd: pytest.CaptureFixture[str]) -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.INFO)
    codes, values = trials(20)

    rebuilt(SIZES, codes, values, codes[:0], SAMPLER)

    assert optuna.logging.get_verbosity() == optuna.logging.INFO
    assert "study" not in capfd.readouterr().err
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def test_few_studies_are_kept() -> None:
    for seed in range(10):
        codes, values = trials(8, seed)
        suggest(SIZES, codes, values, codes[:0], SAMPLER)

    assert len(optuna_study._kept) <= 4
