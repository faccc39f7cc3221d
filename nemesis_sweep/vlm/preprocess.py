"""How an image becomes pixels. Needs no torch: processes that only decode read this too."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preprocess:
    """How an image becomes pixels: what a test view needs, in open_clip's words.

    image_size: pixels of the square; interpolation: `bicubic` or `bilinear`; resize_mode: `shortest` (resize
    the short edge, centre crop), `longest` (fit and pad with fill_color) or `squash`.
    """

    image_size: int
    mean: tuple[float, float, float] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, float, float] = (0.26862954, 0.26130258, 0.27577711)
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"
    fill_color: int = 0
