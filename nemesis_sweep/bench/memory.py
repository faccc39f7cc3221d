"""Peak memory of a training step beyond the weights, measured in a process of its own.

A fresh process loads the backbone, prompts and batch, and gives freed memory back to the system
(`malloc_trim`). What it then holds, Linux's VmRSS in `/proc/self/status`, is the base. The peak, VmHWM, is
reset by writing 5 to `/proc/self/clear_refs`, two steps are made, and VmHWM minus the base is the answer:
whatever was resident at once, what allocator and libraries keep for themselves included. On a GPU it is the
most that torch had given out there at once, minus what it had before the steps.
"""

from __future__ import annotations

import ctypes
import gc
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from nemesis_sweep.bench.workload import Setting, make_workload
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm.devices import find_device

_STEPS = 2
_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_bytes(setting: Setting, name: str) -> int | None:
    """Peak memory of an implementation's step beyond weights and inputs, in bytes; None where there is none.

    Raises UserError if the process fails, for instance because memory ran out.
    """
    device = find_device(setting.device)
    if device.type not in ("cpu", "cuda") or (device.type == "cpu" and not _RESET.exists()):
        return None
    command = [sys.executable, "-m", __name__, name, json.dumps(asdict(setting))]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if result.returncode:
        last = (result.stderr.strip().splitlines() or [f"ended with {result.returncode}"])[-1]
        raise UserError(f"the memory of the {name} way could not be measured: {last}")
    return int(result.stdout)


def _measure(setting: Setting, name: str) -> int:
    """What `peak_bytes` runs in the fresh process."""
    from nemesis_sweep.bench.timing import make_implementation, use_threads

    use_threads(setting.threads)
    workload = make_workload(setting)
    # The inputs exist before, for every implementation.
    inputs = workload.pixels if name == "public" else workload.images
    made = make_implementation(name, workload)
    gc.collect()
    base = _before(workload.device)
    for step in range(_STEPS):
        made.step(workload.positions(step))
    peak = torch.cuda.max_memory_allocated() if workload.device.type == "cuda" else _status("VmHWM")
    del inputs
    return max(0, peak - base)


def _before(device: torch.device) -> int:
    """What is held before the steps; the peak is counted from here."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    _give_back()
    base = _status("VmRSS")
    _RESET.write_text("5", encoding="utf-8")
    return base


def _give_back() -> None:
    """Return freed memory to the system, where the C library can."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _status(name: str) -> int:
    """A line of /proc/self/status in bytes."""
    for line in _STATUS.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) * 1024
    raise UserError(f"{_STATUS} has no {name}")


if __name__ == "__main__":
    sys.stdout.write(str(_measure(Setting(**json.loads(sys.argv[2])), sys.argv[1])))
