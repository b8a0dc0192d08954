"""Image files, decoded by Pillow: bounded in size, upright, as RGB."""

from __future__ import annotations

import io
import os
import threading
import warnings
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ax_anasod.exceptions import DataError
from ax_anasod.optional import require

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_BYTES: Final = 2**30
"""Bytes of an image file beyond which it is not read."""
MOST_PIXELS: Final = 2**28
"""Pixels of an image beyond which it is not decoded, 16,384 x 16,384."""
SKIP_HINT: Final = "leave such images out with --skip-damaged"

# Only these: others of Pillow's formats start programs (EPS) or are no pictures.
_FORMATS: Final = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_DAMAGED_HINT: Final = f"remove or replace it, or {SKIP_HINT}"
# Bytes of image files that are held in memory for the threads that decode them.
_MOST_AHEAD: Final = 2**28
# Images beyond this number of pixels are decoded one at a time.
_LARGE: Final = 2**26
_one_large = threading.Lock()
_settings = threading.RLock()

Pixels = npt.NDArray[np.uint8]
_Key = TypeVar("_Key")


def decoded(
    contents: Iterable[tuple[_Key, Path, bytes | DataError]], image_size: int | None = None
) -> Generator[tuple[_Key, Pixels | DataError]]:
    """Decode images with a few threads, in the order in which they come.

    Args:
        contents: A key of each image, the path by which messages name it, and its bytes or
            what is wrong with them. They are taken a few ahead, not all at once.
        image_size: Height and width that images are resized to; None keeps theirs.

    Yields:
        The key of each image, and its pixels, ``h x w x 3``, or what is wrong with it.

    Raises:
        DataError: An image has more than 8 bits a channel.
        OptionalImportError: Pillow is not installed.
    """
    require("PIL", "train")
    # Decoders let go of the interpreter's lock: a few threads use a few cores.
    workers = min(8, os.cpu_count() or 1)
    ahead: deque[tuple[_Key, int, Future[Pixels | DataError]]] = deque()
    held = 0
    with _pillow(), ThreadPoolExecutor(workers) as pool:
        for key, path, content in contents:
            size = len(content) if isinstance(content, bytes) else 0
            ahead.append((key, size, pool.submit(_decode, path, content, image_size)))
            held += size
            while len(ahead) > 2 * workers or held > _MOST_AHEAD:
                first, size, future = ahead.popleft()
                yield first, future.result()
                held -= size
        for first, _, future in ahead:
            yield first, future.result()


def resized(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """Images of another height and width, each channel by Pillow's Lanczos filter.

    Args:
        pixels: ``n x c x h x w``, uint8.
        size: Height and width, in pixels.

    Returns:
        ``n x c`` images of this size, uint8, on the device of ``pixels``.

    Raises:
        OptionalImportError: Pillow is not installed.
    """
    if tuple(pixels.shape[2:]) == tuple(size):
        return pixels
    require("PIL", "train")
    from PIL import Image

    number, channels = pixels.shape[:2]
    made = np.empty((number * channels, *size), dtype=np.uint8)
    for place, channel in enumerate(pixels.cpu().numpy().reshape(-1, *pixels.shape[2:])):
        image = Image.fromarray(channel).resize(size[::-1], Image.Resampling.LANCZOS)
        made[place] = np.asarray(image)
    return torch.from_numpy(made.reshape(number, channels, *size)).to(pixels.device)


@contextmanager
def _pillow() -> Iterator[None]:
    """Pillow's global settings as images are read here, whatever the program around has set."""
    from PIL import Image, ImageFile

    with _settings, warnings.catch_warnings():
        # Warnings about damaged data beside the pixels (EXIF), and about sizes, which we bound.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        # Pillow refuses twice this number, before it allocates anything.
        Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = MOST_PIXELS // 2, False
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = before


def _decode(path: Path, content: bytes | DataError, image_size: int | None) -> Pixels | DataError:
    """An image, or what is wrong with it where it is missing or damaged."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(content, DataError):
        return content
    if not content:
        return DataError(f"the image {path} is empty (0 bytes)", _DAMAGED_HINT)
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            large = image.width * image.height > _LARGE
            with _one_large if large else nullcontext():
                return _pixels(image, path, image_size)
    except DataError:
        raise
    except MemoryError:
        return DataError(f"the image {path} does not fit into the memory", _DAMAGED_HINT)
    except Image.DecompressionBombError:
        return DataError(
            f"the image {path} is damaged or too large: it claims more than {MOST_PIXELS:,} pixels",
            _DAMAGED_HINT,
        )
    except UnidentifiedImageError:
        reason = f"they are none of {', '.join(_FORMATS)}"
    except Exception as error:  # noqa: BLE001  # whatever damaged files make decoders raise
        reason = " ".join(str(error).split()) or type(error).__name__
    return DataError(
        f"the image {path} is damaged ({len(content)} bytes cannot be decoded: {reason})",
        _DAMAGED_HINT,
    )


def _pixels(image: Image, path: Path, image_size: int | None) -> Pixels:
    from PIL import ImageOps
    from PIL.Image import Resampling

    # These modes would be cut to 8 bits without a word.
    if image.mode.startswith(("I", "F")):
        raise DataError(
            f"{path} has more than 8 bits a channel (mode {image.mode})",
            "convert the images to 8 bits a channel",
        )
    image.load()
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001
        # Damaged EXIF data say nothing of how a sound image lies.
        pass
    upright = image if image.mode == "RGB" else image.convert("RGB")
    if image_size is not None and upright.size != (image_size, image_size):
        upright = upright.resize((image_size, image_size), Resampling.LANCZOS)
    return np.asarray(upright, dtype=np.uint8)
