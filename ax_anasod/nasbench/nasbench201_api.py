"""The training runs inside an API object of the benchmark packages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ax_anasod.exceptions import BenchmarkError
from ax_anasod.nasbench.nasbench201_files import read_trials
from ax_anasod.nasbench.nasbench201_trials import Trials, collect_records


@runtime_checkable
class _Loaded(Protocol):
    """What both APIs keep of an official file."""

    meta_archs: list[str]
    arch2infos_dict: Mapping[int, Mapping[str, Any]]


@runtime_checkable
class _Lazy(Protocol):
    """NATS-Bench's API, which can load an architecture when it is asked for."""

    fast_mode: bool
    archive_dir: str


def trials_of_api(api: object) -> Trials:
    """The training runs of a ``NASBench201API`` or ``NATStopology``.

    Args:
        api: The object. One of NATS-Bench in fast mode holds nothing yet: its folder is
            read instead, without executing it.

    Raises:
        BenchmarkError: If the object is neither, or has no results.
    """
    if isinstance(api, _Lazy) and api.fast_mode:
        return read_trials(Path(api.archive_dir))
    kind = type(api).__name__
    if not isinstance(api, _Loaded):
        raise BenchmarkError(
            f"a {kind} is no API of nas-bench-201 or nats-bench: it has no meta_archs and "
            "arch2infos_dict",
            "pass a NASBench201API or a NATStopology, or use the path of the file",
        )
    return collect_records(api.meta_archs, api.arch2infos_dict.items(), f"the API {kind}")
