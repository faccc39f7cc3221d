"""The kinds of learnable prompts: where the code of each is, and which fields of the method are its own.

Nothing here imports torch: a sweep file is read, checked and planned by this table alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from nemesis_sweep.spec.choices import CLASS_POSITIONS, PENALISED, PROMPT_ENCODERS, TRANSPORT_STOPS, OneOf
from nemesis_sweep.spec.fields import Count, Real, Section, Text
from nemesis_sweep.spec.training_fields import TrainingFields
from nemesis_sweep.spec.values import Values

Reads = str
"""What is kept of an image for a prompt: `pooled`, its one feature ``(E,)``; `patches`, those of its parts
``(Q, E)``; `pixels`, its bytes ``(H, H, 3)``; `states-K`, its tokens ``(Q, W)`` as they enter the last K
blocks of the image tower."""

POOLED, PATCHES, PIXELS = READS = ("pooled", "patches", "pixels")
STATES = "states"
VECTORS, LAST, DEPTH, TEXT_DEPTH = "n_ctx_vision", "vision_last", "prompt_depth_vision", "prompt_depth"
"""Fields of kinds in the image tower: vectors of a block, the number of blocks, which decides the states that
they see, and of those that have vectors of their own; of kinds in the text tower, the last."""


class Fields(Section):
    """Base of the fields that a kind of prompt has of its own; here none."""


class LengthFields(Fields):
    """n_ctx: number of learnt vectors at a place of their own, M."""

    n_ctx: Count = 16


class PlaceFields(LengthFields):
    """Fields of every prompt whose vectors stand among the words.

    n_ctx: number of context vectors M. class_position: where the class name stands in the text.
    """

    class_position: Annotated[str, OneOf(CLASS_POSITIONS)] = "end"


def _of_words(text: str) -> str:
    if not text.replace("_", " ").strip():
        raise PydanticCustomError("words", "no words", {"allowed": 'words, such as "a photo of a"'})
    return text


class WordFields(LengthFields):
    """words: initial words ("a photo of a"), which then decide M."""

    words: Annotated[Text, AfterValidator(_of_words)] | None = None


class ContextFields(WordFields, PlaceFields):
    """Fields of a context that may begin with words."""


class ClassFields(Fields):
    """csc: a context of its own for every class."""

    csc: bool = False


def _with_a_name(template: str) -> str:
    if "{}" not in template:
        allowed = 'a text with {} for the class name, such as "a photo of a {}."'
        raise PydanticCustomError("template", "no place for the class name", {"allowed": allowed})
    return template


class AnchorFields(Fields):
    """anchor_template: the hand-written prompt that a kind learns beside, `{}` for the class name; by default
    the dataset's own."""

    anchor_template: Annotated[Text, AfterValidator(_with_a_name)] | None = None


class TemplateFields(AnchorFields):
    """prograd: how much of a gradient that goes against the hand-written prompt is taken out of it; 1 as
    published, 0 nothing."""

    prograd: Annotated[Real, Field(ge=0)] = 0.0


class CoOpFields(TemplateFields, ClassFields, ContextFields):
    """Fields of CoOp."""


class KgCoOpFields(TemplateFields, ClassFields, ContextFields):
    """anchor_weight: strength of the pull to the class features of the template; 0 is CoOp."""

    anchor_weight: Annotated[Real, Field(ge=0)] = 8.0


class CoCoOpFields(ContextFields):
    """penalise: the norms of the learnt vectors (base), or of those that the images have shifted (shifted),
    averaged over the batch."""

    penalise: Annotated[str, OneOf(PENALISED)] = "base"


class PlotFields(ClassFields, PlaceFields):
    """n_prompts: prompts of every class. pooled_token: whether the feature of the whole image is among those
    of its parts. transport_rounds: of matching the two. transport_stop: after these (fixed), or where the
    published code stops, which depends on the other images of the batch (reference)."""

    n_prompts: Count = 4
    pooled_token: bool = True
    transport_rounds: Count = 20
    transport_stop: Annotated[str, OneOf(TRANSPORT_STOPS)] = "fixed"


class DepthFields(Fields):
    """prompt_depth: blocks of the text tower, from the first, that get vectors of their own; None for all."""

    prompt_depth: Count | None = None


class DeepTextFields(DepthFields, ContextFields):
    """Fields of deep language prompting."""


class PTuningFields(PlaceFields):
    """prompt_encoder: what makes the vectors of embeddings, an LSTM in both directions and an MLP behind it
    (lstm), or an MLP alone (mlp). encoder_hidden: hidden numbers of each layer, in the LSTM of each
    direction; None for the width of the text tower, in the LSTM half of it."""

    prompt_encoder: Annotated[str, OneOf(PROMPT_ENCODERS)] = "lstm"
    encoder_hidden: Count | None = None


class ImageTowerFields(Fields):
    """vision_last: blocks of the image tower, its last ones, that vectors are put before; what is in front of
    them is computed once. None for all."""

    vision_last: Count | None = None


class MaPLeFields(ImageTowerFields, DeepTextFields):
    """Fields of MaPLe, whose ``prompt_depth`` is that of both towers."""


class VPTFields(ImageTowerFields, AnchorFields):
    """n_ctx_vision: vectors of a block. prompt_depth_vision: how many of the blocks that vectors are put
    before, from the first, get vectors of their own: with 1 those of the first go on through the others
    (shallow). None for all."""

    n_ctx_vision: Count = 8
    prompt_depth_vision: Count | None = None


class PrefixFields(DepthFields, AnchorFields, WordFields):
    """n_ctx: keys and values of each block. words: whose own keys and values they begin as. anchor_template:
    the texts that see them. prefix_hidden: hidden numbers of a network that is learnt in their place and
    produces them; None where they are learnt themselves."""

    prefix_hidden: Count | None = None


TRAINED = frozenset(TrainingFields.model_fields)
"""Fields that a kind has because it is trained."""


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
    PAN tests. trains: whether it is a prompt; what is none (``spec.kinds``) has no class.
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
    trains: bool = True

    @property
    def names(self) -> frozenset[str]:
        """Names of the fields that have a part in it, but for those that all kinds have."""
        return frozenset(self.fields.model_fields) | (TRAINED if self.trains else frozenset())

    @property
    def in_image_tower(self) -> bool:
        """Whether blocks of the image tower run in every step and every test."""
        return self.reads == PIXELS


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
}


class PromptFields(
    MaPLeFields,
    PrefixFields,
    VPTFields,
    PTuningFields,
    DeepTextFields,
    PlotFields,
    CoCoOpFields,
    KgCoOpFields,
    CoOpFields,
):
    """The fields of all kinds side by side."""


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


def last_of(reads: Reads) -> int | None:
    """The number of the last blocks whose states are read; None where none are."""
    kind, _, last = reads.partition("-")
    return int(last) if kind == STATES else None


def number_bytes(reads: Reads) -> int:
    """Bytes of a number of what is kept of an image: pixels are bytes, all else is fp32."""
    return 1 if reads == PIXELS else 4


def is_read(reads: object) -> bool:
    """Whether it says what is kept of an image."""
    return isinstance(reads, str) and (reads in READS or bool(re.fullmatch(rf"{STATES}-[1-9]\d*", reads)))
