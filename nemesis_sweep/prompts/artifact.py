"""A learnt prompt on disk: its vectors as safetensors, and what is needed to use them as JSON beside it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from nemesis_sweep.data.atomic import replacing
from nemesis_sweep.spec.counting import counted
from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.spec.faults import listed

TENSORS = "prompt.safetensors"
FACTS = "prompt.json"


@dataclass(frozen=True)
class Prompt:
    """The contexts that a trial learnt, and what they belong to.

    context: ``(R, M, D)``, or ``(R, C, M, D)`` when every class has its own.
    selected_share: ``(R, M)``, the share of all steps in which PAN selected each position; None without PAN.
    """

    context: Tensor
    backbone: str
    fingerprint: str
    classnames: Sequence[str]
    class_position: str
    seeds: Sequence[int]
    method: Mapping[str, object]
    selected_share: Sequence[Sequence[float]] | None = None

    def __repr__(self) -> str:
        """One line, without the numbers of the context."""
        classes = counted(len(self.classnames), "class", "classes")
        seeds = listed([str(seed) for seed in self.seeds])
        return f"Prompt({self.backbone}, {classes}, context {tuple(self.context.shape)}, seeds {seeds})"


def save_prompt(folder: Path | str, prompt: Prompt) -> None:
    """Write both files, each in one atomic step, the tensors first."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / TENSORS) as temporary:
        save_file({"context": prompt.context.detach().cpu().contiguous()}, temporary)
    facts = {key: value for key, value in asdict(prompt).items() if key != "context"}
    with replacing(folder / FACTS) as temporary:
        temporary.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def load_prompt(folder: Path | str) -> Prompt:
    """Read a prompt that :func:`save_prompt` wrote, by its folder or by either of its two files.

    Raises ``UserError`` when it is missing or broken.
    """
    folder = Path(folder)
    folder = folder.parent if folder.name in (TENSORS, FACTS) else folder
    try:
        context = load_file(folder / TENSORS)["context"]
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        return Prompt(context=context.to(torch.float32), **facts)
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise UserError(Problem(f"cannot read a prompt here: {error}", file=str(folder))) from error
