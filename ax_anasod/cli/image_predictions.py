"""``ax-anasod predict``: what a trained network sees on images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ax_anasod.cli import options as opt
from ax_anasod.cli.deploy import TrainedFolder, find_model, refusal_of_language_models
from ax_anasod.exceptions import DataError

if TYPE_CHECKING:
    from torch import Tensor

# Classes after the likeliest that are shown with their probabilities.
_NEXT: Final = 2


def predict(
    *,
    directory: TrainedFolder,
    images: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGE...", help="Image files, or folders with images in them."),
    ],
    operations: opt.Operations = None,
    json: opt.Json = False,
) -> int:
    """Print the classes that a trained network sees on images.

    Images are resized to the size of the training images, and converted to grey if the network
    was trained on grey images.
    A file that cannot be read is named on stderr, and the exit code is 1 then.
    """
    from ax_anasod.cli.terminal import listing, note, print_result, waiting

    model_file = find_model(directory, "predict")
    with waiting("loading torch"):
        import torch

        from ax_anasod.training import TrainedModel, load_model
        from ax_anasod.training.task import find_operations

    model = load_model(model_file, find_operations(operations))
    if not isinstance(model, TrainedModel):
        raise refusal_of_language_models(str(model_file), "predict")
    pixels: dict[Path, Tensor] = {}
    unread: dict[Path, DataError] = {}
    files = list(dict.fromkeys(_image_files(images)))
    with waiting(f"reading {len(files)} images"):
        for file in files:
            try:
                pixels[file] = model.read_image(file)
            except DataError as error:
                unread[file] = error
                note(f"left out: {error.message}")
    if not pixels:
        raise DataError(f"none of {len(files)} images can be read")
    with waiting("predicting"):
        probabilities = model.predict(torch.cat([*pixels.values()])).tolist()
    table = listing("image", "class", "probability", "then")
    predictions = []
    for file, row in zip(pixels, probabilities, strict=True):
        by_class = dict(zip(model.classes, row, strict=True))
        (name, most), *others = sorted(by_class.items(), key=lambda entry: -entry[1])
        then = ", ".join(f"{other} {p:.1%}" for other, p in others[:_NEXT])
        table.add_row(str(file), name, f"{most:.1%}", then)
        predictions.append(
            {"image": str(file), "class": name, "probability": most, "probabilities": by_class}
        )
    content = {
        "model": str(model_file),
        "dataset": model.dataset,
        "predictions": predictions,
        "left_out": {str(file): error.message for file, error in unread.items()},
    }
    print_result(table, content=content if json else None)
    return 1 if unread else 0


def _image_files(places: Sequence[Path]) -> Iterator[Path]:
    """The files that are named, and the images inside folders that are, at any depth.

    Raises:
        DataError: A folder cannot be read, or holds no image.
    """
    from ax_anasod.training.trees import EXTENSIONS, is_image, tree_of_folder

    for place in places:
        if not place.is_dir():
            yield place
            continue
        inside = sorted(filter(is_image, tree_of_folder(place).files))
        if not inside:
            raise DataError(f"{place} holds no images", f"needed is one of {', '.join(EXTENSIONS)}")
        yield from (place / name for name in inside)
