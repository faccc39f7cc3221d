"""GPU memory: how much a trial needs, and that it keeps to its share.

Ray only counts fractions; nothing but :func:`keep_to_share` stops a trial from taking more.
"""

import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass

HEADROOM = 1.2
"""A trial is given this much more than was measured: allocators differ from run to run."""

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


def measure_memory(work: Callable[[], object], stated: int) -> Memory:
    """What ``work`` needs of the GPU that this process has to itself.

    Without a GPU (logical ones of a test) it is the process's own memory, of ``stated`` bytes.
    """
    import torch

    if not torch.cuda.is_available():
        work()
        return Memory(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0, stated)
    torch.cuda.reset_peak_memory_stats()
    work()
    free, total = torch.cuda.mem_get_info()
    # CUDA's context, loaded kernels, handles of cuBLAS: used, but not by torch's allocator.
    context = total - free - torch.cuda.memory_reserved()
    return Memory(torch.cuda.max_memory_reserved(), max(0, context), total)


def gpu_share() -> float:
    """The GPUs that Ray has assigned to this process; 0 outside of Ray."""
    import ray

    if not ray.is_initialized():
        return 0.0
    return float(ray.get_runtime_context().get_assigned_resources().get("GPU", 0.0))


def keep_to_share(share: float) -> None:
    """Let this process allocate no more than its share of the GPU's memory, so that no neighbour runs out.

    share: of one GPU, 0 to 1. Nothing is done without a GPU or with whole ones.
    """
    import torch

    if 0 < share < 1 and torch.cuda.is_available():
        torch.cuda.set_per_process_memory_fraction(share)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a GPU was too small, or the share of it that the process keeps to."""
    # A MemoryError is the machine's. Not imported for this: perhaps just that is what went wrong.
    torch = sys.modules.get("torch")
    # cuBLAS and the driver report it in words of their own.
    words = ("CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
    kind = getattr(torch, "OutOfMemoryError", None)
    return bool(kind and isinstance(error, kind)) or any(word in str(error) for word in words)


def give_back() -> None:
    """Return the GPU memory that this process keeps for later without using it, after a trial that failed."""
    import gc

    gc.collect()
    torch = sys.modules.get("torch")  # Not imported for this: the trial may have failed before.
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
