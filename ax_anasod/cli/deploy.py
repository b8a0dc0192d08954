"""``ax-anasod latency`` and ``export``: networks on the device where they are to be used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ax_anasod.cli import options as opt
from ax_anasod.cli.option_groups import Given, OptionGroup, option
from ax_anasod.exceptions import AnasodError, OptionError, RunError
from ax_anasod.networks.network_config import published_config
from ax_anasod.settings import Count
from ax_anasod.training.latency import LatencyConfig
from ax_anasod.training.training_config import DataConfig, SequenceConfig

if TYPE_CHECKING:
    from torch import Tensor

    from ax_anasod.training import Exported, TrainedModel

_LATENCY: Final = OptionGroup(
    LatencyConfig, "Measurement", ("engine", "batch_size", "device", "threads", "seconds")
)
_NETWORK: Final = replace(
    opt.NETWORK,
    names=("skeleton", "channels", "cells", "num_classes", "in_channels"),
    default="as published with the cell",
)
_DATA: Final = OptionGroup(
    DataConfig,
    "Images",
    ("dataset", "path"),
    "the images that the network learned from",
    changes={
        "dataset": {**opt.IMAGES.changes["dataset"], "help": "Name of another data set."},
        "path": {**opt.IMAGES.changes["path"], "help": "Where the images lie now."},
    },
)
_MODEL: Final = "model.pt"
TrainedFolder = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        help="Folder of ax-anasod evaluate or transfer, a member of an ensemble, or the folder "
        "of the search with one of them.",
    ),
]


def latency(
    *,
    architectures: Annotated[
        list[str],
        typer.Argument(
            metavar="ARCHITECTURE...",
            help="Architectures of the cell, as search and train name them.",
        ),
    ],
    cell: opt.TrainedCell = "nasnet",
    network: Annotated[Given, _NETWORK],
    operations: opt.Operations = None,
    image_size: Annotated[
        Count, option("Networks", "Height and width of the images, in pixels.")
    ] = 32,
    measurement: Annotated[Given, _LATENCY],
    json: opt.Json = False,
) -> int:
    """Measure how long networks take on this machine.

    Each architecture is built as a network that repeats it, with first weights, as train would
    with --layers repeated. Passes are repeated after a warm-up; the median and the spread of
    the middle half are shown.
    """
    from ax_anasod.cli.terminal import listing, print_result, waiting

    config = LatencyConfig(**measurement)
    config.check()
    with waiting("building the networks"):
        from ax_anasod import cells
        from ax_anasod.networks import build_network, count_flops, num_parameters
        from ax_anasod.training import measure_latency
        from ax_anasod.training.task import find_operations

        searched = cells.resolve(cell)
        size = published_config(searched, **network)
        own = find_operations(operations)
        codes = searched.from_strings(architectures)
        networks = [build_network(searched, code[None], size, own, seed=0) for code in codes]
    content = []
    table = listing("architecture")
    for heading in ("median [ms]", "spread [ms]", "repeats", "parameters", "FLOPs"):
        table.add_column(heading, justify="right")
    for name, built in zip(architectures, networks, strict=True):
        with waiting(f"measuring {name}"):
            measured = measure_latency(built, (image_size, image_size), config)
        weights, flops = num_parameters(built), count_flops(built, image_size)
        content.append(
            {"architecture": name, "parameters": weights, "flops": flops, **measured.to_dict()}
        )
        table.add_row(
            name,
            f"{measured.median:.4g}",
            f"{measured.spread:.2g}",
            str(measured.repeats),
            f"{weights:,}",
            f"{flops:,}",
        )
    versions = ", ".join(f"{package} {number}" for package, number in measured.versions.items())
    images = f"{config.batch_size} image{'s' if config.batch_size > 1 else ''} at a time"
    threads = f"{config.threads} thread{'s' if config.threads > 1 else ''}"
    print_result(
        table,
        [f"{config.engine} on {measured.processor}, {threads}, {images}; {versions}"],
        content={"cell": searched.name, "networks": content} if json else None,
    )
    return 0


def export(
    *,
    directory: TrainedFolder,
    file_format: Annotated[
        str,
        option("Output", "onnx, or pt2 for torch.export.load.", "--format", metavar="FORMAT"),
    ] = "onnx",
    pick: opt.Pick = None,
    data: Annotated[Given, _DATA],
    images: Annotated[
        Count, option("Images", "Largest number of test images on which the file is checked.")
    ] = 1000,
    operations: opt.Operations = None,
    out: Annotated[
        Path | None,
        option("Output", "The file.", metavar="FILE", show_default="model.FORMAT beside model.pt"),
    ] = None,
    json: opt.Json = False,
) -> int:
    """Export a trained network as a file that needs no ax_anasod.

    If the folder of a search holds several trained networks, --pick selects one: the network of
    the trial that is picked from the front.

    The file takes images as they are, any number of them, and gives probabilities; it names the
    classes. It is written once its probabilities are those of torch on the test images, to
    within 0.0001.
    """
    from ax_anasod.cli.terminal import waiting

    model_file = find_model(directory, "export") if pick is None else _find_picked(directory, pick)
    with waiting("loading torch"):
        from ax_anasod.exceptions import UnknownNameError
        from ax_anasod.networks.export import EXPORT_FORMATS
        from ax_anasod.training import TrainedDecoder, load_model
        from ax_anasod.training.task import find_operations

    if file_format not in EXPORT_FORMATS:
        raise UnknownNameError("export format", file_format, EXPORT_FORMATS)
    model = load_model(model_file, find_operations(operations))
    if isinstance(model, TrainedDecoder):
        raise refusal_of_language_models(str(model_file), "export")
    pixels = _test_images(model, data)[:images]
    with waiting(f"exporting {model_file}"):
        written = model.export(
            out or model_file.with_suffix(f".{file_format}"), pixels, file_format
        )
    _show(written, model, model_file, as_json=json)
    return 0


def refusal_of_language_models(what: str, command: str) -> OptionError:
    """The error of a command for networks that take images, about a language model."""
    return OptionError(
        f"{what} is a language model, and {command} is for networks that take images",
        "in Python: ax_anasod.load_model(path).network is a torch.nn.Module",
    )


def find_model(directory: Path, command: str) -> Path:
    """The file of a trained network in a folder.

    Args:
        directory: The folder.
        command: The command that looks for it.

    Raises:
        RunError: There is none, or there are several.
        OptionError: There is none, and the folder is that of a search of language models.
    """
    if (directory / _MODEL).is_file():
        return directory / _MODEL
    found = sorted(directory.glob(f"*/{_MODEL}"))
    if len(found) == 1:
        return found[0]
    if found:
        raise RunError(
            f"{directory} holds {len(found)} trained networks",
            f"name the folder of one: {', '.join(str(file.parent) for file in found)}",
        )
    if _searched_language_models(directory):
        raise refusal_of_language_models(f"what {directory} has searched", command)
    if _looked_values_up(directory):
        raise RunError(
            f"{directory} holds no trained network: its search looked values up",
            "ax-anasod train searches with networks that it trains",
        )
    raise RunError(
        f"{directory} holds no trained network",
        f"train one: ax-anasod evaluate {quote(str(directory))}",
    )


def _looked_values_up(directory: Path) -> bool:
    from ax_anasod.runs import RunView
    from ax_anasod.training.task import KIND, TRAINING

    try:
        return RunView.read(directory).config.benchmark.get(KIND) != TRAINING
    except AnasodError:
        return False


def _searched_language_models(directory: Path) -> bool:
    from ax_anasod.retraining import read_search

    try:
        return isinstance(read_search(directory).task.data, SequenceConfig)
    except AnasodError:
        # It is no folder of a search, or not one with a result.
        return False


def _find_picked(directory: Path, pick: str) -> Path:
    """The file of the network of the trial that is picked of the front of a search.

    Raises:
        OptionError: The rule is none, or the search has one objective.
        RunError: The folder is not that of a search; or the network was not trained, or several
            times.
    """
    from ax_anasod.cli.terminal import waiting

    with waiting("reading the search"):
        from ax_anasod.files import read_json
        from ax_anasod.retraining import BestTrial
        from ax_anasod.retraining.member import METRICS

    best = BestTrial.in_run(directory, pick)
    files = [*sorted(directory.glob(f"*/{_MODEL}")), *sorted(directory.glob(f"*/*/{_MODEL}"))]
    metrics = [read_json(file.parent / METRICS, dict[str, Any]) for file in files]
    # Other members of an ensemble are other networks of the encoding.
    own = [m.get("trial") == best.trial and m.get("member") == 0 for m in metrics]
    found = [file for file, is_own in zip(files, own, strict=True) if is_own]
    if len(found) == 1:
        return found[0]
    which = f"trial {best.trial}, which is {best.rule}"
    if found:
        raise RunError(
            f"{directory} holds {len(found)} trained networks of {which}",
            f"name the folder of one: {', '.join(str(file.parent) for file in found)}",
        )
    raise RunError(
        f"{directory} holds no trained network of {which}",
        f"train it: ax-anasod evaluate {directory} --pick {quote(pick)}",
    )


def _test_images(model: TrainedModel, given: Given) -> Tensor:
    """The test images of what a model learned from.

    Raises:
        OptionError: Nothing says which these are.
        DataError: They are missing, damaged, or do not fit together.
    """
    from ax_anasod.cli.image_reading import read_images
    from ax_anasod.retraining import read_search

    stored, run = model.metrics.get("data"), model.metrics.get("run")
    if "dataset" in given:
        config = DataConfig(image_size=model.image_size[0], **given)
    elif isinstance(stored, dict):
        config = DataConfig.from_dict({**stored, **given})
        if "path" not in given and isinstance(run, str):
            try:
                searched = read_search(run).task.data
            except RunError:
                # The run moved elsewhere: data sets that need no folder are found all the same.
                searched = config
            if searched.dataset == config.dataset:
                config = replace(config, path=searched.path)
    else:
        raise OptionError(
            f"the model of {model.dataset!r} does not say where its images are",
            "name them with --dataset and --data",
        )
    # What is learned from is not looked at.
    config = replace(config, images=2 * len(model.classes))
    read = read_images(config, "evaluation", download="dataset" in given)
    return read.valid.pixels


def _show(written: Exported, model: TrainedModel, file: Path, *, as_json: bool) -> None:
    from ax_anasod.cli.terminal import listing, print_result
    from ax_anasod.training.exported import TOLERANCE

    table = listing("exported", model.dataset)
    shape = f"b x {len(model.mean)} x {' x '.join(map(str, model.image_size))}"
    opset = "" if written.opset is None else f", opset {written.opset}"
    rows = {
        "file": str(written.path),
        "format": f"{written.format}{opset}",
        "size": f"{written.bytes / 1e3:,.1f} kB ({file.name}: {file.stat().st_size / 1e3:,.1f} kB)",
        "takes": f"images {shape}, uint8 from 0 to 255",
        "gives": f"probabilities b x {len(model.classes)}",
        "checked on": f"{written.images} test images: probabilities differ by at most "
        f"{written.difference:.1g} from those of torch (allowed: {TOLERANCE:g})",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    content = {
        "file": str(written.path),
        "format": written.format,
        "opset": written.opset,
        "bytes": written.bytes,
        "model_bytes": file.stat().st_size,
        "classes": list(model.classes),
        "images": written.images,
        "difference": written.difference,
        "tolerance": TOLERANCE,
    }
    print_result(table, content=content if as_json else None)
