"""Augment a batch of pictures: an affine warp, some colour, ink and paper for one-colour icons."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SIDE = 48
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def _uniform(generator: torch.Generator, count: int, low: float, high: float) -> Tensor:
    return torch.rand(count, generator=generator) * (high - low) + low


def warp(pictures: Tensor, mirror: Tensor, generator: torch.Generator) -> Tensor:
    """(B, 3, H, W) in [0, 1] to (B, 3, 48, 48): scale, shift, turn, and flip where ``mirror`` (B,)."""
    count = len(pictures)
    angle = _uniform(generator, count, -0.2, 0.2)
    scale, stretch = _uniform(generator, count, 0.7, 1.12), _uniform(generator, count, 0.92, 1.08)
    sign = torch.where(mirror & (torch.rand(count, generator=generator) < 0.5), -1.0, 1.0)
    matrix = torch.zeros(count, 2, 3)
    matrix[:, 0, 0] = torch.cos(angle) * scale * stretch * sign
    matrix[:, 0, 1] = -torch.sin(angle) * scale
    matrix[:, 1, 0] = torch.sin(angle) * scale * sign
    matrix[:, 1, 1] = torch.cos(angle) * scale / stretch
    matrix[:, :, 2] = _uniform(generator, count * 2, -0.1, 0.1).view(count, 2)
    grid = F.affine_grid(matrix, [count, 3, SIDE, SIDE], align_corners=False)
    # Paper is white: sample the ink (1 - picture) so that what lies outside becomes paper.
    return 1 - F.grid_sample(1 - pictures, grid, align_corners=False)


def recolour(pictures: Tensor, one_colour: Tensor, generator: torch.Generator) -> Tensor:
    """Give one-colour icons a random ink and paper, the others another contrast and saturation."""
    count = len(pictures)
    ink = torch.rand(count, 3, 1, 1, generator=generator) * 0.75
    paper = 1 - torch.rand(count, 3, 1, 1, generator=generator) * 0.35
    swap = torch.rand(count, 1, 1, 1, generator=generator) < 0.25
    ink, paper = torch.where(swap, paper, ink), torch.where(swap, ink, paper)
    inked = ink + (paper - ink) * pictures
    use = one_colour & (torch.rand(count, generator=generator) < 0.6)
    grey = pictures.mean(1, keepdim=True)
    saturation = _uniform(generator, count, 0.6, 1.3).view(-1, 1, 1, 1)
    saturation = torch.where(torch.rand(count, 1, 1, 1, generator=generator) < 0.12, 0.0, saturation)
    contrast = _uniform(generator, count, 0.75, 1.15).view(-1, 1, 1, 1)
    brightness = _uniform(generator, count, -0.1, 0.05).view(-1, 1, 1, 1)
    jittered = (grey + (pictures - grey) * saturation - 0.5) * contrast + 0.5 + brightness
    negative = torch.rand(count, 1, 1, 1, generator=generator) < 0.05
    jittered = torch.where(negative, 1 - jittered, jittered)
    return torch.where(use.view(-1, 1, 1, 1), inked, jittered).clamp(0, 1)


def normalise(pictures: Tensor) -> Tensor:
    """CLIP's normalisation of pictures (B, 3, H, W) in [0, 1]."""
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    return (pictures - mean) / std


def augment(pictures: Tensor, mirror: Tensor, one_colour: Tensor, generator: torch.Generator) -> Tensor:
    """uint8 (B, H, W, 3) to normalised float (B, 3, 48, 48)."""
    pixels = pictures.permute(0, 3, 1, 2).float() / 255
    pixels = recolour(warp(pixels, mirror, generator), one_colour, generator)
    return normalise(pixels)
