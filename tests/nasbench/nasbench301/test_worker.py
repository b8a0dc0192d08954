"""What may happen to the process of a surrogate, each time with a real process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.exceptions import BenchmarkError
from ax_anasod.nasbench.nasbench301.worker import (
    CHUNK,
    GenotypeRefusedError,
    ProcessLostError,
    Worker,
    _checked,
)
from tests.conftest import PATIENCE
from tests.nasbench.nasbench301.linear_worker import OPERATIONS, LinearModel, random_genotype

Start = Callable[..., Worker]


@pytest.fixture
def start(linear_command: list[str]) -> Iterator[Start]:
    """Starts workers, and ends them after the test."""
    workers: list[Worker] = []

    def started(*options: str, **times: float) -> Worker:
        workers.append(Worker([*linear_command, *options], **times))
        return workers[-1]

    yield started
    for worker in workers:
        worker.close()


@pytest.fixture(scope="module")
def model() -> LinearModel:
    return LinearModel()


def genotypes(number: int, first: str = "sep_conv_3x3") -> list[dict[str, Any]]:
    """Random ones that all begin with the same operation."""
    rng = np.random.default_rng(number)
    drawn = [random_genotype(rng) for _ in range(number)]
    for genotype in drawn:
        genotype["normal"][0][0] = first
    return drawn


def test_answers_come_in_order(start: Start, model: LinearModel) -> None:
    worker = start("--seconds")
    asked = genotypes(2 * CHUNK + 17)
    answer = worker.predict(asked)
    assert answer["accuracy"] == model(asked)
    assert answer["deviation"] == [0.5] * len(asked)
    assert answer["seconds"] == [100 * value for value in answer["accuracy"]]
    assert worker.description == {"surrogate": "linear"}
    assert start().predict(asked[:2])["seconds"] == [None, None]
    assert worker.predict([]) == {"accuracy": [], "deviation": [], "seconds": []}


def test_killed_in_the_middle_of_a_batch_nothing_is_lost(start: Start, model: LinearModel) -> None:
    worker = start("--sleep", "0.002")
    asked = genotypes(2 * CHUNK)
    killed = worker.pid
    assert killed is not None
    killer = threading.Timer(0.7, os.kill, (killed, signal.SIGKILL))
    killer.start()
    assert worker.predict(asked)["accuracy"] == model(asked)
    assert not killer.is_alive()
    assert worker.pid != killed


def test_killed_between_batches(start: Start, model: LinearModel) -> None:
    worker = start()
    asked = genotypes(3)
    for _ in range(2):
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        assert worker.predict(asked)["accuracy"] == model(asked)


def test_a_genotype_that_it_does_not_survive_is_named(start: Start, model: LinearModel) -> None:
    worker = start("--die-on", "skip_connect")
    asked = genotypes(9)
    asked[6]["normal"][0][0] = "skip_connect"
    with pytest.raises(GenotypeRefusedError, match="lost on it twice: it ended with SIGKILL") as e:
        worker.predict(asked)
    assert e.value.index == 6
    others = asked[:6] + asked[7:]
    assert worker.predict(others)["accuracy"] == model(others)


def test_a_genotype_that_it_refuses_is_named(start: Start) -> None:
    worker = start()
    before = worker.pid
    asked = genotypes(CHUNK + 20)
    asked[CHUNK + 11]["normal"][0][0] = "none"
    with pytest.raises(GenotypeRefusedError, match="unknown operation none") as error:
        worker.predict(asked)
    assert error.value.index == CHUNK + 11
    assert worker.pid == before


def test_what_fails_for_any_other_reason_says_so(start: Start, model: LinearModel) -> None:
    worker = start("--fail-on", "avg_pool_3x3")
    with pytest.raises(BenchmarkError, match="surrogate fails: RuntimeError: out of order"):
        worker.predict(genotypes(2, first="avg_pool_3x3"))
    assert worker.predict(genotypes(2))["accuracy"] == model(genotypes(2))


def test_it_may_take_only_so_long(start: Start, model: LinearModel) -> None:
    worker = start("--hang-on", "max_pool_3x3", answering=0.5)
    before, began = worker.pid, time.monotonic()
    with pytest.raises(GenotypeRefusedError, match="no answer within 0.5 seconds") as error:
        worker.predict(genotypes(1, first="max_pool_3x3"))
    assert error.value.index == 0
    with pytest.raises(BenchmarkError, match="no answer within 0.5 seconds for 2 architectures"):
        worker.predict(genotypes(2, first="max_pool_3x3"))
    assert time.monotonic() - began < 30
    assert worker.pid is None
    assert worker.predict(genotypes(2))["accuracy"] == model(genotypes(2))
    assert worker.pid != before


def test_what_libraries_print_is_no_answer(start: Start, model: LinearModel) -> None:
    worker = start("--print")
    before = worker.pid
    assert worker.predict(genotypes(5))["accuracy"] == model(genotypes(5))
    assert worker.predict(genotypes(4))["accuracy"] == model(genotypes(4))
    assert worker.pid == before


@pytest.mark.parametrize(
    "line",
    [
        "Segmentation fault",
        "[1, 2]",
        '{"id": 77, "accuracy": [90.0]}',
        '{"id": 0}',
        '{"id": 0, "accuracy": [90.0], "deviation": [0.5]}',
        '{"id": [0]}',
        '{"id": 0, "index": 9, "error": "no such genotype"}',
        '{"id": 0, "index": "1", "error": "a text for a number"}',
        '{"id": 0, "index": null}',
        *(
            f'{{"id": 0, "accuracy": [1, 2, 3, {wrong}], "deviation": [1, 2, 3, 4]}}'
            for wrong in ('"90"', "null", "true", "[90]", "1" + "0" * 400, "1" + "0" * 5000)
        ),
        '{"id": 0, "accuracy": [1, 2, 3, 4], "deviation": [1, 2, 3, 4], "seconds": {"0": 1}}',
    ],
    ids=lambda line: line[:60],
)
def test_garbage_is_asked_again(
    start: Start, model: LinearModel, tmp_path: Path, line: str
) -> None:
    worker = start("--garble", str(tmp_path / "garbled"), line)
    before = worker.pid
    assert worker.predict(genotypes(4))["accuracy"] == model(genotypes(4))
    assert (tmp_path / "garbled").exists()
    assert worker.pid != before


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
answers = st.fixed_dictionaries(
    {"id": st.just(7) | plain},
    optional=dict.fromkeys(("accuracy", "deviation", "seconds", "error", "index"), plain),
)


@given(answers, st.integers(0, 3))
def test_any_answer_is_taken_or_refused(answer: dict[str, Any], number: int) -> None:
    refused: Exception | None = None
    try:
        columns = _checked(answer, 7, 100, number)
    except (GenotypeRefusedError, ProcessLostError, BenchmarkError) as error:
        refused = error
    if isinstance(refused, GenotypeRefusedError):
        assert 100 <= refused.index < 100 + number
    if refused is not None:
        assert "\n" not in str(refused)
        return
    for name in ("accuracy", "deviation"):
        assert np.array(columns[name], dtype=np.float64).shape == (number,)


def test_one_that_cannot_load_its_surrogate_says_why(start: Start) -> None:
    with pytest.raises(BenchmarkError, match="cannot load the surrogate: ValueError: the file is"):
        start("--broken")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; sys.exit('no such module')", "it ended with exit code 1: no such module"),
        ("print('Welcome!')", "it printed 'Welcome!.n' in the place of an answer"),
        ("print('[]')", "in the place of an answer"),
        ("print('[' * 10**5)", r"it printed '\[+' in the place of an answer"),
        ("print('x' * 2**25)", "it printed a line of more than 16,777,216 letters"),
        ("print('{}')", "cannot load the surrogate: {}"),
        ("print('{\"ready\": 1}')", "cannot load the surrogate: {'ready': 1}"),
        ("print('{\"error\": [1, null]}')", r"cannot load the surrogate: \[1, None\]"),
        ("import time; time.sleep(60)", "no answer within 0.5 seconds"),
    ],
)
def test_one_that_does_not_start(program: str, said: str) -> None:
    with pytest.raises(BenchmarkError, match=said) as error:
        Worker([sys.executable, "-I", "-c", program], starting=0.5 if "sleep" in program else 60)
    assert sys.executable in str(error.value)
    assert "\n" not in str(error.value)


def test_no_such_program(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="absent cannot be run: No such file"):
        Worker([str(tmp_path / "absent")])


def test_threads_take_turns(start: Start, model: LinearModel) -> None:
    worker = start("--sleep", "0.001")
    batches = [genotypes(number) for number in range(1, 9)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(worker.predict, batches))
    assert [answer["accuracy"] for answer in answers] == [model(batch) for batch in batches]


def test_an_interrupt_leaves_no_answer_behind(
    start: Start, model: LinearModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = start("--sleep", "0.3")

    def interrupted(text: str) -> dict[str, Any]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(worker._process, "_parse", interrupted)
        with pytest.raises(KeyboardInterrupt):
            worker.predict(genotypes(1))
    assert worker.pid is None
    assert worker.predict(genotypes(2))["accuracy"] == model(genotypes(2))


@pytest.mark.parametrize("end", ["pass", "import os; os.kill(os.getpid(), 9)"])
def test_it_does_not_outlive_its_owner(linear_command: list[str], tmp_path: Path, end: str) -> None:
    marker = tmp_path / "ended"
    program = (
        "from ax_anasod.nasbench.nasbench301.worker import Worker\n"
        f"worker = Worker({[*linear_command, '--ended', str(marker)]!r})\n"
        f"print(worker.pid, flush=True)\n{end}\n"
    )
    owner = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    pid = int(owner.stdout)
    if end == "pass":
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    else:
        deadline = time.monotonic() + PATIENCE
        # It is there before anything is in it.
        while not (marker.exists() and marker.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert marker.read_text() == str(pid)


def test_operations_are_those_of_the_cell() -> None:
    from ax_anasod import cells

    assert cells.get("darts").operations == OPERATIONS
