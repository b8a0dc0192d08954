"""Proxies of the architectures of a cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from torch import nn

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.exceptions import CellError, OptionError, UnknownNameError
from ax_anasod.networks import NetworkConfig, build_network, count_flops, num_parameters
from ax_anasod.proxies import PROXIES, Proxies, ProxyConfig
from ax_anasod.proxies.proxy_values import representatives
from ax_anasod.surrogates.paths import effective_paths, path_numbers

CELL = cells.get("nas-bench-201")
NONE, SKIP, CONV = 0, 1, 3


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "ax_anasod" / "proxies"


@pytest.mark.parametrize("name", ["nas-bench-201", "darts", "nasnet"])
def test_all_of_each_cell_whose_networks_are_built(name: str) -> None:
    cell = cells.get(name)
    codes = cell.sample(3, np.random.default_rng(0))
    proxies = Proxies(cell, ProxyConfig(channels=4, image_size=8))
    values = proxies.all(list(PROXIES), codes)
    assert np.isfinite(values).all()
    assert (np.ptp(values, axis=0) > 0).all()
    network = build_network(cell, codes[:1], NetworkConfig(proxies._network.skeleton, 4, 3), seed=0)
    sizes = [num_parameters(network), count_flops(network, 8)]
    assert values[0, -2:].tolist() == sizes


def test_a_value_depends_on_the_seed_and_on_nothing_else_that_is_asked_for() -> None:
    codes = CELL.sample(6, np.random.default_rng(1))
    together = Proxies(CELL)("naswot", codes)
    alone = [Proxies(CELL)("naswot", code[None])[0] for code in codes[::-1]]
    assert together.tolist() == alone[::-1]
    assert Proxies(CELL, ProxyConfig(seed=1))("naswot", codes).tolist() != together.tolist()


def test_parallel_convolutions_have_weights_of_their_own() -> None:
    (two,) = CELL.from_strings(
        ["|skip_connect~0|+|none~0|none~1|+|nor_conv_3x3~0|nor_conv_3x3~1|none~2|"]
    )
    convolutions = [
        module.weight.detach()
        for module in Proxies(CELL)._built(two).layers[0].modules()
        if isinstance(module, nn.Conv2d)
    ]
    assert len(convolutions) == 2
    assert not np.allclose(*convolutions)


def test_what_is_one_network_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    built = []
    proxies = Proxies(CELL)
    original = proxies._built
    monkeypatch.setattr(proxies, "_built", lambda code: built.append(code) or original(code))
    dead = CELL.from_strings(
        [
            "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
            "|nor_conv_1x1~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|none~1|none~2|",
            "|skip_connect~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|",
        ]
    )
    values = proxies.all(["zico", "parameters"], dead)
    assert len(built) == 1
    assert len(set(values[:, 0])) == 1
    # What nothing reads is part of the size all the same.
    assert len(set(values[:, 1])) == 3


def test_values_are_kept_between_processes(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = CELL.sample(4, np.random.default_rng(2))
    values = Proxies(CELL)("synflow", codes)
    (file,) = own_cache.iterdir()
    monkeypatch.setattr(Proxies, "_built", lambda self, code: pytest.fail("a network is built"))
    assert Proxies(CELL)("synflow", codes).tolist() == values.tolist()
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(own_cache.parent.parent))
    file.write_bytes(file.read_bytes()[:100])
    assert Proxies(CELL)("synflow", codes).tolist() == values.tolist()


def test_operations_of_a_user(own_cache: Path) -> None:
    cell = Cell("mine", ["conv", "skip_connect"], num_blocks=3)
    own = {"conv": lambda c_in, c_out, stride: nn.Conv2d(c_in, c_out, 3, stride, 1)}
    proxies = Proxies(cell, ProxyConfig(channels=4, image_size=8), own)
    flow, size = proxies.all(["synflow", "parameters"], cell.enumerate()).T
    assert len(set(flow)) > 4
    assert size.argmax() == 0
    assert not own_cache.exists()  # who knows what it will be tomorrow?
    with pytest.raises(CellError):
        Proxies(cell)
    with pytest.raises(UnknownNameError):
        proxies("sinflow", cell.enumerate())

    def broken(c_in: int, c_out: int, stride: int) -> nn.Module:
        module = own["conv"](c_in, c_out, stride)
        nn.init.constant_(module.weight, float("nan"))
        return module

    proxies = Proxies(cell, operations={"conv": broken})
    for name in ("synflow", "jacov", "zico"):
        with pytest.raises(OptionError, match=rf"{name} of 'conv\|conv\|conv' is nan"):
            proxies(name, cell.enumerate()[:1])


def test_a_cell_without_networks() -> None:
    with pytest.raises(CellError):
        Proxies(cells.get("nas-bench-graph"))


def test_what_is_one_network_has_the_same_paths() -> None:
    keys, first = representatives(CELL)
    codes = CELL.enumerate()
    paths = np.sort(path_numbers(effective_paths(CELL, codes)), axis=1)[
        np.argsort(CELL.keys(codes))
    ]
    mine = np.searchsorted(keys, CELL.keys(first))
    np.testing.assert_array_equal(paths, paths[mine])
    # The reverse does not hold: one convolution whose result is read twice is not two.
    assert len(np.unique(mine)) > len(np.unique(paths, axis=0)) > 4000


def test_a_convolution_read_twice_is_one() -> None:
    once, twice, renamed = CELL.from_strings(
        [
            "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|skip_connect~1|skip_connect~2|",
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|skip_connect~2|",
            "|skip_connect~0|+|nor_conv_3x3~0|none~1|+|nor_conv_3x3~0|none~1|skip_connect~2|",
        ]
    )
    keys, first = representatives(CELL)

    def of(code: np.ndarray) -> list[int]:
        return list(first[np.searchsorted(keys, CELL.keys(code[None]))][0])

    assert of(once) != of(twice)
    assert of(twice) == of(renamed)
