"""GPU memory: how much a trial needs, and that it keeps to its share.

Ray only counts fractions; nothing but :func:`keep_to_share` stops a trial from taking more.
"""

import os
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nemesis_sweep.sweep.home.gpu_share import read_share

HEADROOM = 1.2
"""A trial is given this much more than was measured: allocators differ from run to run."""

CONTEXT = 2**29
"""Bytes that CUDA is taken to need in a process for itself, where nobody has measured it."""

LEAST = 1e-4
"""The smallest part of a GPU that torch is told to keep to."""

MOST_PER_GPU = 8
"""Trials on one GPU at most: they take turns on it, and more of them end no sooner."""


@dataclass(frozen=True)
class Memory:
    """Bytes: the most that was reserved at once, what the process takes beside it, and what the GPU has."""

    peak: int
    context: int
    total: int

    @property
    def share(self) -> float:
        """The fraction 1/k of the GPU so that k trials fit with headroom; four digits, as Ray counts them."""
        fit = int(self.total // (HEADROOM * self.peak + self.context))
        return int(10_000 / max(1, min(fit, MOST_PER_GPU))) / 10_000


def measure_memory(work: Callable[[], object], stated: int, without_gpu: bool = False) -> Memory:
    """What ``work`` needs of the GPU that this process has to itself.

    Without a GPU (logical ones of a test), and where ``work`` uses none, it is the process's own memory, of
    ``stated`` bytes.
    """
    import torch

    if without_gpu or not torch.cuda.is_available():
        work()
        return Memory(process_peak(), 0, stated)
    # What earlier work has left in torch's cache would count otherwise.
    give_back()
    torch.cuda.reset_peak_memory_stats()
    work()
    free, total = torch.cuda.mem_get_info()
    # CUDA's context, loaded kernels, handles of cuBLAS: used, but not by torch's allocator.
    context = total - free - torch.cuda.memory_reserved()
    return Memory(torch.cuda.max_memory_reserved(), max(0, context), total)


def process_peak() -> int:
    """The most bytes that this process ever had resident; Linux counts in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def gpu_share() -> float:
    """The GPUs that Ray has assigned to this process; 0 outside of Ray."""
    import ray

    if not ray.is_initialized():
        return 0.0
    return float(ray.get_runtime_context().get_assigned_resources().get("GPU", 0.0))


def hide_gpus() -> None:
    """Before torch looks: a process that Ray has given no GPU must not take one, which Ray leaves to it."""
    import ray

    if ray.is_initialized() and not ray.get_gpu_ids():
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def keep_to_share(share: float, home: Path) -> None:
    """Let this process take no more than its share of the GPU's memory, so that no neighbour runs out.

    share: of one GPU, 0 to 1. Nothing is done without a GPU or with a whole one. What CUDA takes for itself
    is part of the share: as much as was measured for the sweep of this home, or ``CONTEXT``.
    """
    import torch

    if not 0 < share < 1 or not torch.cuda.is_available():
        return
    _, total = torch.cuda.mem_get_info()
    context = read_share(home).get("memory", {}).get("context", CONTEXT)
    # A share that CUDA alone uses up is too small: the first thing that is asked for is refused.
    torch.cuda.set_per_process_memory_fraction(max(LEAST, share - context / total))


def give_back() -> None:
    """Return the GPU memory that this process keeps for later without using it, after a trial that failed."""
    import gc

    gc.collect()
    torch = sys.modules.get("torch")  # Not imported for this: the trial may have failed before.
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
