"""What is measured: a setting, and the models, prompts and batches made of it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from nemesis_sweep.bench.names import class_names
from nemesis_sweep.data.dataset import DEFAULT_TEMPLATE
from nemesis_sweep.data.templates import ENSEMBLE
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.nemesis.selection import draw_positions
from nemesis_sweep.prompts.learner import Learner
from nemesis_sweep.prompts.network import network_of
from nemesis_sweep.prompts.registry import learner_of
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.prompt_fields import LAST, VECTORS
from nemesis_sweep.spec.prompts import PROMPTS
from nemesis_sweep.spec.reads import PIXELS
from nemesis_sweep.training.generators import Generators, seeded
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.layout import Layout, make_layout
from nemesis_sweep.vlm.load_backbone import load_backbone
from nemesis_sweep.vlm.open_clip_tower import OpenClipTower
from nemesis_sweep.vlm.registry import RANDOM, architecture_names

IMPLEMENTATIONS = ("public", "plain", "ours")
# The middle of the annealing, where the penalty counts half.
EPOCHS, EPOCH = 50, 25


@dataclass(frozen=True)
class Setting:
    """One measured case.

    arch: an open_clip architecture (random weights), or any other backbone name.
    pan: positions N that PAN tests in a step; 0 is plain CoOp. names: `short` or `imagenet-like`.
    threads: of torch, 0 leaves torch's choice. repeats: timed steps of each, after one that is not.
    pun: PUN, where PAN tests nothing. prompt: its kind; the public implementation is that of `coop`
    alone. prograd: as of a method. last: blocks of the image tower, its last ones, that kinds in it put
    vectors before; 0 for all.
    device: where all is computed.
    """

    arch: str = "ViT-B-16"
    classes: int = 100
    n_ctx: int = 16
    batch: int = 32
    pan: int = 1
    pun: bool = False
    names: str = "short"
    threads: int = 0
    replicates: int = 1
    repeats: int = 5
    precision: str = "fp32"
    skip: tuple[str, ...] = ()
    prompt: str = "coop"
    prograd: float = 0.0
    last: int = 0
    device: str = "cpu"

    @property
    def implementations(self) -> list[str]:
        """The implementations that are measured, slowest first."""
        skipped = self.skip if self.prompt == "coop" else (*self.skip, "public")
        return [name for name in IMPLEMENTATIONS if name not in skipped]

    @property
    def backbone_name(self) -> str:
        return f"{self.arch}@{RANDOM}" if self.arch in architecture_names() else self.arch

    @property
    def method(self) -> Method:
        """Nemesis with PAN only or PUN only, or CoOp without any penalty."""
        nemesis: dict[str, float] = {"omega": 1.0, "beta": 1.0} if self.pun else {}
        if self.pan:
            nemesis = {"omega": 1.0, "beta": 0.0, "n_positions": self.pan}
        settings = {"prompt": self.prompt, "n_ctx": self.n_ctx, "epochs": EPOCHS, **nemesis}
        settings |= {"precision": self.precision} | ({"prograd": self.prograd} if self.prograd else {})
        if PROMPTS[self.prompt].in_image_tower:
            settings |= {VECTORS: self.n_ctx, LAST: self.last or None}
        return Method.model_validate(settings)

    @property
    def seeds(self) -> range:
        return range(1, self.replicates + 1)


@dataclass(frozen=True, eq=False)
class Workload:
    """Models, prompts and batches of a setting: the same for every implementation.

    layout: the prompts; values: what is learnt, before training, by name, (R, ...); labels: (R, B).
    images: (R, B, E), L2-normalised: features of `pixels` if `encoded`, else random ones, which take as long;
    (R, B, Q, E) for prompts that read the parts of an image, (R, B, Q, W) for those that read its tokens.
    """

    setting: Setting
    backbone: Backbone
    layout: Layout
    names: Sequence[str]
    values: Mapping[str, Tensor]
    labels: Tensor
    encoded: bool
    method: Method = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "method", self.setting.method)

    @property
    def context(self) -> Tensor:
        """The context vectors to start from, such as (R, M, D), of kinds that learn them."""
        return self.values["context"]

    @property
    def device(self) -> torch.device:
        return self.backbone.text.device

    @cached_property
    def template(self) -> Layout:
        """A hand-written prompt with the class names."""
        with warnings.catch_warnings():
            # As of the prompts: two of ImageNet's names occur twice.
            warnings.simplefilter("ignore")
            return self.backbone.template_layout(self.names, DEFAULT_TEMPLATE)

    @cached_property
    def anchors(self) -> Tensor:
        """Class features (C, E) of a hand-written prompt."""
        return self.backbone.encode_texts(self._texts(DEFAULT_TEMPLATE))

    @cached_property
    def ensemble(self) -> Tensor:
        """Class features (C, E) of several, the mean of them."""
        templates = (DEFAULT_TEMPLATE, *ENSEMBLE)
        each = [self.backbone.encode_texts(self._texts(one), normalised=False) for one in templates]
        return F.normalize(torch.stack(each).mean(dim=0), dim=-1)

    def _texts(self, template: str) -> list[str]:
        return [template.replace("{}", name.replace("_", " ")) for name in self.names]

    @property
    def tower(self) -> OpenClipTower:
        """The text tower. Raises UserError if it is not open_clip's own, whose operations can be counted."""
        if isinstance(self.backbone.text, OpenClipTower):
            return self.backbone.text
        found = f"{self.backbone.name}, a Hugging Face encoder"
        raise UserError(Problem("only open_clip's own text towers can be measured", found=found))

    @cached_property
    def pixels(self) -> Tensor:
        """Images (R, B, 3, H, W) in the precision of the towers: noise, each around its own colour."""
        size = self.backbone.preprocess.image_size
        generator = seeded(0, "pixels")
        noise = torch.randn(*self.labels.shape, 3, size, size, generator=generator)
        colours = torch.randn(*self.labels.shape, 3, 1, 1, generator=generator)
        return noise.add_(colours, alpha=3).to(self.device, self.backbone.text.dtype)

    @cached_property
    def images(self) -> Tensor:
        reads = self.method.reads
        if reads == PIXELS:
            return self._bytes
        if self.encoded:
            return torch.stack([self.backbone.encode_image(pixels, reads) for pixels in self.pixels])
        shape = (*self.labels.shape, *self.backbone.image_shape(reads))
        return F.normalize(torch.randn(shape, generator=seeded(0, "features")), dim=-1).to(self.device)

    @property
    def _bytes(self) -> Tensor:
        """The pixels as they were before they were normalised, (R, B, H, W, 3), but for rounding to bytes."""
        chosen = self.backbone.preprocess
        mean, std = (torch.tensor(each).to(self.device) for each in (chosen.mean, chosen.std))
        return 255 * (self.pixels.float().movedim(2, -1) * std + mean)

    def positions(self, step: int) -> Tensor:
        """Positions (R, N) of vectors that PAN tests in a step, drawn without replacement."""
        generators = [seeded(seed, f"positions of step {step}") for seed in self.setting.seeds]
        return draw_positions(self.n_vectors, self.setting.pan, generators)

    @cached_property
    def n_vectors(self) -> int:
        """How many vectors PUN and PAN tell apart."""
        kind, drawn = learner_of(self.setting.prompt), Generators(self.setting.seeds)["init"]
        with warnings.catch_warnings():
            # A model with a compact vocabulary warns about words that it does not know: no matter here.
            warnings.simplefilter("ignore")
            return kind.create(self.backbone, self.method, self.names, drawn).n_vectors


def make_workload(setting: Setting, backbone: Backbone | None = None, *, encoded: bool = False) -> Workload:
    """Load the backbone, unless it is given, and draw prompts and batches.

    Raises UserError for an unknown architecture and for sizes that do not fit it.
    """
    if setting.pan > setting.n_ctx:
        allowed = f"at most n_ctx, {setting.n_ctx}"
        raise UserError(
            Problem("more positions than context vectors", "pan", found=str(setting.pan), allowed=allowed)
        )
    names = class_names(setting.names, setting.classes)
    if backbone is None:
        backbone = load_backbone(setting.backbone_name).to(precision=setting.precision, device=setting.device)
    with warnings.catch_warnings():
        # Two of ImageNet's names occur twice; nothing here depends on it.
        warnings.simplefilter("ignore")
        layout = make_layout(backbone.tokenizer, names, setting.n_ctx)
    shape = (setting.replicates, setting.batch)
    generators = Generators(setting.seeds)["init"]
    values = _start(learner_of(setting.prompt), backbone, setting.method, names, generators)
    device = backbone.text.device
    return Workload(
        setting=setting,
        backbone=backbone,
        layout=layout,
        names=names,
        values={name: value.to(device) for name, value in values.items()},
        labels=torch.randint(setting.classes, shape, generator=seeded(0, "labels")).to(device),
        # The plain path has the pixels themselves, so these have to be theirs.
        encoded=encoded or PROMPTS[setting.prompt].in_image_tower,
    )


def _start(
    kind: type[Learner],
    backbone: Backbone,
    method: Method,
    names: Sequence[str],
    generators: Sequence[torch.Generator],
) -> dict[str, Tensor]:
    """What is learnt, before training: the tensors, or the parameters of the network that produces them."""
    network = network_of(kind, backbone, method, names, generators)
    if network is None:
        return kind.start(backbone, method, names, generators)
    return {name: parameter.detach() for name, parameter in network.named_parameters()}
