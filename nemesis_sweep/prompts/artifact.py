"""A learnt prompt on disk: its vectors as safetensors, and what is needed to use them as JSON beside it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from nemesis_sweep.data.full_disk import replacing
from nemesis_sweep.spec.errors import Problem, UserError

TENSORS = "prompt.safetensors"
FACTS = "prompt.json"


@dataclass(frozen=True)
class Prompt:
    """The contexts that a trial learnt, and what they belong to.

    context: ``(R, M, D)``, or ``(R, C, M, D)`` when every class has its own.
    """

    context: Tensor
    backbone: str
    fingerprint: str
    classnames: Sequence[str]
    class_position: str
    seeds: Sequence[int]
    method: Mapping[str, object]


def save_prompt(folder: Path | str, prompt: Prompt) -> None:
    """Write both files, each in one atomic step, the tensors first."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / TENSORS) as temporary:
        save_file({"context": prompt.context.detach().cpu().contiguous()}, temporary)
    facts = {key: value for key, value in asdict(prompt).items() if key != "context"}
    with replacing(folder / FACTS) as temporary:
        temporary.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")


def load_prompt(folder: Path | str) -> Prompt:
    """Read a prompt that :func:`save_prompt` wrote. Raises ``UserError`` when it is missing or broken."""
    folder = Path(folder)
    try:
        context = load_file(folder / TENSORS)["context"]
        facts = json.loads((folder / FACTS).read_text())
        return Prompt(context=context.to(torch.float32), **facts)
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise UserError(Problem(f"cannot read a prompt here: {error}", file=str(folder))) from error
