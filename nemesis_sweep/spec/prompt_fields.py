"""The fields that kinds of prompts have of their own. Nothing here imports torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from nemesis_sweep.spec.choices import (
    AVERAGES,
    CLASS_POSITIONS,
    PENALISED,
    PROMPT_ENCODERS,
    TRANSPORT_STOPS,
    OneOf,
)
from nemesis_sweep.spec.fields import Count, Real, Section, Text
from nemesis_sweep.spec.training_fields import TrainingFields

VECTORS, LAST, DEPTH, TEXT_DEPTH = "n_ctx_vision", "vision_last", "prompt_depth_vision", "prompt_depth"
"""Fields of kinds in the image tower: vectors of a block, the number of blocks, which decides the states that
they see, and of those that have vectors of their own; of kinds in the text tower, the last."""
CLASS_BLOCK = "class_block"
"""Field of kinds in the text tower: the blocks in front of vectors of each class's own."""


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


class PullFields(Fields):
    """anchor_weight: strength of the pull to the class features of the template; 0 is none."""

    anchor_weight: Annotated[Real, Field(ge=0)] = 8.0


class KgCoOpFields(PullFields, TemplateFields, ClassFields, ContextFields):
    """Fields of KgCoOp, which with ``anchor_weight`` 0 is CoOp."""


class TCPFields(PullFields, AnchorFields, ContextFields):
    """class_block: blocks of the text tower that see the context; behind them each class's own vectors take
    its place. None for two thirds of all, 8 of 12 as published."""

    class_block: Count | None = None


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


class VisualFields(ImageTowerFields):
    """n_ctx_vision: vectors of a block. prompt_depth_vision: how many of the blocks that vectors are put
    before, from the first, get vectors of their own: with 1 those of the first go on through the others
    (shallow). None for all."""

    n_ctx_vision: Count = 8
    prompt_depth_vision: Count | None = None


class VPTFields(VisualFields, AnchorFields):
    """Fields of VPT."""


class AverageFields(Fields):
    """average: what is kept at the end: what was learnt as the last epoch left it (none), or its mean over
    the epochs with the weights of a Gaussian (gaussian). average_mean: where the Gaussian has its middle;
    average_std: its width; both in parts of all epochs."""

    average: Annotated[str, OneOf(AVERAGES)] = "none"
    average_mean: Annotated[Real, Field(ge=0)] = 0.75
    average_std: Annotated[Real, Field(gt=0)] = 0.05


class PromptSRCFields(AverageFields, VisualFields, DepthFields, AnchorFields, ContextFields):
    """text_weight, image_weight: strength of the pull of the text and of the image features to those without
    learnt vectors; logit_weight: of that of the logits to zero-shot's. 0 turns one off.
    anchor_template: the one hand-written prompt to be pulled to, in place of the mean of several."""

    text_weight: Annotated[Real, Field(ge=0)] = 25.0
    image_weight: Annotated[Real, Field(ge=0)] = 10.0
    logit_weight: Annotated[Real, Field(ge=0)] = 1.0


class PrefixFields(DepthFields, AnchorFields, WordFields):
    """n_ctx: keys and values of each block. words: whose own keys and values they begin as. anchor_template:
    the texts that see them. prefix_hidden: hidden numbers of a network that is learnt in their place and
    produces them; None where they are learnt themselves."""

    prefix_hidden: Count | None = None


TRAINED = frozenset(TrainingFields.model_fields)
"""Fields that a kind has because it is trained."""


class PromptFields(
    PromptSRCFields,
    MaPLeFields,
    PrefixFields,
    VPTFields,
    PTuningFields,
    DeepTextFields,
    PlotFields,
    CoCoOpFields,
    TCPFields,
    KgCoOpFields,
    CoOpFields,
):
    """The fields of all kinds side by side."""
