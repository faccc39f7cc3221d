"""A trial keeps to its share of a GPU: Ray only counts fractions, nothing else stops it from taking more."""

import ray


def gpu_share() -> float:
    """The GPUs that Ray has assigned to this process; 0 outside of Ray."""
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


def give_back() -> None:
    """Return the GPU memory that this process keeps for later without using it, after a trial that failed."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
