"""Tensors in a safetensors file that carries a checksum of them, and what they belong to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from nemesis_sweep.files.atomic import replacing
from nemesis_sweep.files.regular_file import check_regular, status_of
from nemesis_sweep.files.sealed import UNFIT, DamagedError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

CHECKSUM, OWNER = "nemesis-sweep.sha256", "nemesis-sweep.owner"


def save_tensors(path: Path, tensors: Mapping[str, Tensor], owner: str = "") -> str:
    """Replace a file in one step; gives the checksum that it carries. owner: what the tensors belong to."""
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    digest = tensor_checksum(kept, owner)
    write_tensors(path, kept, {CHECKSUM: digest, OWNER: owner})
    return digest


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Replace a safetensors file in one step, readable for whom other new files are readable."""
    from safetensors.torch import save_file

    with replacing(path) as temporary:
        temporary.touch()
        mode = temporary.stat().st_mode
        save_file(dict(tensors), temporary, dict(metadata))
        temporary.chmod(mode)  # safetensors writes for the owner only.


def load_tensors(path: Path, owner: str = "") -> dict[str, Tensor]:
    """The tensors of a file, checked. Raises ``DamagedError`` when they are not those of ``owner``.

    A file without a checksum is one of an earlier version and taken as it is.
    """
    return _read(path, owner, "pt")


def load_arrays(path: Path, owner: str = "") -> dict[str, np.ndarray]:
    """The same as NumPy's arrays, without torch."""
    return _read(path, owner, "np")


def tensor_checksum(tensors: Mapping[str, Any], owner: str = "") -> str:
    """SHA-256 of tensors or arrays by their names, as hexadecimal text."""
    digest = hashlib.sha256(owner.encode())
    for name in sorted(tensors):
        values = tensors[name]
        kind = str(values.dtype).removeprefix("torch.")
        digest.update(f"{name} {kind} {tuple(values.shape)}".encode())
        digest.update(_bytes(values))
    return digest.hexdigest()


def _read(path: Path, owner: str, framework: str) -> dict[str, Any]:
    try:
        check_regular(status_of(path))
        with safe_open(path, framework=framework) as file:
            facts = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except FileNotFoundError as error:
        raise DamagedError(path, "is missing") from error
    except (OSError, SafetensorError, ValueError, TypeError) as error:
        raise DamagedError(path, f"is no whole safetensors file ({error})") from error
    if CHECKSUM in facts:
        if facts.get(OWNER, "") != owner:
            raise DamagedError(path, f"belongs to {facts.get(OWNER) or 'something else'}")
        if tensor_checksum(tensors, owner) != facts[CHECKSUM]:
            raise DamagedError(path, UNFIT)
    return tensors


def _bytes(values: Any) -> Any:
    """The memory of a tensor or an array."""
    flat = values.reshape(-1)
    if hasattr(flat, "detach"):
        import torch

        return flat.view(torch.uint8).numpy().data
    return flat.view("uint8").data
