"""A saved prompt or reference at work: images of one's own to class names."""

import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from nemesis_sweep.data.dataset import Dataset, Item
from nemesis_sweep.data.decoding.ahead import Decoders
from nemesis_sweep.data.decoding.images import DRAWINGS, UnusableError, as_seen
from nemesis_sweep.data.encode import cpus, encode_items
from nemesis_sweep.data.store import view_numbers
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.prompts.artifact import Prompt
from nemesis_sweep.prompts.both_towers import BothTowersClassifier
from nemesis_sweep.prompts.image_tower import Prompted
from nemesis_sweep.prompts.learner import ImageClassifier, Learner
from nemesis_sweep.prompts.registry import learner_of
from nemesis_sweep.prompts.text_classifier import TextClassifier
from nemesis_sweep.prompts.vpt import VPTClassifier
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.outside.methods import all_kinds, read_method
from nemesis_sweep.spec.prompts import transfers
from nemesis_sweep.spec.reads import Reads
from nemesis_sweep.training.arguments import checked_classnames, found_backbone, refusal
from nemesis_sweep.training.failed_seeds import refuse_failed
from nemesis_sweep.training.references.reference import ReferenceClassifier, classifier_of
from nemesis_sweep.training.references.saved import Reference
from nemesis_sweep.vlm.backbone import Backbone

Picture = str | os.PathLike[str] | bytes | Image.Image
"""The file of an image, its bytes, or an image of PIL's."""
Learnt = Prompt | Reference


class Classifier:
    """Class names for images, by what was learnt; what does not depend on the image is computed once.

    prompt: what ``load_prompt`` or ``load_reference`` gave. backbone: the one that it was learnt on, by
    default loaded by the prompt's own record. classnames: others than the prompt was learnt for; not where
    every class has something of its own, as with ``csc`` or in a linear probe. seed: one of the prompt's
    seeds; by default all its replicates, whose probabilities are averaged. device: by default where the
    backbone is.

    Raises ``UserError`` for another backbone than the prompt's, for a seed that it has not, for class names
    that it cannot take, and for tensors of other shapes than its method's.
    """

    def __init__(
        self,
        prompt: Learnt,
        backbone: Backbone | str | Path | None = None,
        *,
        classnames: Sequence[str] | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        if not isinstance(prompt, Learnt):
            allowed = "what ns.load_prompt(folder) or ns.load_reference(folder) gives"
            raise refusal("prompt", "not a prompt", prompt, allowed)
        refuse_other_replicates(prompt)
        self.classnames = _classnames(prompt, classnames)
        values = replicates_of(prompt, seed)
        own = backbone_of(prompt, backbone)
        self.seeds = tuple(prompt.seeds) if seed is None else (seed,)
        self.precision = _precision(prompt)
        self.backbone = own.to(precision=self.precision, device=device)
        with torch.no_grad():
            self._classify, self._reads = _at_work(prompt, self.backbone, self.classnames, values)

    @property
    def text_features(self) -> Tensor:
        """The text features ``(C, E)`` of the classes, L2-normalised, by the one prompt that is at work.

        Raises ``UserError`` for several prompts, where they are not all that classifies, and for a prompt
        whose training failed.
        """
        classify = self._classify
        texts = classify.texts if isinstance(classify, TextClassifier | ReferenceClassifier) else None
        if texts is None:
            message = "what classifies here is no matrix of text features"
            allowed = "a prompt whose text features do not depend on the image, such as coop, or taskres"
            raise UserError(Problem(message, key="prompt", allowed=allowed))
        self._refuse_several("one matrix is of one prompt")
        self.backbone.refuse_queries("one matrix of text features")
        refuse_failed(self.seeds, [bool(texts.isfinite().all())])
        return texts[0]

    @property
    def prompted(self) -> Prompted | None:
        """The one prompt that is at work in the image tower; None where none is there.

        Raises ``UserError`` for several prompts.
        """
        if not isinstance(self._classify, VPTClassifier | BothTowersClassifier):
            return None
        self._refuse_several("one graph is of one prompt")
        return self._classify.prompted

    def _refuse_several(self, message: str) -> None:
        if len(self.seeds) > 1:
            allowed = f"one of {listed([str(each) for each in self.seeds])}"
            raise UserError(Problem(message, key="seed", allowed=allowed))

    @torch.no_grad()
    def probabilities(self, images: Iterable[Picture]) -> Tensor:
        """Probabilities ``(n, C)`` of the classes for each image, on the CPU.

        Raises ``UserError`` that names every image that cannot be read, and for seeds whose training failed.
        """
        items = [_item(number, image) for number, image in enumerate(_several(images))]
        unusable: dict[int, UnusableError] = {}
        found: list[Tensor] = []
        size = self._classify.chunk
        # No more at a time than the classifier takes: the tokens of many images would fill the memory.
        with Decoders(self.backbone.preprocess, cpus()) as decoders:
            starts = range(0, max(1, len(items)), size)
            found += [self._some(items[at : at + size], decoders, at, unusable) for at in starts]
        if unusable:
            bad = [(items[place].source, error.reason) for place, error in sorted(unusable.items())]
            raise UserError([Problem(f"cannot read this image: {why}", file=source) for source, why in bad])
        return torch.cat(found)

    def _some(
        self, items: Sequence[Item], decoders: Decoders, start: int, unusable: dict[int, UnusableError]
    ) -> Tensor:
        """Probabilities of some images, from one's place on; nothing of use where some cannot be read."""
        bad: dict[int, UnusableError] = {}
        views = view_numbers(1)
        encoded = encode_items(
            self.backbone, items, views, reads=self._reads, decoders=decoders, unusable=bad
        )
        unusable |= {start + place: error for place, error in bad.items()}
        features = torch.from_numpy(encoded).squeeze(1).to(self._classify.device)
        logits = self._classify(features.expand(self._classify.replicates, *features.shape))
        if not bad:
            refuse_failed(self.seeds, logits.isfinite().flatten(1).all(dim=1).tolist())
        return logits.softmax(dim=-1).mean(dim=0).cpu()

    def predict(self, images: Iterable[Picture], top: int = 5) -> list[list[tuple[str, float]]]:
        """The likeliest classes of each image with their probabilities, best first: ``[("cat", 0.93), ...]``.

        top: how many; all of them where there are fewer. Raises ``UserError`` as :meth:`probabilities` does.
        """
        if isinstance(top, bool) or not isinstance(top, int) or top < 1:
            raise refusal("top", "not a number of classes", top, "a whole number >= 1")
        values, places = self.probabilities(images).topk(min(top, len(self.classnames)))
        return [
            [(self.classnames[place], value) for value, place in zip(*row, strict=True)]
            for row in zip(values.tolist(), places.tolist(), strict=True)
        ]


def _precision(learnt: Learnt) -> str:
    if isinstance(learnt, Reference):
        return learnt.precision
    return read_method(learnt.method).precision


def _at_work(
    learnt: Learnt, backbone: Backbone, names: Sequence[str], values: Mapping[str, Tensor]
) -> tuple[ImageClassifier, Reads]:
    """What classifies by some replicates, and what it sees of an image."""
    if isinstance(learnt, Reference):
        data = Dataset("", tuple(names), learnt.template, {})
        return classifier_of(learnt.kind)(backbone, data, values), "pooled"
    learner = learner_at_work(learnt, backbone, names, values)
    return learner.classifier(), learner.reads


def learner_at_work(
    prompt: Prompt, backbone: Backbone, names: Sequence[str], values: Mapping[str, Tensor]
) -> Learner:
    """A saved prompt as it was trained. values: of its replicates that are wanted.

    Raises ``UserError`` for tensors of other shapes than its method's.
    """
    method = read_method(prompt.method)
    kind = learner_of(method.prompt)
    _refuse_other_shapes(prompt, kind, backbone, method)
    return kind(backbone, method, names, values, prompt.template)


def backbone_of(prompt: Learnt, given: Backbone | str | Path | None) -> Backbone:
    """The backbone that the prompt was learnt on, with its factor on cosines.

    Raises ``UserError`` when it is another one.
    """
    try:
        backbone = found_backbone(prompt.backbone if given is None else given)
    except UserError as error:
        if given is not None:
            raise
        advice = Problem("give the backbone that it was learnt on", "backbone", found=prompt.backbone)
        raise UserError([*error.problems, advice]) from error
    if backbone.fingerprint != prompt.fingerprint:
        found = f"{backbone.name} with fingerprint {backbone.fingerprint[:12]}"
        allowed = f"{prompt.backbone} with fingerprint {prompt.fingerprint[:12]}"
        message = "not the backbone that it was learnt on"
        raise UserError(Problem(message, key="backbone", found=found, allowed=allowed))
    return backbone.scaled(prompt.logit_scale)


def _transfers(learnt: Learnt) -> bool:
    if isinstance(learnt, Reference):
        return learnt.transfers
    return transfers(learnt.method, all_kinds(learnt.kind))


def _refuse_other_shapes(prompt: Prompt, kind: type[Learner], backbone: Backbone, method: Method) -> None:
    """Raise ``UserError`` for tensors that cannot have been learnt by the prompt's own method."""
    start = kind.start(backbone, method, prompt.classnames, [torch.Generator()])
    if set(prompt.tensors) != set(kind.tensors):
        message = f"the prompt's tensors are not those of its kind, {method.prompt}"
        raise UserError(Problem(message, found=listed(list(prompt.tensors)), allowed=listed(kind.tensors)))
    for name, value in start.items():
        found, allowed = tuple(prompt.tensors[name].shape[1:]), tuple(value.shape[1:])
        if found != allowed:
            message = f"the prompt's {name} is not of its method's shape"
            raise UserError(Problem(message, found=_shape(found), allowed=_shape(allowed)))


def refuse_other_replicates(learnt: Learnt) -> None:
    """Raise ``UserError`` for tensors of another number of replicates than there are seeds."""
    for name, tensor in learnt.tensors.items():
        if tensor.ndim == 0 or len(tensor) != len(learnt.seeds):
            allowed = f"axis 0 of {counted(len(learnt.seeds), 'seed')}"
            message = f"the tensor {name} is of other replicates"
            raise UserError(Problem(message, found=str(tuple(tensor.shape)), allowed=allowed))


def _classnames(prompt: Learnt, given: Sequence[str] | None) -> list[str]:
    names = checked_classnames(prompt.classnames if given is None else given)
    if not _transfers(prompt) and names != list(prompt.classnames):
        kind = "prompt" if isinstance(prompt, Prompt) else "reference"
        message = f"this {kind} was learnt for its own classes and knows no others"
        allowed = listed(list(prompt.classnames))
        raise UserError(Problem(message, key="classnames", found=listed(names), allowed=allowed))
    return names


def _shape(sizes: Sequence[int]) -> str:
    return f"({', '.join(['R', *map(str, sizes)])})"


def replicates_of(prompt: Learnt, seed: int | None) -> Mapping[str, Tensor]:
    """The tensors of all replicates, or of the one that a seed names, ``(R, ...)``."""
    if seed is None:
        return prompt.tensors
    if isinstance(seed, bool) or seed not in prompt.seeds:
        allowed = listed([str(each) for each in prompt.seeds])
        raise UserError(Problem("no such seed", key="seed", found=repr(seed), allowed=allowed))
    place = list(prompt.seeds).index(seed)
    return {name: tensor[place : place + 1] for name, tensor in prompt.tensors.items()}


def _several(images: Any) -> list[Picture]:
    """Images in a list. Raises ``UserError`` for one alone, and for the name of a folder."""
    if isinstance(images, str | os.PathLike | bytes | Image.Image) or not isinstance(images, Iterable):
        allowed = "a list of files, bytes or PIL images, such as ['cat.jpg']"
        raise refusal("images", "not a list of images", images, allowed)
    return list(images)


def _item(number: int, image: Any) -> Item:
    if isinstance(image, str | os.PathLike):
        return Item(0, os.fspath(image), path=Path(image))
    if isinstance(image, bytes):
        return Item(0, f"image {number}", content=image)
    if isinstance(image, Image.Image):
        if image.format in DRAWINGS:
            allowed = 'pixels: what `image.convert("RGB")` gives'
            raise refusal(f"images[{number}]", f"a drawing in {image.format}, not pixels", image, allowed)
        return Item(0, f"image {number}", content=_png(image))
    raise refusal(f"images[{number}]", "not an image", image, "a file, bytes, or an image of PIL's")


def _png(image: Image.Image) -> bytes:
    """The image encoded, which loses nothing of what a person sees; so it goes the way of files."""
    buffer = io.BytesIO()
    as_seen(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
