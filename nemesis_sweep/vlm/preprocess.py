"""How an image becomes pixels. Needs no torch: processes that only decode read this too."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from nemesis_sweep.messages.errors import Problem, UserError


@dataclass(frozen=True)
class Preprocess:
    """How an image becomes pixels: what a test view needs, in open_clip's words.

    image_size: pixels of the square; interpolation: `bicubic` or `bilinear`; resize_mode: `shortest` (resize
    the short edge, centre crop), `longest` (fit and pad with fill_color) or `squash`. resize: pixels of the
    short edge, or of the squashed square, of which the middle is then taken; 0 for those of the square.
    Raises UserError for numbers that give no pixels.
    """

    image_size: int
    mean: tuple[float, float, float] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, float, float] = (0.26862954, 0.26130258, 0.27577711)
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"
    fill_color: int = 0
    resize: int = 0

    def __post_init__(self) -> None:
        colours = {"mean": self.mean, "std": self.std}
        for name, numbers in colours.items():
            if len(numbers) != 3 or not all(map(math.isfinite, numbers)):
                raise _unusable(f"{name} {list(numbers)}", "a number for each of the 3 colours")
        if min(self.std) <= 0:
            raise _unusable(f"std {list(self.std)}", "numbers above 0")
        if self.image_size < 1:
            raise _unusable(f"size {self.image_size}", "at least 1 pixel")

    def facts(self) -> dict[str, Any]:
        """What pixels depend on; features of earlier versions, which knew no `resize`, stay what they are."""
        return {name: value for name, value in asdict(self).items() if name != "resize" or value}


def _unusable(found: str, allowed: str) -> UserError:
    return UserError(Problem("these settings of images cannot be used", found=found, allowed=allowed))
