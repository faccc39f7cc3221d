"""What the figures were measured on."""

from __future__ import annotations

import platform
from pathlib import Path

import torch


def describe_machine(*devices: torch.device) -> dict[str, str | int]:
    """Processor, its cores, torch's threads, memory, system and versions; GPUs, where devices are some."""
    import open_clip

    gpus = sorted({torch.cuda.get_device_name(each) for each in devices if each.type == "cuda"})
    return {
        **({"gpu": ", ".join(gpus)} if gpus else {}),
        "processor": _processor(),
        "cores": len(_affinity()),
        "threads": torch.get_num_threads(),
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.machine()}",
        "vector_instructions": torch.backends.cpu.get_cpu_capability(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "open_clip": open_clip.__version__,
    }


def _affinity() -> set[int]:
    import os

    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def _processor() -> str:
    """The processor's name; family, model and stepping too, since virtual machines hide the rest."""
    facts: dict[str, str] = {}
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            facts.setdefault(key.strip(), value.strip())
    if "model name" not in facts:
        return platform.processor() or platform.machine()
    numbers = "/".join(facts.get(key, "?") for key in ("cpu family", "model", "stepping"))
    return f"{facts['model name']} (family/model/stepping {numbers})"


def _memory_gib() -> int:
    import os

    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return 0
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30)
