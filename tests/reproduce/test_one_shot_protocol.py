from __future__ import annotations

import pytest

from ax_anasod import cells
from ax_anasod.dnas import METHODS, method
from ax_anasod.exceptions import UnknownNameError
from ax_anasod.reproduce import METHODS_IN_TABLE, OneShotMethod, OneShotProtocol
from ax_anasod.training import ImageData

CELL = cells.get("nas-bench-201")


def test_scales_differ_in_images_network_and_epochs() -> None:
    images = {"dataset": "cifar10", "path": "images"}
    cpu = OneShotProtocol.at_scale("cpu", CELL, data=images, device="cpu")
    assert (cpu.data.images, cpu.data.image_size, cpu.data.validation) == (4000, 12, 0.5)
    assert (cpu.network.channels, cpu.network.cells, cpu.epochs) == (8, 3, 12)
    paper = OneShotProtocol.at_scale("paper", CELL, data=images, device="cpu")
    assert (paper.data.images, paper.data.image_size) == (None, None)
    assert (paper.network.channels, paper.network.cells, paper.epochs) == (16, 15, None)
    assert cpu.batch_size == paper.batch_size == 64
    # The digits of scikit-learn have 8 x 8 pixels; they are not enlarged.
    assert OneShotProtocol.at_scale("cpu", CELL, device="cpu").data.image_size is None
    with pytest.raises(UnknownNameError):
        OneShotProtocol.at_scale("gpu", CELL)


def test_learning_rate_of_p_grows_as_the_steps_become_fewer(
    protocol: OneShotProtocol, digits: ImageData
) -> None:
    steps = 2 * (70 // 64)
    for name in ("darts", "darts-2", "gdas", "drnas", "beta-darts", "setn", "gaea"):
        settings = OneShotMethod(name).settings(protocol, digits)
        published = method(name)
        assert OneShotMethod(name).steps(protocol, digits) == steps
        travelled = published.learning_rate * OneShotMethod(name).steps(protocol)
        assert settings.learning_rate * steps == pytest.approx(travelled)
        assert settings.learning_rate > 1000 * published.learning_rate
        assert settings == published.with_options(learning_rate=settings.learning_rate)
    # Of all images, weights and p learn at once.
    erm = OneShotMethod("gaea-erm")
    assert erm.steps(protocol, digits) == 2 * (140 // 64)
    assert erm.settings(protocol, digits).learning_rate * 4 == pytest.approx(0.1 * 781 * 25)


def test_methods_with_a_rule_of_their_own_keep_it(
    protocol: OneShotProtocol, digits: ImageData
) -> None:
    for name in ("anasod-dnas", "anasod-dnas+", "rsps", "enas"):
        assert OneShotMethod(name).settings(protocol, digits) == method(name)
    given = OneShotMethod("darts", {"learning_rate": 0.05})
    assert given.label == "darts:learning_rate=0.05"
    assert given.settings(protocol, digits).learning_rate == 0.05


def test_table_3_has_every_method_once() -> None:
    assert sorted(METHODS_IN_TABLE) == sorted(METHODS)
