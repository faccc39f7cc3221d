"""How many GPUs Ray is told to find on this machine, where it would count wrongly."""

import os
import sys

MIG = "MIG-"


def gpus_here(logical: int | None) -> int | None:
    """GPUs for Ray to hand out; None leaves the counting to Ray.

    logical: so many are pretended. Instances of a divided GPU (MIG) that `CUDA_VISIBLE_DEVICES` names count
    one by one: Ray would see the one chip. Apple's is none: trials train on the CPU there.
    """
    if logical is not None:
        return logical
    if sys.platform == "darwin":
        return 0
    visible = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    return len(visible) if any(name.startswith(MIG) for name in visible) else None
