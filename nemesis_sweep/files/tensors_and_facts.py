"""Two files in a folder that belong together: `NAME.safetensors`, and `NAME.json` with what they are of."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nemesis_sweep.files.atomic import replacing
from nemesis_sweep.files.own_folder import made_folder
from nemesis_sweep.files.sealed import CHECKSUM, DamagedError, read_sealed, write_sealed
from nemesis_sweep.files.tensor_file import load_arrays, load_tensors, save_tensors, tensor_checksum
from nemesis_sweep.messages.errors import Problem, UserError

if TYPE_CHECKING:
    from torch import Tensor

TENSORS_CHECKSUM = "context_checksum"
"""Which tensors the facts were written with: both files may be whole, and of two prompts."""


@dataclass(frozen=True)
class TensorsAndFacts:
    """Both files by their name, such as `prompt`."""

    name: str

    @property
    def tensors(self) -> str:
        return f"{self.name}.safetensors"

    @property
    def facts(self) -> str:
        return f"{self.name}.json"

    @property
    def files(self) -> tuple[str, str]:
        """The tensors first."""
        return self.tensors, self.facts

    def write(self, folder: Path | str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> str:
        """Write both, each in one atomic step, the tensors first; gives the checksum of all of it.

        What is there is replaced. Raises ``UserError`` for what is no path, and where a file stands in the
        folder's place.
        """
        folder = _path(folder)
        made_folder(folder)
        kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        # The facts lie ready before the tensors are replaced: a disk that is full leaves the former two.
        with replacing(folder / self.facts) as ready:
            checksum = write_sealed(ready, {**facts, TENSORS_CHECKSUM: tensor_checksum(kept)})
            save_tensors(folder / self.tensors, kept)
        return checksum

    def read(self, folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """The facts and the tensors. Raises ``DamagedError`` for what is missing or not what was written."""
        facts, tensors = self._read(folder, load_tensors)
        facts.pop(CHECKSUM, None)
        return facts, dict(tensors)

    def checksum(self, folder: Path) -> str:
        """Check both without torch; gives what :meth:`write` gave, '' for files of an earlier version.

        Raises ``DamagedError``.
        """
        facts, _ = self._read(folder, load_arrays)
        return str(facts.get(CHECKSUM, ""))

    def folder_of(self, path: Path | str) -> Path:
        """The folder that a person means by itself or by either of the two files.

        Raises ``UserError`` for what is no path.
        """
        path = _path(path)
        return path.parent if path.name in self.files else path

    def _read(
        self, folder: Path, load: Callable[[Path], Mapping[str, Any]]
    ) -> tuple[dict[str, Any], Mapping[str, Any]]:
        facts = read_sealed(folder / self.facts)
        tensors = load(folder / self.tensors)
        if facts.pop(TENSORS_CHECKSUM, None) not in (None, tensor_checksum(tensors)):
            raise DamagedError(folder / self.tensors, f"is not the file that {self.facts} was written with")
        return facts, tensors


def _path(folder: Any) -> Path:
    if not isinstance(folder, str | os.PathLike):
        raise UserError(Problem("not a folder", "folder", found=repr(folder)[:80], allowed="a path"))
    return Path(folder)
