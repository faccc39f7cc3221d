"""Where towers compute: devices by torch's names, and which of them this machine has."""

from typing import Any

import torch

from nemesis_sweep.messages.errors import Problem, UserError, nearest

KINDS = ("cuda", "mps", "xpu")
"""Accelerators that are looked for, to say what there is."""
MEANT = {"gpu": "cuda", "nvidia": "cuda", "metal": "mps"}
"""What people call them."""
WITHOUT_MEMORY = "meta"
IN_ORDER = ("cpu", "mps")
"""Devices to which every copy is waited for."""


def find_device(given: torch.device | str) -> torch.device:
    """The device of that name. Raises ``UserError`` for a name torch does not know or finds nothing under."""
    try:
        device = torch.device(given)
    except (RuntimeError, TypeError) as error:
        raise UserError(_problem("unknown device", given, _near(given))) from error
    count = 1 if device.type == WITHOUT_MEMORY else _count(device.type)
    if count == 0:
        raise UserError(_problem("torch finds no such device on this machine", given))
    if device.index is not None and device.index >= count:
        raise UserError(_problem("torch finds fewer of them on this machine", given))
    return device


def to_device(tensor: torch.Tensor, device: torch.device, dtype: torch.dtype | None = None) -> torch.Tensor:
    """The tensor on a device, without a wait for what the device has still to compute.

    From the CPU it goes to a GPU through page-locked memory of its own, so whoever gave it may change it at
    once. Towards the CPU, and on devices that order such copies otherwise, it is an ordinary copy.
    """
    if device.type in IN_ORDER:
        return tensor.to(device, dtype or tensor.dtype)
    if device.type == "cuda" and tensor.device.type == "cpu":
        own = torch.empty(tensor.shape, dtype=dtype or tensor.dtype, pin_memory=True)
        tensor = own.copy_(tensor)
    return tensor.to(device, dtype or tensor.dtype, non_blocking=True)


def synchronise(device: torch.device) -> None:
    """Wait until a device has computed all that it was given; a CPU has."""
    if device.type in KINDS:
        module: Any = torch.get_device_module(device.type)
        module.synchronize(device)


def devices_there() -> list[str]:
    """What this machine has: `cpu`, `cuda`, or `cuda:0`, `cuda:1` and so on where there are several."""
    found = ["cpu"]
    for kind in KINDS:
        count = _count(kind)
        found += [kind] if count == 1 else [f"{kind}:{number}" for number in range(count)]
    return found


def _near(given: object) -> str:
    if not isinstance(given, str):
        return ""
    return MEANT.get(given.casefold()) or nearest(given, ("cpu", *KINDS))


def _count(kind: str) -> int:
    try:
        module: Any = torch.get_device_module(kind)
    except RuntimeError:
        return 0
    return int(module.device_count()) if module.is_available() else 0


def _problem(message: str, given: object, near: str = "") -> Problem:
    there = ", ".join(devices_there())
    allowed = f"{there} (what torch finds here)"
    return Problem(message, key="device", found=repr(given), allowed=allowed, nearest=near)
