"""Image files as a person sees them: upright, RGB, on white paper; and what is wrong with others.

Needs no torch: processes that only decode import this.
"""

import io
import warnings
from functools import cache
from importlib.util import find_spec
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.signatures import HEAD, why_not
from nemesis_sweep.messages.errors import Problem, UserError

WHITE = 65535
"""Of a grey image with 16 bits."""

_NEWER = {"AVIF": "PIL.AvifImagePlugin", "QOI": "PIL.QoiImagePlugin"}
FORMATS = (
    *("JPEG", "PNG", "GIF", "BMP", "PPM", "WEBP", "TIFF", "JPEG2000", "ICO"),
    *(name for name, module in _NEWER.items() if find_spec(module)),
)
"""What is opened, in PIL's words: grids of pixels. Its other formats are drawings that programs outside of it
draw (EPS, which is a program for Ghostscript, WMF), films, data, or have no mark by which to know them."""

DRAWINGS = frozenset({"EPS", "WMF"})

Kind = Literal["missing", "truncated", "unreadable"]


class UnusableError(Exception):
    """An image that cannot be used. A truncated one begins well and ends too early."""

    def __init__(self, kind: Kind, reason: str) -> None:
        super().__init__(kind, reason)
        self.kind: Kind = kind
        self.reason = reason

    def told(self, source: str) -> UserError:
        """The same for a user."""
        allowed = "a whole image in its place, or data without it"
        return UserError(Problem(f"cannot read this image: {self.reason}", file=source, allowed=allowed))


def cannot_read(error: OSError) -> UnusableError:
    """What the system says of a file that it cannot give."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return UnusableError("missing", "no such file")
    return UnusableError("unreadable", error.strerror or str(error))


def read_image(item: Item) -> tuple[bytes, Image.Image]:
    """The encoded bytes of an item and its image. Raises ``UnusableError``."""
    try:
        content = item.read()
    except OSError as error:
        raise cannot_read(error) from error
    return content, open_image(content)


def never_drawings() -> None:
    """From now on, PIL opens no file of this process as a drawing that another program draws.

    For images that others open: torchvision's datasets give PIL whatever file they find.
    """
    Image.init()
    for name in DRAWINGS & Image.OPEN.keys():
        factory, _ = Image.OPEN[name]
        Image.OPEN[name] = (factory, lambda prefix: False)


def open_image(content: bytes) -> Image.Image:
    """An RGB image, upright, decoded. Raises ``UnusableError``.

    PIL raises whatever its codecs meet in a damaged file, so every error but a full memory is the file's.
    """
    _quiet()
    try:
        image: Image.Image = Image.open(io.BytesIO(content), formats=FORMATS)
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:
        raise UnusableError("unreadable", str(error)) from error
    except Exception as error:
        raise UnusableError("unreadable", why_not(content[:HEAD])) from error
    try:
        image.load()
        return as_seen(image)
    except MemoryError:
        raise
    except Exception as error:
        # The header was read: what fails now is that the rest is not there, or is damaged.
        cut = "truncated" in str(error) or "broken" in str(error)
        raise UnusableError("truncated" if cut else "unreadable", str(error)) from error


@cache
def _quiet() -> None:
    """Keep PIL's own warnings off the screen, once for this process: they name a line of PIL and no image.

    Of an image that is read all the same (large, with a damaged EXIF tag), there is nothing to say.
    """
    warnings.filterwarnings("ignore", module="PIL")


def as_seen(image: Image.Image) -> Image.Image:
    """A decoded image as a person sees it: upright, RGB, on white paper. Raises what PIL raises."""
    return _rgb(ImageOps.exif_transpose(image))


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        image = _eight_bits(image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        paper = Image.new("RGBA", rgba.size, "white")
        image = Image.alpha_composite(paper, rgba)
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """A grey image of 16 bits with 8: PIL's own conversion makes everything above 255 white.

    Raises ``ValueError`` for numbers that are no grey values of 16 bits.
    """
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > WHITE:
        raise ValueError(f"grey values outside of 0 to {WHITE}, or fractions of unknown range")
    return Image.fromarray(((values.astype(np.uint32) * 255 + WHITE // 2) // WHITE).astype(np.uint8))
