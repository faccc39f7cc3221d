"""Bytes of images to the numbers that an image tower takes."""

from __future__ import annotations

import torch
from torch import Tensor

from nemesis_sweep.vlm.devices import to_device
from nemesis_sweep.vlm.preprocess import Preprocess


def normalised(taken: Tensor, preprocess: Preprocess, dtype: torch.dtype = torch.float32) -> Tensor:
    """Pixels ``(b, 3, H, W)``, normalised for the tower, of bytes ``(b, H, W, 3)`` where it computes.

    They go there as bytes, a quarter of what numbers would be, and become numbers there. They stay in the
    order of the decoder, channels last: convolutions on a CPU are a quarter faster on it.
    """
    pixels = taken.permute(0, 3, 1, 2).to(dtype) / 255
    mean, std = (
        to_device(torch.tensor(each, dtype=dtype, device="cpu"), taken.device).view(3, 1, 1)
        for each in (preprocess.mean, preprocess.std)
    )
    return (pixels - mean) / std
