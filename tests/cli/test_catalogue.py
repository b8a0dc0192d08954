from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ax_anasod.cli.catalogue import described_strategies
from ax_anasod.cli.options import STORED
from ax_anasod.generation_strategy import STRATEGIES
from ax_anasod.nasbench import NASBenchGraphBenchmark, names
from tests.cli.conftest import Command


def test_every_strategy_is_listed_with_its_options(command: Command) -> None:
    outcome = command("strategies")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    for name, strategy in STRATEGIES.items():
        (line,) = (line for line in lines if line.split()[:1] == [name])
        assert strategy.summary in line
        assert f"{strategy.space}s" in line
        assert ("ax-anasod[baselines]" in line) is (name in ("tpe", "smac"))
        for option in strategy.options:
            assert f"{option}=" in outcome.out
    assert "num_trials=--trials" in outcome.out
    assert "pool_size=none" in outcome.out


def test_one_strategy_is_shown_with_what_its_options_are(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = command("strategies", "bananas")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(f"bananas: {STRATEGIES['bananas'].summary}")
    rows = {line.split()[0]: line for line in outcome.out.splitlines() if line.strip()}
    for option in STRATEGIES["bananas"].options.values():
        assert option.text
        assert option.text.replace("``", "") in rows[option.name]
    assert "random | mutation | mixed" in rows["pool"]
    assert "Needs" not in outcome.out
    assert "Needs: ax-anasod[baselines]" in command("strategies", "tpe").out
    refused = command("strategies", "bananass")
    assert refused.code == 2
    assert "did you mean 'bananas'?" in refused.err


def test_the_stored_strategies_are_those_of_the_code() -> None:
    assert json.loads(STORED.read_text()) == described_strategies(), "run: make format"


def test_strategies_are_shown_without_loading_torch_or_ax(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from ax_anasod.cli.app import run\n"
        "assert run(['strategies', 'two-level-bo']) == 0\n"
        "assert not {'torch', 'ax', 'numpy'} & sys.modules.keys()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "More: docs/two-level.md" in done.stdout
    assert ":class:" not in done.stdout


def test_a_strategy_of_ones_own_is_listed(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shown_strategy.py").write_text(
        "from ax_anasod.generation_strategy import register_strategy\n"
        "from ax_anasod.generators import RandomArchitectureGenerator\n"
        "@register_strategy('of-my-own', 'draws')\n"
        "class Own(RandomArchitectureGenerator):\n"
        "    pass\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    try:
        outcome = command("--import", "shown_strategy", "strategies", "of-my-own")
    finally:
        STRATEGIES.pop("of-my-own", None)
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("of-my-own: draws")
    assert "More:" not in outcome.out


def test_every_benchmark_is_listed_with_what_it_needs(command: Command) -> None:
    outcome = command("benchmarks")
    assert (outcome.code, outcome.err) == (0, "")
    lines = {line.split()[0]: line for line in outcome.out.splitlines() if line.strip()}
    assert set(names()) <= set(lines)
    assert "--dataset" in lines["nas-bench-graph"]
    assert "--data" in lines["nas-bench-201"]
    for dataset in NASBenchGraphBenchmark.datasets:
        assert dataset in outcome.out
    assert "``" not in outcome.out


def test_help_leaves_the_ends_of_lines_to_the_terminal(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    outcome = command("train", "--help")
    assert outcome.code == 0
    assert "networks on scikit-learn's digits, and with --cell hybrid-lm" in outcome.out
