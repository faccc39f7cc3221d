"""The kinds of learnable prompts: where the code of each is, and which fields of the method are its own.

Nothing here imports torch: a sweep file is read, checked and planned by this table alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from nemesis_sweep.spec.choices import CLASS_POSITIONS, PENALISED, PROMPT_ENCODERS, TRANSPORT_STOPS, OneOf
from nemesis_sweep.spec.fields import Count, Real, Section, Text
from nemesis_sweep.spec.training_fields import TrainingFields
from nemesis_sweep.spec.values import Values

Reads = Literal["pooled", "patches"]
"""What a prompt sees of an image: its one feature ``(E,)``, or those of its parts ``(Q, E)``."""


class Fields(Section):
    """Base of the fields that a kind of prompt has of its own; here none."""


class PlaceFields(Fields):
    """Fields of every prompt whose vectors stand among the words.

    n_ctx: number of context vectors M. class_position: where the class name stands in the text.
    """

    n_ctx: Count = 16
    class_position: Annotated[str, OneOf(CLASS_POSITIONS)] = "end"


def _of_words(text: str) -> str:
    if not text.replace("_", " ").strip():
        raise PydanticCustomError("words", "no words", {"allowed": 'words, such as "a photo of a"'})
    return text


class ContextFields(PlaceFields):
    """words: initial words ("a photo of a"), which then decide M."""

    words: Annotated[Text, AfterValidator(_of_words)] | None = None


class ClassFields(Fields):
    """csc: a context of its own for every class."""

    csc: bool = False


def _with_a_name(template: str) -> str:
    if "{}" not in template:
        allowed = 'a text with {} for the class name, such as "a photo of a {}."'
        raise PydanticCustomError("template", "no place for the class name", {"allowed": allowed})
    return template


class TemplateFields(Fields):
    """anchor_template: the hand-written prompt that a kind learns beside, `{}` for the class name; by default
    the dataset's own. prograd: how much of a gradient that goes against that prompt is taken out of it; 1 as
    published, 0 nothing."""

    anchor_template: Annotated[Text, AfterValidator(_with_a_name)] | None = None
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


class DeepTextFields(ContextFields):
    """prompt_depth: blocks of the text tower, from the first, that get vectors of their own; None for all."""

    prompt_depth: Count | None = None


class PTuningFields(PlaceFields):
    """prompt_encoder: what makes the vectors of embeddings, an LSTM in both directions and an MLP behind it
    (lstm), or an MLP alone (mlp). encoder_hidden: hidden numbers of each layer, in the LSTM of each
    direction; None for the width of the text tower, in the LSTM half of it."""

    prompt_encoder: Annotated[str, OneOf(PROMPT_ENCODERS)] = "lstm"
    encoder_hidden: Count | None = None


TRAINED = frozenset(TrainingFields.model_fields)
"""Fields that a kind has because it is trained."""


@dataclass(frozen=True)
class Kind:
    """One kind of prompt.

    learner: its class as `module:Name`, or the class. about: what it is, in a line. fields: those that only
    some kinds have and this one has. passes: contexts that go through the text tower in a step, from the
    method's fields.
    costly: its own fields, numbers, that take more memory the larger they are. transfers: whether what is
    learnt can be used with other class names. reads: what it sees of an image. several: whether several
    vectors stand at one position even where all classes share them. between_blocks: whether it puts vectors
    between the blocks of the text tower. variants: whether its classifiers give those that PAN tests. trains:
    whether it is a prompt; what is none (``spec.kinds``) has no class.
    """

    learner: Any
    about: str
    fields: type[Section]
    passes: Callable[[Values], int] = lambda method: 1
    costly: tuple[str, ...] = ()
    transfers: bool = True
    reads: Reads = "pooled"
    several: bool = False
    between_blocks: bool = False
    variants: bool = True
    trains: bool = True

    @property
    def names(self) -> frozenset[str]:
        """Names of the fields that have a part in it, but for those that all kinds have."""
        return frozenset(self.fields.model_fields) | (TRAINED if self.trains else frozenset())


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
        reads="patches",
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
}


class PromptFields(PTuningFields, DeepTextFields, PlotFields, CoCoOpFields, KgCoOpFields, CoOpFields):
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


def passes(prompt: str, method: Values, kinds: Kinds = PROMPTS) -> int:
    """How many contexts of a replicate go through the text tower in a step; one for an unknown kind."""
    return kinds[prompt].passes(method) if prompt in kinds else 1


def reads_of(prompt: str, kinds: Kinds = PROMPTS) -> Reads:
    """What a kind of prompt sees of an image; the whole, for an unknown one."""
    return kinds[prompt].reads if prompt in kinds else "pooled"
