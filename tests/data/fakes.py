"""A real backbone with another image tower."""

from typing import Any

from torch import Tensor


class Changed:
    """Everything of a backbone but `encode_image`; attributes that are set here hide the backbone's."""

    def __init__(self, backbone: Any, encode_image: Any) -> None:
        self._backbone = backbone
        self._encode_image = encode_image

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backbone, name)

    def encode_image(self, pixels: Tensor, reads: str = "pooled") -> Tensor:
        return self._encode_image(pixels)
