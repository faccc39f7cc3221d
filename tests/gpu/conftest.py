"""What tests on a real GPU share; each is marked `gpu` and left out where torch finds none."""

import pytest
import torch

from tests.prompts.conftest import backbones as backbones
from tests.sweep.conftest import make_sweep as make_sweep


@pytest.fixture(autouse=True)
def gpu_left_as_it_was():
    """No cap and nothing kept from one test to the next."""
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()
