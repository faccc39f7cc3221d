"""Kinds of image files, each read as a person sees it: real files, written and decoded."""

import io
import os
import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from nemesis_sweep.data.dataset import MAX_BYTES, Item
from nemesis_sweep.data.decoding.images import FORMATS, UnusableError, open_image, read_image
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.data.signatures import RASTERS, signature

RAMP = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
GREY = (RAMP >> 8).astype(np.uint8)
COLOUR = Image.fromarray(np.stack([GREY, GREY[::-1], GREY.T], -1))


def written(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(content: bytes) -> np.ndarray:
    image = open_image(content)
    assert image.mode == "RGB"
    return np.asarray(image).astype(int)


@pytest.mark.parametrize(
    "content",
    [
        written(Image.fromarray(RAMP), "PNG"),
        written(Image.fromarray(RAMP), "TIFF"),
        written(Image.fromarray(RAMP.astype(np.int32)), "TIFF"),
        b"P5 32 32 65535\n" + RAMP.astype(">u2").tobytes(),
        written(Image.fromarray(GREY), "PNG"),
        written(Image.fromarray(GREY), "JPEG", quality=100),
    ],
    ids=["png16", "tiff16", "tiff32", "pgm16", "png8", "jpeg"],
)
def test_grey_of_8_and_of_16_bits(content: bytes) -> None:
    assert abs(pixels(content) - GREY[..., None].astype(int)).max() <= 2


@pytest.mark.parametrize(
    "image",
    [Image.fromarray(RAMP.astype(np.float32) / 65535), Image.fromarray(RAMP.astype(np.int32) - 9)],
    ids=["fractions", "negative"],
)
def test_numbers_that_are_no_grey_values_are_refused_by_name(image: Image.Image) -> None:
    with pytest.raises(UnusableError) as caught:
        open_image(written(image, "TIFF"))
    assert str(caught.value.told("a/picture")).startswith(
        "a/picture: cannot read this image: grey values outside of 0 to 65535"
    )


def test_cmyk_as_printers_have_it() -> None:
    content = written(COLOUR.convert("CMYK"), "JPEG", quality=100, subsampling=0)
    assert Image.open(io.BytesIO(content)).mode == "CMYK"
    assert abs(pixels(content) - np.asarray(COLOUR).astype(int)).mean() < 3


def test_a_palette_with_transparency_lies_on_white_paper() -> None:
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.putpixel((0, 0), 0)
    found = pixels(written(palette, "PNG", transparency=0))
    assert found[0, 0].tolist() == [255, 255, 255]
    assert found[1, 1].tolist() == [10, 20, 30]
    half = Image.new("LA", (2, 2), (0, 128))
    assert pixels(written(half, "PNG"))[0, 0].tolist() == [127, 127, 127]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_camera_that_was_held_otherwise(orientation: int) -> None:
    """The file holds what the sensor saw; the tag says how it was held (Exif 2.32, section 4.6.4)."""
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :8], upright[:8, -8:], upright[-8:, :8] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    turned = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, 3),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    sensor = Image.fromarray(np.ascontiguousarray(turned))
    found = pixels(written(sensor, "PNG", exif=exif))
    assert found.shape == upright.shape
    assert (found == upright).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_truncated_file_is_told_by_name_and_how_to_go_on(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    with pytest.raises(UnusableError) as caught:
        open_image(written(Image.fromarray(noise), kind)[:-900])
    assert caught.value.kind == "truncated"
    told = r"a/picture: cannot read this image: .*truncated.*a whole image in its place, or data without it"
    assert re.search(told, str(caught.value.told("a/picture")))


def test_a_file_that_would_fill_the_memory_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400)
    with pytest.raises(UnusableError, match="Image size"):
        open_image(written(COLOUR, "PNG"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP", "PPM", "ICO", "JPEG2000"])
def test_whatever_a_damaged_file_makes_pil_raise_is_told_as_that_file(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a description"
    whole = written(COLOUR, kind, exif=exif) if kind in ("PNG", "JPEG", "WEBP") else written(COLOUR, kind)
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        content = bytearray(whole)
        for place in rng.integers(0, len(content), rng.integers(1, 16)):
            content[place] = rng.integers(256)
        try:
            open_image(bytes(content))
        except UnusableError:
            refused += 1
    assert refused


@pytest.mark.parametrize("kind", [*FORMATS, "MPO"])
def test_every_grid_of_pixels_is_known_by_its_first_bytes_and_opened(kind: str) -> None:
    content = written(COLOUR, kind)
    assert signature(content[:512]) == ("raster", "JPEG" if kind == "MPO" else kind)
    assert pixels(content).shape == (32, 32, 3)
    assert set(FORMATS) <= RASTERS.keys()


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"


@pytest.mark.parametrize("reader", ["ours", "torchvision's"])
def test_a_drawing_called_jpg_never_reaches_ghostscript(reader, tmp_path, monkeypatch) -> None:
    called, program = tmp_path / "called", tmp_path / "gs"
    program.write_text(f"#!/bin/sh\necho called >> {called}\n")
    program.chmod(0o755)
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", str(program))
    for split, name in product(("train", "valid", "test"), ("a", "b")):
        path = tmp_path / "country211" / split / name / "x.jpg"
        path.parent.mkdir(parents=True)
        path.write_bytes(EPS)
    if reader == "ours":
        item, reason = Item(0, "x", path=path), "EPS, which is not opened; PNG or JPEG is"
    else:
        item, reason = load_dataset("torchvision:Country211", tmp_path).test[0], "cannot identify image file"
    with pytest.raises(UnusableError, match=reason):
        read_image(item)
    assert not called.exists()


def special(kind: str, folder: Path) -> Path:
    path = folder / "picture.jpg"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "huge":
            path.touch()
            os.truncate(path, MAX_BYTES + 1)
        case "loop":
            path.symlink_to(path)
        case _:
            path.symlink_to(f"/dev/{kind}")
    return path


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("zero", "a device, not a file"),
        ("null", "a device, not a file"),
        ("pipe", "a pipe, not a file"),
        ("folder", "a folder, not a file"),
        ("huge", "larger than 536 MB"),
        ("loop", "Too many levels of symbolic links"),
    ],
)
def test_what_is_no_file_is_not_read(kind, reason, tmp_path) -> None:
    path = special(kind, tmp_path)
    with pytest.raises(UnusableError) as caught:
        read_image(Item(0, str(path), path=path))
    assert (caught.value.kind, caught.value.reason) == ("unreadable", reason)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"hello", "not an image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(30), "a damaged PNG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC, which is not opened"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG, which is not opened"),
        (b"%PDF-1.7\n", "PDF, which is not opened"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer in place"),
    ],
)
def test_what_is_not_opened_is_told(content, reason) -> None:
    with pytest.raises(UnusableError, match=reason):
        open_image(content)


def test_a_name_that_is_no_text_has_a_key(tmp_path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    path.write_bytes(written(COLOUR, "PNG"))
    assert len(Item(0, str(path), path=path).key) == 64


def test_nothing_is_said_of_an_image_that_is_read() -> None:
    """PIL warns of large images, with a line of its own code; this is one."""
    program = (
        "import io; from PIL import Image; from nemesis_sweep.data.decoding.images import open_image\n"
        "file = io.BytesIO(); Image.new('1', (10_000, 10_000)).save(file, 'PNG')\n"
        "print(open_image(file.getvalue()).size)"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (answer.stdout, answer.stderr) == ("(10000, 10000)\n", "")
