"""The families of dual encoders that come from Hugging Face's transformers, without importing it."""

from __future__ import annotations

from dataclasses import dataclass

USUAL_SCALE = 1 / 0.07
"""The factor on cosines that most contrastive training starts from: a temperature of 0.07."""
LOGIT_SCALE, TEMPERATURE = "logit_scale", "temperature"
"""What is stored: the factor's logarithm, or what cosines are divided by."""
LOGIT_BIAS = "logit_bias"
"""What is added to them, where that is stored."""


@dataclass(frozen=True)
class Family:
    """Models of one kind.

    model_type: what `config.json` calls it. model_class: transformers' class with both towers and their
    projections. parts: what takes it apart, `module:name`; '' for open_clip's own towers.
    length: most tokens of a text, those of its training. path: which way prompts go through the text tower,
    as in `encode_text`, or `refused`. pooling: the state that becomes the feature. scale: what its weights
    call the factor on cosines, '' where they have none. normed: whether a LayerNorm follows the sum of word
    and position vectors. note: what else is to be known. text_config: the section of `config.json` that
    describes the text tower. several: whether an image has several features.
    """

    title: str
    model_type: str
    model_class: str
    parts: str
    length: int
    path: str = "cut"
    pooling: str = "first"
    scale: str = LOGIT_SCALE
    normed: bool = True
    note: str = ""
    text_config: str = "text_config"
    several: bool = False

    @property
    def is_open_clips(self) -> bool:
        """Whether its towers are open_clip's own under other names, and are run by that code."""
        return not self.parts

    @property
    def stores_scale(self) -> bool:
        """Whether its weights have a factor on cosines."""
        return bool(self.scale)


_HERE = "nemesis_sweep.vlm.dual_encoders"

_ALL = (
    Family("CLIP", "clip", "CLIPModel", "", length=77, path="shared", pooling="EOT", normed=False),
    Family(
        "MetaCLIP 2",
        "metaclip_2",
        "MetaClip2Model",
        "",
        length=77,
        path="shared",
        pooling="EOT",
        normed=False,
    ),
    Family("BLIP", "blip", "BlipForImageTextRetrieval", f"{_HERE}.blip:parts_of", length=35, scale=""),
    Family(
        "BLIP-2",
        "blip-2",
        "Blip2ForImageTextRetrieval",
        f"{_HERE}.blip2:parts_of",
        length=32,
        scale="",
        text_config="qformer_config",
        note="an image has 32 features, of which the nearest to a text counts",
        several=True,
    ),
    Family("ALIGN", "align", "AlignModel", f"{_HERE}.align:parts_of", length=64, scale=TEMPERATURE),
    Family("Chinese CLIP", "chinese_clip", "ChineseCLIPModel", f"{_HERE}.chinese_clip:parts_of", length=52),
    Family("AltCLIP", "altclip", "AltCLIPModel", f"{_HERE}.altclip:parts_of", length=77),
    Family(
        "SigLIP, and SigLIP 2 with images of one size",
        "siglip",
        "SiglipModel",
        f"{_HERE}.siglip:parts_of",
        length=64,
        path="plain",
        pooling="last",
        normed=False,
    ),
    Family(
        "SigLIP 2 NaFlex",
        "siglip2",
        "Siglip2Model",
        f"{_HERE}.siglip2:parts_of",
        length=64,
        path="plain",
        pooling="last",
        normed=False,
        note="images are squeezed into squares, whose sides' ratio the model's own code keeps",
    ),
    Family("FLAVA", "flava", "FlavaModel", f"{_HERE}.flava:parts_of", length=77),
    Family(
        "TIPSv2",
        "tipsv2",
        "Tipsv2Model",
        f"{_HERE}.tipsv2:parts_of",
        length=64,
        pooling="mean",
        scale=TEMPERATURE,
        normed=False,
    ),
    Family(
        "AIMv2",
        "aimv2",
        "Aimv2Model",
        f"{_HERE}.aimv2:parts_of",
        length=77,
        path="refused",
        pooling="EOT",
        normed=False,
    ),
)

FAMILIES = {family.model_type: family for family in _ALL}
"""By what `config.json` calls them."""

NORM_NOTE = (
    "a LayerNorm follows the sum of word and position vectors, so the norm of a context vector matters less "
    "than in CLIP: only against the position's"
)
"""What is said of towers with `normed`."""
