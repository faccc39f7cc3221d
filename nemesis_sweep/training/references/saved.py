"""What a row without a prompt has learnt, on disk: its tensors, and what is needed to use them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.files.tensors_and_facts import TensorsAndFacts
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError, nearest
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.spec.baselines import BASELINES

if TYPE_CHECKING:
    from torch import Tensor

FILES = TensorsAndFacts("reference")
KINDS = tuple(name for name, row in BASELINES.items() if row.classifier)
"""Rows that leave something to use."""


@dataclass(frozen=True)
class Reference:
    """What a row without a prompt has learnt, such as a linear probe, and what it belongs to.

    kind: the row's name in `search.baselines`. tensors: by name, ``(R, ...)``: those that its classifier
    needs. precision: of the backbone that encoded the images. template: the text of its zero-shot part.
    logit_scale: the factor on cosines that it was fitted with, where the backbone's weights have none.
    """

    kind: str
    tensors: Mapping[str, Tensor]
    backbone: str
    fingerprint: str
    classnames: Sequence[str]
    seeds: Sequence[int]
    precision: str
    template: str
    logit_scale: float | None = None

    @property
    def transfers(self) -> bool:
        """Whether it can be used with class names that it was not fitted to."""
        return BASELINES[self.kind].transfers

    def __repr__(self) -> str:
        """One line, without the numbers of the tensors."""
        classes = counted(len(self.classnames), "class", "classes")
        seeds = listed([str(seed) for seed in self.seeds])
        tensors = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in self.tensors.items())
        return f"Reference({self.kind}, {self.backbone}, {classes}, {tensors}, seeds {seeds})"


def save_reference(folder: Path | str, reference: Reference) -> str:
    """Write `reference.safetensors`, then `reference.json`, each in one atomic step; gives the checksum.

    A reference that is there is replaced. Raises ``UserError`` where a file stands in the folder's place.
    """
    if not isinstance(reference, Reference):
        found = repr(reference)[:80]
        raise UserError(Problem("not a reference", "reference", found=found, allowed="a Reference"))
    facts = {each.name: getattr(reference, each.name) for each in fields(reference) if each.name != "tensors"}
    if reference.logit_scale is None:
        del facts["logit_scale"]
    return FILES.write(folder, reference.tensors, facts)


def load_reference(folder: Path | str) -> Reference:
    """Read what :func:`save_reference` wrote, by its folder or by either of its two files.

    Raises ``UserError`` when it is missing or damaged, and for a kind that this version does not know.
    """
    folder = FILES.folder_of(folder)
    try:
        facts, tensors = FILES.read(folder)
        reference = Reference(tensors=tensors, **facts)
    except DamagedError as error:
        raise _unreadable(error.file, error.reason) from error
    except TypeError as error:
        raise _unreadable(folder / FILES.facts, f"does not hold the facts of one ({error})") from error
    _refuse_odd(folder, reference)
    return reference


def _refuse_odd(folder: Path, reference: Reference) -> None:
    """Raise ``UserError`` for facts that are no reference's."""
    texts = (
        reference.kind,
        reference.backbone,
        reference.fingerprint,
        reference.precision,
        reference.template,
    )
    lists = (reference.classnames, reference.seeds)
    if not all(isinstance(each, str) for each in texts) or not all(isinstance(each, list) for each in lists):
        raise _unreadable(folder / FILES.facts, "does not hold the facts of one")
    if reference.kind not in KINDS:
        near, allowed = nearest(reference.kind, KINDS), listed(list(KINDS))
        message = "a reference of a kind that this version does not know"
        file = str(folder / FILES.facts)
        raise UserError(Problem(message, found=reference.kind, allowed=allowed, nearest=near, file=file))
    for name, tensor in reference.tensors.items():
        if tensor.ndim == 0 or len(tensor) != len(reference.seeds):
            held = f"holds {name} {tuple(tensor.shape)} for {counted(len(reference.seeds), 'seed')}"
            raise _unreadable(folder / FILES.tensors, held)


def _unreadable(file: Path, reason: str) -> UserError:
    # The two lie in folders of the same kind, so one is easily taken for the other.
    near = "ns.load_prompt" if not file.exists() and file.with_name("prompt.json").exists() else ""
    return UserError(
        Problem(f"cannot read a reference here: this file {reason}", file=str(file), nearest=near)
    )
