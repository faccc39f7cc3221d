"""How many floating-point operations a second a device reaches in matrix products."""

from __future__ import annotations

import time

import torch

from nemesis_sweep.vlm.devices import synchronise

_SIZES = (1024, 2048, 4096)
_SECONDS = 0.5


def matmul_peak(dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu") -> float:
    """Operations a second of the fastest product of two square matrices, with torch's current threads.

    Each size runs for half a second; the best single product counts, so that a busy moment does not lower
    the peak.
    """
    return max(_best_rate(size, dtype, torch.device(device)) for size in _SIZES)


def _best_rate(size: int, dtype: torch.dtype, device: torch.device) -> float:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(size, size, generator=generator).to(device, dtype) for _ in range(2))
    out = torch.empty(size, size, dtype=dtype, device=device)
    best = float("inf")
    end = time.perf_counter() + _SECONDS
    torch.mm(a, b, out=out)
    synchronise(device)
    while time.perf_counter() < end or best == float("inf"):
        start = time.perf_counter()
        torch.mm(a, b, out=out)
        synchronise(device)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best
