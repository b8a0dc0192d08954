"""Decoding image files of all kinds, and of none."""

from __future__ import annotations

import io
import random
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile

from ax_anasod.exceptions import DataError
from ax_anasod.training import image_decoding
from ax_anasod.training.image_decoding import MOST_PIXELS, Pixels, decoded, resized

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 255, (6, 9, 3), dtype=np.uint8)


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, form, **options)
    return content.getvalue()


def decode(content: bytes, image_size: int | None = None) -> Pixels:
    ((_, image),) = decoded([(0, Path("x.png"), content)], image_size)
    if isinstance(image, DataError):
        raise image
    return image


PIXEL = Image.new("RGB", (1, 1))
# Where the first row and the first column of the stored image belong (EXIF 2.3, tag 274).
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a.transpose(1, 0, 2)[:, ::-1],
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda a: a.transpose(1, 0, 2)[::-1],
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
def test_images_lie_as_their_camera_says(orientation: int, form: str) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if form == "WEBP" else {}
    content = encoded(Image.fromarray(PHOTO), form, exif=exif, **options)
    assert np.array_equal(decode(content), UPRIGHT[orientation](PHOTO))


def test_a_photograph_on_its_side_is_turned() -> None:
    half_white = np.zeros((16, 24, 3), dtype=np.uint8)
    half_white[:8] = 255
    exif = Image.Exif()
    exif[274] = 6
    pixels = decode(encoded(Image.fromarray(half_white), "JPEG", exif=exif, quality=100))
    assert pixels.shape == (24, 16, 3)
    assert pixels[:, 8:].min() > 200
    assert pixels[:, :8].max() < 50
    # Before it is resized: upright, the white half stays at the right.
    small = decode(encoded(Image.fromarray(half_white), "JPEG", exif=exif, quality=100), 8)
    assert small[:, 6:].min() > 200


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_odd_orientations_are_none(orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    assert np.array_equal(decode(encoded(Image.fromarray(PHOTO), exif=exif)), PHOTO)


def test_damaged_data_of_a_camera_do_not_matter() -> None:
    exif = Image.Exif()
    exif[274], exif[271] = 1, "maker"
    content = encoded(Image.fromarray(PHOTO), "WEBP", lossless=True, exif=exif)
    at = content.index(b"MM\0*")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for damage in range(40):
            odd = bytearray(content)
            odd[at + damage] ^= 0xFF
            assert decode(bytes(odd)).shape in {(6, 9, 3), (9, 6, 3)}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "RGB"])
def test_all_modes_are_rgb(mode: str) -> None:
    image = Image.fromarray(PHOTO).convert(mode)
    expected = np.asarray(image.convert("RGB"))
    assert np.array_equal(decode(encoded(image)), expected)
    assert np.array_equal(decode(encoded(image, "TIFF")), expected)


def test_transparent_colours_are_those_beneath() -> None:
    palette = Image.fromarray(PHOTO).convert("P")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixels = decode(encoded(palette, transparency=bytes(range(256))))
    assert np.array_equal(pixels, np.asarray(palette.convert("RGB")))
    clear = np.dstack([PHOTO, np.zeros((6, 9), dtype=np.uint8)])
    assert np.array_equal(decode(encoded(Image.fromarray(clear))), PHOTO)


def test_colours_of_a_printer_are_converted() -> None:
    red = Image.new("RGB", (4, 4), (250, 10, 10)).convert("CMYK")
    pixels = decode(encoded(red, "JPEG", quality=100))
    assert pixels[..., 0].min() > 200
    assert pixels[..., 1:].max() < 60


def test_the_first_of_several_frames_is_read() -> None:
    frames = [Image.new("RGB", (4, 4), (value,) * 3) for value in (40, 90, 200)]
    for form in ("GIF", "TIFF", "WEBP"):
        content = encoded(frames[0], form, save_all=True, append_images=frames[1:])
        assert abs(int(decode(content).mean()) - 40) < 3


@pytest.mark.parametrize("depth", [np.uint16, np.int32, np.float32])
def test_deep_images_are_not_cut(depth: type) -> None:
    form = "PNG" if depth is np.uint16 else "TIFF"
    content = encoded(Image.fromarray(np.full((4, 4), 40_000, dtype=depth)), form)
    with pytest.raises(DataError, match="more than 8 bits a channel.*convert the images"):
        decode(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"x.png is empty \(0 bytes\) \(remove or replace it, or leave such"),
        (b"no image", r"is damaged \(8 bytes cannot be decoded: they are none of BMP, GIF"),
        (encoded(Image.fromarray(PHOTO))[:-30], r"is damaged \(\d+ bytes cannot be decoded: "),
        # What would start Ghostscript, and a page of it, with the name of an image.
        (encoded(Image.fromarray(PHOTO), "EPS"), "they are none of"),
        (encoded(Image.fromarray(PHOTO), "PDF"), "they are none of"),
    ],
    # Not by the content: a PDF holds the second in which each worker of pytest wrote it.
    ids=["empty", "text", "cut", "eps", "pdf"],
)
def test_what_is_no_image_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        decode(content)


def bitmap(width: int, height: int) -> bytes:
    content = bytearray(encoded(Image.new("RGB", (4, 4)), "BMP"))
    content[18:26] = width.to_bytes(4, "little") + height.to_bytes(4, "little")
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [bitmap(200_000, 200_000), bitmap(16_385, 16_384), b"P6 100000 100000 255\n" + bytes(99)],
    ids=["wide", "just too many", "header alone"],
)
def test_what_claims_too_many_pixels_is_refused(content: bytes) -> None:
    with pytest.raises(
        DataError, match=r"is damaged or too large: it claims more than 268,435,456"
    ):
        decode(content)


@pytest.mark.slow
def test_a_sound_image_of_196_megapixels_is_read() -> None:
    # Beyond what Pillow reads by itself, 179 megapixels.
    assert 2 * Image.MAX_IMAGE_PIXELS < 14_000**2 < MOST_PIXELS
    large = Image.new("1", (14_000, 14_000))
    large.paste(1, (0, 0, 7_000, 14_000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixels = decode(encoded(large), image_size=8)
    assert pixels[:, :3].min() > 250
    assert pixels[:, 5:].max() < 5


def test_settings_of_the_program_around_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encoded(Image.fromarray(PHOTO))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert np.array_equal(decode(content), PHOTO)
    with pytest.raises(DataError):
        decode(content[:-30])
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES) == (3, True)


@pytest.mark.parametrize(("most", "ahead"), [(2**28, 18), (2 * len(encoded(PIXEL)), 3), (1, 1)])
def test_images_are_taken_a_few_ahead_only(
    monkeypatch: pytest.MonkeyPatch, most: int, ahead: int
) -> None:
    monkeypatch.setattr(image_decoding, "_MOST_AHEAD", most)
    taken: list[int] = []

    def contents():
        for place in range(100):
            taken.append(place)
            yield place, Path(f"{place}.png"), encoded(Image.new("RGB", (1, 1), (place,) * 3))

    images = decoded(contents())
    for place, image in images:
        assert (image == place).all()
        assert len(taken) <= place + ahead
    assert taken == list(range(100))


def test_resizing_tensors_is_resizing_images() -> None:
    pixels = torch.from_numpy(PHOTO).permute(2, 0, 1)[None]
    for size in (4, 13):
        expected = decode(encoded(Image.fromarray(PHOTO)), image_size=size)
        assert np.array_equal(resized(pixels, (size, size))[0].permute(1, 2, 0), expected)
    assert resized(pixels, (6, 9)) is pixels
    assert resized(pixels[:0], (4, 4)).shape == (0, 3, 4, 4)
    assert resized(torch.zeros(2, 1, 5, 7, dtype=torch.uint8), (3, 4)).shape == (2, 1, 3, 4)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP"])
def test_damaged_images_are_read_or_refused(form: str) -> None:
    rng, whole = random.Random(0), encoded(Image.fromarray(PHOTO), form)

    outcomes = []
    for _ in range(400):
        content = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(content))
            odd = rng.choice([b"\0", b"\xff" * 2, rng.randbytes(1), rng.randbytes(4)])
            content[at : at + rng.randint(0, 4)] = odd
        try:
            decode(bytes(content), image_size=4)
            outcomes.append("read")
        except DataError as error:
            outcomes.append("refused" if "image" in str(error) else str(error))
    assert outcomes.count("refused") > 100
    # Whatever changes a PNG is seen by its checksums.
    assert form == "PNG" or "read" in outcomes
