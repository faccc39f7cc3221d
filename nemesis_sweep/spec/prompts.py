"""The kinds of learnable prompts: where the code of each is, and which fields of the method are its own.

Nothing here imports torch: a sweep file is read, checked and planned by this table alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nemesis_sweep.spec.fields import Section
from nemesis_sweep.spec.prompt_fields import (
    CLASS_BLOCK,
    DEPTH,
    LAST,
    TRAINED,
    VECTORS,
    CoCoOpFields,
    CoOpFields,
    DeepTextFields,
    KgCoOpFields,
    MaPLeFields,
    PlotFields,
    PrefixFields,
    PromptSRCFields,
    PTuningFields,
    TCPFields,
    VPTFields,
)
from nemesis_sweep.spec.reads import PATCHES, PIXELS, POOLED, STATES, Reads
from nemesis_sweep.spec.values import Values


@dataclass(frozen=True)
class Kind:
    """One kind of prompt.

    learner: its class as `module:Name`, or the class. about: what it is, in a line. fields: those that only
    some kinds have and this one has. passes: contexts that go through the text tower in a step, from the
    method's fields.
    costly: its own fields, numbers, that take more memory the larger they are. transfers: whether what is
    learnt can be used with other class names. reads: what it sees of an image, one of `READS`; where that is
    `pixels`, the field ``LAST`` may make it `states-K`. several: whether several vectors stand at one
    position even where all classes share them. between_blocks: whether it has vectors of its own in the
    blocks of the text tower, `prompt_depth` of them. variants: whether its classifiers give those that
    PAN tests. one_feature: whether it needs an image to have one feature, which that of BLIP-2 has not.
    trains: whether it is a prompt; what is none (``spec.kinds``) has no class.
    """

    learner: Any
    about: str
    fields: type[Section]
    passes: Callable[[Values], int] = lambda method: 1
    costly: tuple[str, ...] = ()
    transfers: bool = True
    reads: Reads = POOLED
    several: bool = False
    between_blocks: bool = False
    variants: bool = True
    one_feature: bool = False
    trains: bool = True

    @property
    def names(self) -> frozenset[str]:
        """Names of the fields that have a part in it, but for those that all kinds have."""
        return frozenset(self.fields.model_fields) | (TRAINED if self.trains else frozenset())

    @property
    def in_text_tower(self) -> bool:
        """Whether it puts vectors before later blocks of the text tower, learnt ones or what it makes."""
        return self.between_blocks or CLASS_BLOCK in self.names

    @property
    def in_image_tower(self) -> bool:
        """Whether blocks of the image tower run in every step and every test."""
        return self.reads == PIXELS

    @property
    def own_in_image_tower(self) -> bool:
        """Whether vectors of the image tower are its own, so many before so many blocks."""
        return {VECTORS, LAST, DEPTH} <= self.names

    @property
    def one_depth(self) -> bool:
        """Whether one depth is that of both towers."""
        return self.in_image_tower and self.between_blocks and not self.own_in_image_tower


PROMPTS: dict[str, Kind] = {
    "coop": Kind(
        "nemesis_sweep.prompts.coop:CoOp",
        "context vectors in front of, around or behind the class name (Zhou et al., 2022)",
        CoOpFields,
    ),
    "kgcoop": Kind(
        "nemesis_sweep.prompts.kgcoop:KgCoOp",
        "CoOp, pulled towards the features of a hand-written prompt (Yao et al., 2023)",
        KgCoOpFields,
    ),
    "cocoop": Kind(
        "nemesis_sweep.prompts.cocoop:CoCoOp",
        "CoOp's context, shifted for every image by a small network (Zhou et al., 2022)",
        CoCoOpFields,
        passes=lambda method: int(method["batch"]),
        one_feature=True,
    ),
    "plot": Kind(
        "nemesis_sweep.prompts.plot:PLOT",
        "several prompts a class, matched with the parts of an image by transport (Chen et al., 2023)",
        PlotFields,
        passes=lambda method: int(method["n_prompts"]),
        costly=("n_prompts",),
        reads=PATCHES,
        several=True,
    ),
    "deep_text": Kind(
        "nemesis_sweep.prompts.deep_text:DeepText",
        "context vectors, and others in their places before every block (Khattak et al., 2023)",
        DeepTextFields,
        between_blocks=True,
    ),
    "ptuning": Kind(
        "nemesis_sweep.prompts.ptuning:PTuning",
        "CoOp's context, produced by a small network (Liu et al., 2021)",
        PTuningFields,
        costly=("encoder_hidden",),
    ),
    "vpt": Kind(
        "nemesis_sweep.prompts.vpt:VPT",
        "vectors among the tokens of an image, before blocks of the image tower (Jia et al., 2022)",
        VPTFields,
        costly=(VECTORS,),
        reads=PIXELS,
    ),
    "prefix": Kind(
        "nemesis_sweep.prompts.prefix:Prefix",
        "keys and values that the attention of every block sees before a text (Li & Liang, 2021)",
        PrefixFields,
        costly=("prefix_hidden",),
        between_blocks=True,
    ),
    "maple": Kind(
        "nemesis_sweep.prompts.maple:MaPLe",
        "vectors in both towers, those of the image's made of the text's (Khattak et al., 2023)",
        MaPLeFields,
        reads=PIXELS,
        between_blocks=True,
    ),
    "promptsrc": Kind(
        "nemesis_sweep.prompts.promptsrc:PromptSRC",
        "vectors in both towers, pulled towards what these give without any (Khattak et al., 2023)",
        PromptSRCFields,
        costly=(VECTORS,),
        reads=PIXELS,
        between_blocks=True,
    ),
    "tcp": Kind(
        "nemesis_sweep.prompts.tcp:TCP",
        "a context that gives way to vectors of each class, made of its feature (Yao et al., 2024)",
        TCPFields,
    ),
}


Kinds = Mapping[str, Kind]
"""Kinds of prompts by name: all of this package, or with them those that a sweep has from outside."""


def transfers(method: Values, kinds: Kinds = PROMPTS) -> bool:
    """Whether prompts learnt by a method can be used with class names that they were not learnt with."""
    prompt = method.get("prompt", "coop")
    if prompt not in kinds:
        return not method.get("csc")
    kind = kinds[prompt]
    return kind.transfers and not (method.get("csc") and "csc" in kind.names)


def among_words(prompts: Iterable[str], kinds: Kinds = PROMPTS) -> bool:
    """Whether any of these kinds has vectors among the words of a text, which take room; unknown ones may."""
    return any(each not in kinds or "class_position" in kinds[each].names for each in prompts)


def passes(prompt: str, method: Values, kinds: Kinds = PROMPTS) -> int:
    """How many contexts of a replicate go through the text tower in a step; one for an unknown kind."""
    return kinds[prompt].passes(method) if prompt in kinds else 1


def reads_of(method: Values, kinds: Kinds = PROMPTS) -> Reads:
    """What the prompt of a method sees of an image; its one feature, where the kind is unknown."""
    kind = kinds.get(method.get("prompt", "coop"))
    if kind is None:
        return POOLED
    last = method.get(LAST) if kind.in_image_tower and LAST in kind.names else None
    return kind.reads if last is None else f"{STATES}-{last}"
