"""What an error of a GPU means: too little memory, or a process that can compute nothing more."""

import re
import sys

_OUT_OF_MEMORY = (
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    # cuBLAS says so where its handle finds no memory.
    "CUBLAS_STATUS_NOT_INITIALIZED",
)
"""How the driver and its libraries report it in words of their own."""

_STICKY = re.compile(
    r"CUDA error: (?!out of memory|CUBLAS_|invalid argument|no kernel image)|"
    r"C(?:UBLAS|UDNN)_STATUS_(?:EXECUTION_FAILED|INTERNAL_ERROR|MAPPING_ERROR)"
)
"""After these every later call fails too: an illegal address, a kernel's failed assertion, a broken chip."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a GPU was too small, or the share of it that the process keeps to."""
    # A MemoryError is the machine's. Not imported for this: perhaps just that is what went wrong.
    torch = sys.modules.get("torch")
    kind = getattr(torch, "OutOfMemoryError", None)
    return bool(kind and isinstance(error, kind)) or any(word in str(error) for word in _OUT_OF_MEMORY)


def is_sticky(error: BaseException) -> bool:
    """Whether the process can use its GPU no more, whatever it computes next."""
    return (
        isinstance(error, RuntimeError) and not is_out_of_memory(error) and bool(_STICKY.search(str(error)))
    )
