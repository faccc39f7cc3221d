"""The kinds of learnable prompts: where the code of each is, and which fields of the method are its own.

Nothing here imports torch: a sweep file is read, checked and planned by this table alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from nemesis_sweep.spec.fields import Count, Section, Text

Reads = Literal["pooled", "patches"]
"""What a prompt sees of an image: its one feature ``(E,)``, or those of its parts ``(Q, E)``."""


class ContextFields(Section):
    """Fields of every prompt whose vectors stand among the words.

    n_ctx: number of context vectors M. words: initial words ("a photo of a"), which then decide M.
    class_position: where the class name stands in the text.
    """

    n_ctx: Count = 16
    words: Text | None = None
    class_position: Literal["end", "middle", "front"] = "end"


class ClassFields(Section):
    """csc: a context of its own for every class."""

    csc: bool = False


class CoOpFields(ClassFields, ContextFields):
    """Fields of CoOp."""


@dataclass(frozen=True)
class Kind:
    """One kind of prompt.

    learner: its class as `module:Name`. about: what it is, in a line. fields: those that only some kinds have
    and this one has. transfers: whether what is learnt can be used with other class names. reads: what it
    sees of an image.
    """

    learner: str
    about: str
    fields: type[Section]
    transfers: bool = True
    reads: Reads = "pooled"

    @property
    def names(self) -> frozenset[str]:
        """Names of its own fields."""
        return frozenset(self.fields.model_fields)


PROMPTS: dict[str, Kind] = {
    "coop": Kind(
        "nemesis_sweep.prompts.coop:CoOp",
        "context vectors in front of, around or behind the class name (Zhou et al., 2022)",
        CoOpFields,
    ),
}


def owners(name: str) -> list[str]:
    """The kinds that a field of the method belongs to; all of them, unless some have it as their own."""
    own = [kind for kind, entry in PROMPTS.items() if name in entry.names]
    return own or list(PROMPTS)


def applies(name: str, prompt: str) -> bool:
    """Whether a field of the method has a part in a kind of prompt; an unknown kind may use any."""
    return prompt not in PROMPTS or prompt in owners(name)


def transfers(method: Mapping[str, Any]) -> bool:
    """Whether prompts learnt by a method can be used with class names that they were not learnt with."""
    prompt = method.get("prompt", "coop")
    own_vectors = bool(method.get("csc")) and applies("csc", prompt)
    return not own_vectors and (prompt not in PROMPTS or PROMPTS[prompt].transfers)
