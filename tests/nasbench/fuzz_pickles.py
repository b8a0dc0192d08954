"""Reads any number of damaged and forged pickles in a process of its own, and says what came of it.

A crash ends this process with a signal, which the test sees; whatever the reader of pickles
imports, opens, compiles or starts is told to an audit hook, which Python itself calls.
"""

from __future__ import annotations

import io
import json
import pickle
import random
import resource
import sys
import types
from collections import Counter, OrderedDict
from typing import Any

import numpy as np

from ax_anasod.exceptions import BenchmarkError
from ax_anasod.nasbench.nasbench201_trials import collect
from ax_anasod.nasbench.restricted_pickles import _NAMES
from ax_anasod.pickles import DamagedError, PickleReader, RefusedError

ARCH = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
# What the opcodes of no official file do, and names that those files do not ask for.
FRAGMENTS = [
    b"cos\nsystem\n",
    b"c__builtin__\neval\nX\x01\x00\x00\x001\x85R",
    b"\x8c\x08builtins\x8c\x04exec\x93",
    b"cnumpy\nndarray\n",
    b"(ios\nsystem\n",
    b"(cos\nsystem\no",
    b"\x82\x01",
    b"Pid\n",
    b"X\x01\x00\x00\x00aQ",
    b"r\xff\xff\xff\x0f",
    b"r\xff\xff\xff\xff",
    b"p4294967295\n",
    b"\x8d" + b"\xff" * 8,
    b"\x8e" + b"\xff\xff\xff\xff\x7f\x00\x00\x00",
    b"\x96\x00\x00\x00\x00\x01\x00\x00\x00",
    b"B\xff\xff\xff\xff",
    b"X\xff\xff\xff\xff",
    b"\x95" + b"\xff" * 8,
    b"\x8b\xff\xff\xff\x7f",
    b"\x85" * 50,
    b"(" * 50,
    b"]" * 50,
    b"0" * 5,
    b"2",
    b"}\x92",
    b"(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb",
    b"cnumpy\ndtype\nX\x02\x00\x00\x00O8K\x00K\x01\x87R",
    b"cnumpy\ndtype\nX\x0b\x00\x00\x00V2147483647K\x00K\x01\x87R",
    b"cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nX\x02\x00\x00\x00V8\x85RC\x08AAAAAAAA\x86R",
]


def seeds() -> list[bytes]:
    """Small files of the official form, in the protocols that these have."""
    result = {
        "epochs": np.int64(2),
        "eval_acc1es": {"x-valid@1": np.float64(90.5), "ori-test@1": np.float32(89.5)},
        "train_times": {0: 5.0, 1: 5.5},
        "params": 1.53,
        "latency": [np.float64(0.01)],
        "finished": True,
    }
    record = OrderedDict(
        arch_str=ARCH,
        dataset_seed={"cifar10-valid": [777]},
        all_results={("cifar10-valid", 777): result},
    )
    content: dict[str, Any] = {
        "meta_archs": [ARCH],
        "arch2infos": {0: {"full": record, "less": {**record}}},
        "evaluated_indexes": {0},
    }
    module = types.ModuleType("nas_201_api.api_utils")
    sys.modules["nas_201_api"] = types.ModuleType("nas_201_api")
    sys.modules[module.__name__] = module
    kind = type("ResultsCount", (), {"__module__": module.__name__})
    vars(module)["ResultsCount"] = kind
    shell = kind()
    vars(shell).update(result)
    record_of_objects = {**record, "all_results": {("cifar10-valid", 777): shell}}
    objects = {**content, "arch2infos": {0: {"full": record_of_objects}}}
    return [pickle.dumps(c, protocol) for c in (content, objects) for protocol in (2, 3, 4, 5)]


def mutated(rng: random.Random, whole: list[bytes]) -> bytes:
    """One of the files with some damage."""
    content = bytearray(rng.choice(whole))
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = rng.randrange(len(content) + 1)
        end = place + rng.randrange(40)
        kind = rng.randrange(6)
        if kind == 0 and content:
            content[rng.randrange(len(content))] = rng.randrange(256)
        elif kind == 1:
            content[place:end] = b""
        elif kind == 2:
            content[place:place] = content[place:end]
        elif kind == 3:
            content[place:place] = rng.choice(FRAGMENTS)
        elif kind == 4:
            content[place:place] = rng.randbytes(rng.randrange(6))
        else:
            other = rng.choice(whole)
            start = rng.randrange(len(other))
            content[place:end] = other[start : start + rng.randrange(60)]
    return bytes(content)


def main(number: int, seed: int) -> None:
    """Read so many, and print what came of them."""
    # Whatever takes more memory ends this process.
    resource.setrlimit(resource.RLIMIT_DATA, (2**30, 2**30))
    rng, whole = random.Random(seed), seeds()
    for content in whole:
        trials = collect(PickleReader(io.BytesIO(content), _NAMES, len(content)).load(), "it")
        assert {*trials.accuracy["x-valid"].tolist()} == {90.5}
    outcomes: Counter[str] = Counter()
    events: Counter[str] = Counter()
    reading = False

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if reading:
            events[event] += 1

    sys.addaudithook(watch)
    for _ in range(number):
        content = mutated(rng, whole)
        reader = PickleReader(io.BytesIO(content), _NAMES, len(content))
        try:
            reading = True
            read = reader.load()
            reading = False
            collect(read, "it")
            outcomes["read"] += 1
        except (RefusedError, DamagedError, BenchmarkError) as error:
            outcomes[type(error).__name__] += 1
        finally:
            reading = False
    sys.stdout.write(json.dumps({"outcomes": outcomes, "events": events}) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
