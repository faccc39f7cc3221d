"""A learnt prompt on disk: its tensors as safetensors, and what is needed to use them as JSON beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nemesis_sweep.data.dataset import DEFAULT_TEMPLATE
from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.files.tensors_and_facts import TensorsAndFacts
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.prompts.registry import learner_of
from nemesis_sweep.spec.outside.beside import BESIDE, KEPT
from nemesis_sweep.spec.prompts import PROMPTS

if TYPE_CHECKING:
    from torch import Tensor

    from nemesis_sweep.prompts.learner import Learner

FILES = TensorsAndFacts("prompt")


@dataclass(frozen=True)
class Prompt:
    """What a trial learnt, and what it belongs to.

    tensors: by name, ``(R, ...)``, fp32: those that its kind of prompt, ``method["prompt"]``, learns.
    selected_share: ``(R, P)``, the share of all steps in which PAN selected each position; None without PAN.
    template: the hand-written prompt that it was learnt beside, `{}` for the class name; earlier versions did
    not keep it. logit_scale: the factor on cosines that it was learnt with, where the backbone's weights have
    none; else None.
    """

    tensors: Mapping[str, Tensor]
    backbone: str
    fingerprint: str
    classnames: Sequence[str]
    seeds: Sequence[int]
    method: Mapping[str, object]
    selected_share: Sequence[Sequence[float]] | None = None
    template: str = DEFAULT_TEMPLATE
    logit_scale: float | None = None

    @property
    def kind(self) -> str:
        """Its name among the kinds of prompts."""
        return str(self.method.get("prompt", "coop"))

    @property
    def context(self) -> Tensor:
        """The context vectors, such as ``(R, M, D)``. Raises ``UserError`` for a kind that has none."""
        if "context" in self.tensors:
            return self.tensors["context"]
        raise UserError(
            Problem("this prompt has no context vectors", found=self.kind, allowed=listed(list(self.tensors)))
        )

    @property
    def class_position(self) -> str:
        """Where the class name stands among its words."""
        return str(self.method.get("class_position", "end"))

    def __repr__(self) -> str:
        """One line, without the numbers of the tensors."""
        classes = counted(len(self.classnames), "class", "classes")
        seeds = listed([str(seed) for seed in self.seeds])
        tensors = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in self.tensors.items())
        return f"Prompt({self.backbone}, {classes}, {tensors}, seeds {seeds})"


def save_prompt(folder: Path | str, prompt: Prompt) -> str:
    """Write both files, each in one atomic step, the tensors first; gives the checksum of all of it.

    A prompt that is there is replaced. Raises ``UserError`` where a file stands in the folder's place.
    """
    if not isinstance(prompt, Prompt):
        raise UserError(Problem("not a prompt", "prompt", found=repr(prompt)[:80], allowed="a Prompt"))
    facts = {item.name: getattr(prompt, item.name) for item in fields(prompt) if item.name != "tensors"}
    if prompt.logit_scale is None:
        del facts["logit_scale"]
    return FILES.write(folder, prompt.tensors, facts)


def load_prompt(folder: Path | str) -> Prompt:
    """Read a prompt that :func:`save_prompt` wrote, by its folder or by either of its two files.

    Raises ``UserError`` when it is missing or damaged.
    """
    folder = FILES.folder_of(folder)
    try:
        facts, tensors = FILES.read(folder)
        _take_position(facts)
        prompt = Prompt(tensors={name: tensor.float() for name, tensor in tensors.items()}, **facts)
    except DamagedError as error:
        raise _unreadable(error.file, error.reason) from error
    except TypeError as error:
        raise _unreadable(folder / FILES.facts, f"does not hold the facts of a prompt ({error})") from error
    _refuse_odd(folder, prompt)
    return prompt


def _take_position(facts: dict[str, Any]) -> None:
    """Take over where the class name stands from an earlier version, which kept it beside the method."""
    position = facts.pop("class_position", None)
    if position is not None and isinstance(facts.get("method"), dict):
        facts["method"] = {"class_position": position, **facts["method"]}


def _refuse_odd(folder: Path, prompt: Prompt) -> None:
    """Raise ``UserError`` for facts that are no prompt's; those of an earlier version have no checksum."""
    texts = (prompt.backbone, prompt.fingerprint, prompt.template)
    whole = all(isinstance(text, str) for text in texts) and isinstance(prompt.method, dict)
    whole = whole and (prompt.logit_scale is None or type(prompt.logit_scale) in (int, float))
    if not whole or not _is_list(prompt.classnames, str) or not _is_list(prompt.seeds, int):
        raise _unreadable(folder / FILES.facts, "does not hold the facts of a prompt")
    learnt = _learner(folder, prompt.kind).tensors
    for name in learnt:
        if name not in prompt.tensors:
            raise _unreadable(folder / FILES.tensors, f"holds no {name}")
    for name, tensor in prompt.tensors.items():
        if name not in learnt:
            raise _unreadable(
                folder / FILES.tensors, f"holds a {name}, which a prompt of this kind does not learn"
            )
        if tensor.ndim == 0 or len(tensor) != len(prompt.seeds):
            held = f"holds a {name} {tuple(tensor.shape)} for {counted(len(prompt.seeds), 'seed')}"
            raise _unreadable(folder / FILES.tensors, held)


def _is_list(values: Any, of: type) -> bool:
    return isinstance(values, list) and bool(values) and all(type(value) is of for value in values)


def _learner(folder: Path, kind: str) -> type[Learner]:
    """The class of a kind; the home of the sweep that a prompt lies in keeps modules of its own.

    Raises ``UserError`` where the kind, or the module that it is in, is not found.
    """
    if kind not in PROMPTS:
        place = folder.absolute()
        homes = [each for each in place.parents if (each / KEPT).is_dir() and (each / "sweep.yaml").exists()]
        if homes:
            BESIDE.look_in(homes[0])
    try:
        return learner_of(kind)
    except UserError as error:
        problem = error.problems[0]
        message = f"a prompt of the kind {kind} needs its code: {problem.message}"
        raise UserError(
            replace(problem, message=message, key="", found="", file=str(folder / FILES.facts))
        ) from error


def _unreadable(file: Path, reason: str) -> UserError:
    # The two lie in folders of the same kind, so one is easily taken for the other.
    near = "ns.load_reference" if not file.exists() and file.with_name("reference.json").exists() else ""
    return UserError(Problem(f"cannot read a prompt here: this file {reason}", file=str(file), nearest=near))
