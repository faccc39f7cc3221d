"""What figures were measured on."""

import torch

from nemesis_sweep.bench.machine import describe_machine


def test_every_gpu_that_was_measured_on_is_told_once(monkeypatch):
    names = {"cuda:0": "NVIDIA H200", "cuda:1": "NVIDIA L4", "cuda:2": "NVIDIA L4"}
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: names[str(device)])
    devices = [torch.device(name) for name in ("cpu", *names)]
    assert describe_machine(*devices)["gpu"] == "NVIDIA H200, NVIDIA L4"
    assert "gpu" not in describe_machine(torch.device("cpu"))
