"""A learnt prompt on disk: its vectors as safetensors, and what is needed to use them as JSON beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nemesis_sweep.data.sealed import CHECKSUM, DamagedError, read_sealed, write_sealed
from nemesis_sweep.data.tensor_file import load_arrays, load_tensors, save_tensors, tensor_checksum
from nemesis_sweep.spec.counting import counted
from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.spec.faults import listed

if TYPE_CHECKING:
    from torch import Tensor

TENSORS = "prompt.safetensors"
FACTS = "prompt.json"
CONTEXT = "context_checksum"
"""Which tensors the facts were written with: both files may be whole, and of two prompts."""


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


def save_prompt(folder: Path | str, prompt: Prompt) -> str:
    """Write both files, each in one atomic step, the tensors first; gives the checksum of all of it."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    context = save_tensors(folder / TENSORS, {"context": prompt.context})
    facts = {key: value for key, value in asdict(prompt).items() if key != "context"}
    return write_sealed(folder / FACTS, {**facts, CONTEXT: context})


def load_prompt(folder: Path | str) -> Prompt:
    """Read a prompt that :func:`save_prompt` wrote, by its folder or by either of its two files.

    Raises ``UserError`` when it is missing or damaged.
    """
    folder = Path(folder)
    folder = folder.parent if folder.name in (TENSORS, FACTS) else folder
    try:
        facts, tensors = _read(folder, load_tensors)
        facts.pop(CHECKSUM, None)
        prompt = Prompt(context=tensors["context"].float(), **facts)
    except DamagedError as error:
        raise _unreadable(error.file, error.reason) from error
    except KeyError as error:
        raise _unreadable(folder / TENSORS, "holds no context") from error
    except TypeError as error:
        raise _unreadable(folder / FACTS, f"does not hold the facts of a prompt ({error})") from error
    _refuse_odd(folder, prompt)
    return prompt


def prompt_checksum(folder: Path) -> str:
    """Check a prompt without torch; gives what :func:`save_prompt` gave, '' for one of an earlier version.

    Raises ``DamagedError``.
    """
    facts, _ = _read(folder, load_arrays)
    return str(facts.get(CHECKSUM, ""))


def _read(
    folder: Path, load: Callable[[Path], Mapping[str, Any]]
) -> tuple[dict[str, Any], Mapping[str, Any]]:
    facts = read_sealed(folder / FACTS)
    tensors = load(folder / TENSORS)
    if facts.pop(CONTEXT, None) not in (None, tensor_checksum(tensors)):
        raise DamagedError(folder / TENSORS, f"is not the file that {FACTS} was written with")
    return facts, tensors


def _refuse_odd(folder: Path, prompt: Prompt) -> None:
    """Raise ``UserError`` for facts that are no prompt's; those of an earlier version have no checksum."""
    texts = (prompt.backbone, prompt.fingerprint, prompt.class_position)
    lists = (prompt.classnames, prompt.seeds)
    whole = all(isinstance(text, str) for text in texts) and all(isinstance(each, list) for each in lists)
    if not whole or not isinstance(prompt.method, dict):
        raise _unreadable(folder / FACTS, "does not hold the facts of a prompt")
    if prompt.context.ndim not in (3, 4) or len(prompt.context) != len(prompt.seeds):
        shape = tuple(prompt.context.shape)
        raise _unreadable(
            folder / TENSORS, f"holds a context {shape} for {counted(len(prompt.seeds), 'seed')}"
        )


def _unreadable(file: Path, reason: str) -> UserError:
    return UserError(Problem(f"cannot read a prompt here: this file {reason}", file=str(file)))
