"""What a training step refuses, before it computes anything: one clear error with the values."""

import torch
from torch import Tensor

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError


def check_batch(
    images: Tensor, labels: Tensor, replicates: int, image_shape: tuple[int, ...], n_classes: int
) -> None:
    """Raise ``UserError`` unless images are finite ``(R, B, *shape)`` and labels ``(R, B)`` in 0..C-1."""
    shape = tuple(images.shape)
    if len(shape) < 3 or shape[0] != replicates or shape[1] == 0 or shape[2:] != image_shape:
        axes = {1: ("E",), 2: ("Q", "E")}.get(len(image_shape), ("H", "H", "3"))
        sizes = ", ".join(f"{axis} = {size}" for axis, size in zip(axes, image_shape, strict=True))
        allowed = f"(R, B, {', '.join(axes)}) with R = {replicates}, B at least 1, {sizes}"
        raise UserError(Problem("image features of a wrong shape", found=str(shape), allowed=allowed))
    if tuple(labels.shape) != shape[:2] or labels.is_floating_point() or labels.dtype == torch.bool:
        found = f"{tuple(labels.shape)} {labels.dtype}".replace("torch.", "")
        allowed = f"{shape[:2]}, whole numbers"
        raise UserError(Problem("labels of a wrong shape or kind", found=found, allowed=allowed))
    # A sum is finite only if all are; adding up is cheaper than looking at each.
    low, high, finite = _read([*labels.aminmax(), images.sum().isfinite()])
    if low < 0 or high >= n_classes:
        found = str(low if low < 0 else high)
        raise UserError(Problem("a label without a class", found=found, allowed=f"0 to {n_classes - 1}"))
    if not finite and not images.isfinite().all():
        raise UserError(_not_finite(images))


def _read(values: list[Tensor]) -> list[int]:
    """Single values as numbers; those on one device are read at once, for each read waits for a GPU."""
    if len({value.device for value in values}) > 1:
        return [int(value) for value in values]
    read: list[int] = torch.stack([value.long() for value in values]).tolist()
    return read


def _not_finite(images: Tensor) -> Problem:
    bad = ~images.isfinite().flatten(2).all(dim=2)
    replicate, row = (int(value) for value in bad.nonzero()[0])
    value = images[replicate, row][~images[replicate, row].isfinite()][0]
    affected = counted(int(bad.sum()), "image")
    return Problem(
        "image features that are not finite",
        found=f"{value.item()} in image {row} of replicate {replicate}, {affected} in all",
        allowed="finite numbers",
    )


def check_device(device: torch.device) -> None:
    """Raise ``UserError`` for a device without the number formats that training and evaluation need."""
    if device.type == "mps":
        message = "Apple's GPU has no float64, which training and evaluation need"
        raise UserError(Problem(message, key="device", found=repr(str(device)), allowed="cpu, cuda"))


def check_positions(positions: Tensor, replicates: int, n_ctx: int) -> None:
    """Raise ``UserError`` unless positions are ``(R, N)``, in 0..M-1 and different within a replicate."""
    shape = tuple(positions.shape)
    whole = not positions.is_floating_point() and positions.dtype != torch.bool
    if positions.ndim != 2 or shape[0] != replicates or not 0 < shape[1] <= n_ctx or not whole:
        found = f"{shape} {positions.dtype}".replace("torch.", "")
        allowed = f"(R, N) whole numbers with R = {replicates}, N from 1 to n_ctx = {n_ctx}"
        raise UserError(Problem("positions of a wrong shape or kind", found=found, allowed=allowed))
    if int(positions.min()) < 0 or int(positions.max()) >= n_ctx:
        found = f"{int(positions.min())} to {int(positions.max())}"
        raise UserError(Problem("no such context vector", found=found, allowed=f"0 to {n_ctx - 1}"))
    ordered = positions.sort(dim=1).values
    if (ordered[:, 1:] == ordered[:, :-1]).any():
        problem = Problem("a position twice in one replicate", found=str(positions.tolist())[:80])
        raise UserError(problem)
