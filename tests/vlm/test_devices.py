"""Devices by name, on the machine that there is."""

import pytest
import torch

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm.devices import devices_there, find_device, to_device
from tests.virtual_gpu import DEVICE, VirtualGPU

NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")


def test_what_is_there_is_found():
    assert devices_there()[0] == "cpu"
    for name in devices_there():
        assert str(find_device(name)) == name
    assert find_device(torch.device("cpu")) == torch.device("cpu")
    assert find_device("meta").type == "meta"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpu", "device: unknown device; found 'gpu'; allowed: cpu.*Did you mean 'cuda'"),
        ("CPU", "device: unknown device; found 'CPU'.*Did you mean 'cpu'"),
        ("cuda:x", "device: unknown device; found 'cuda:x'"),
        (1.5, "device: unknown device; found 1.5"),
        ("cpu:3", "device: torch finds fewer of them on this machine; found 'cpu:3'"),
        ("vulkan", "device: torch finds no such device on this machine; found 'vulkan'"),
        pytest.param("cuda", "no such device on this machine; found 'cuda'; allowed: cpu", marks=NO_GPU),
        pytest.param("cuda:1", "no such device on this machine; found 'cuda:1'", marks=NO_GPU),
    ],
)
def test_others_are_refused_with_what_there_is(tiny_backbone, name, message):
    with pytest.raises(UserError, match=message):
        find_device(name)
    with pytest.raises(UserError, match=message):
        tiny_backbone.to(device=name)


def test_what_goes_to_a_device_keeps_its_values():
    values = torch.arange(6, dtype=torch.float64).view(2, 3)
    here = to_device(values, torch.device("cpu"))
    assert here is values
    assert to_device(values, torch.device("cpu"), torch.float32).dtype == torch.float32


def test_a_copy_to_a_gpu_is_not_waited_for_and_one_from_it_is():
    with VirtualGPU() as gpu:
        there = to_device(torch.arange(3), DEVICE, torch.float32)
        assert not gpu.waits
        assert there.device == DEVICE
        assert to_device(there, torch.device("cpu")).tolist() == [0, 1, 2]
        assert gpu.waits.total() == 1
        assert not gpu.faults
