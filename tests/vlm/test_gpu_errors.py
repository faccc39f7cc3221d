"""What errors of a GPU mean, by the words that torch, CUDA and its libraries use."""

import pytest
import torch

from nemesis_sweep.vlm.gpu_errors import is_out_of_memory, is_sticky

CUBLAS = "CUDA error: {} when calling `cublasCreate(handle)`"
MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
    RuntimeError(CUBLAS.format("CUBLAS_STATUS_ALLOC_FAILED")),
    RuntimeError(CUBLAS.format("CUBLAS_STATUS_NOT_INITIALIZED")),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
]
STICKY = [
    RuntimeError("CUDA error: an illegal memory access was encountered"),
    RuntimeError("CUDA error: device-side assert triggered"),
    RuntimeError("CUDA error: unspecified launch failure"),
    RuntimeError("CUDA error: uncorrectable ECC error encountered"),
    RuntimeError(CUBLAS.format("CUBLAS_STATUS_EXECUTION_FAILED")),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
]
NEITHER = [
    MemoryError("the machine's"),
    RuntimeError("shapes do not match"),
    RuntimeError("CUDA error: invalid argument"),
    RuntimeError(CUBLAS.format("CUBLAS_STATUS_INVALID_VALUE")),
    KeyError("CUDA error: device-side assert triggered"),
]


@pytest.mark.parametrize("error", MEMORY, ids=str)
def test_too_little_memory(error):
    assert is_out_of_memory(error)
    assert not is_sticky(error)


@pytest.mark.parametrize("error", STICKY, ids=str)
def test_a_process_that_can_go_on_no_more(error):
    assert is_sticky(error)
    assert not is_out_of_memory(error)


@pytest.mark.parametrize("error", NEITHER, ids=str)
def test_others(error):
    assert not is_sticky(error)
    assert not is_out_of_memory(error)
