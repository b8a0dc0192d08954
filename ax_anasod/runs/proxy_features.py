"""Proxies that are features of a run, and whether they still are what they were."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.exceptions import RunError
from ax_anasod.metrics import KnownProxy
from ax_anasod.proxies import ProxyConfig
from ax_anasod.runs.run_config import ProxyFeature, proxy_metric_name

_COMPARED = 3


def proxy_metric(name: str, cell: Cell, seed: int) -> KnownProxy:
    """The metric of a proxy.

    Raises:
        CellError: The cell describes no networks of images, or an operation has no module.
    """
    return KnownProxy(proxy_metric_name(name), cell, ProxyConfig(seed=seed), proxy=name)


def proxy_values(metric: KnownProxy) -> tuple[float, ...]:
    """The values of a few architectures, always the same ones."""
    codes = metric.searched.sample(_COMPARED, np.random.default_rng(0))
    return tuple(metric.values(codes).tolist())


def proxy_metrics(features: Iterable[ProxyFeature], cell: Cell, seed: int) -> list[KnownProxy]:
    """The metrics of the proxies of a run.

    Raises:
        RunError: One has other values than when the run began.
    """
    metrics = []
    for feature in features:
        metric = proxy_metric(feature.name, cell, seed)
        now = proxy_values(metric)
        if not np.allclose(now, feature.values, rtol=1e-6, atol=1e-6):
            raise RunError(
                f"the feature {feature.name!r} has other values than when the run began: {now}, "
                f"not {feature.values}",
                "go on with the version of torch that config.json names",
            )
        metrics.append(metric)
    return metrics
