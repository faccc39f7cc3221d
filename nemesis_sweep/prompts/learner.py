"""What a kind of prompt is to the trainer, to evaluation and to prediction: the contract of all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from nemesis_sweep.data.dataset import DEFAULT_TEMPLATE
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.spec.fields import Section
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.prompt_fields import Fields
from nemesis_sweep.spec.reads import POOLED, Reads
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.typical_norms import embedding_norm


class ImageClassifier(ABC):
    """Logits of image features under R prompts as they are at one moment.

    replicates: R. device: where it computes. image_shape: of one image's features, ``(E,)`` or ``(Q, E)``.
    chunk: images at a time for which it needs little memory. first: the least place that ``rescaled`` and
    ``replaced`` will be asked for, set by who knows it, so that a GPU need not be waited for; None where
    nobody does.
    """

    replicates: int
    device: torch.device
    image_shape: tuple[int, ...]
    chunk: int = 8192
    first: int | None = None

    @abstractmethod
    def __call__(self, images: Tensor) -> Tensor:
        """Image features ``(R, B, *image_shape)`` to logits ``(R, B, C)``, with gradients if enabled."""

    def rescaled(self, images: Tensor, positions: Tensor, scales: Tensor) -> Tensor:
        """Logits ``(R, N, B, C)`` of N variants, without gradients.

        In variant n of replicate r, vector ``positions[r, n]`` is multiplied by ``scales[r, n]``.
        """
        raise no_variants(type(self).__name__, said=False)

    def replaced(self, images: Tensor, positions: Tensor, vectors: Tensor) -> Tensor:
        """The same with ``vectors[r, n]`` in the place of vector ``positions[r, n]``.

        vectors: ``(R, N, ..., D)``, the axes after the second as those of ``Learner.penalised`` but for P.
        """
        raise no_others(type(self).__name__)


def no_others(kind: str) -> UserError:
    """The error where a vector is to be replaced of a kind that does not allow it."""
    message = f"vectors of this kind of prompt ({kind}) can only be scaled, not replaced"
    return UserError(Problem(message, found="replace", allowed="rescale"))


def no_variants(kind: str, said: bool = True) -> UserError:
    """The error where PAN is to test vectors of a kind that gives no variants. said: by its class."""
    message = f"this kind of prompt ({kind}) gives no variants, so PAN cannot test any"
    if not said:
        message += "; its class is to say `variants = False`, or its classifier to write `rescaled`"
    return UserError(Problem(message, "beta", allowed="1 (PUN), or selection: random"))


class Learner(nn.Module, ABC):
    """R prompts side by side; axis 0 of every parameter is the replicate, and all parameters are fp32.

    tensors: names of its parameters, which is all that a saved prompt holds; where a `network` produces them,
    its parameters are learnt in their place. reads: what it sees of images.
    fields, transfers, several, variants, one_feature: of a kind from outside; ``spec.prompts`` has those of
    this package's.
    template: a hand-written prompt, `{}` for the class name, for kinds that learn from one.
    A kind writes ``start``, ``classifier``, ``penalised`` and ``n_vectors``; in ``__init__`` it makes what
    follows from backbone, method and class names, such as a layout.
    """

    tensors: ClassVar[tuple[str, ...]]
    reads: Reads = POOLED
    fields: ClassVar[type[Section]] = Fields
    transfers: ClassVar[bool] = True
    several: ClassVar[bool] = False
    variants: ClassVar[bool] = True
    one_feature: ClassVar[bool] = False

    def __init__(
        self,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        values: Mapping[str, Tensor],
        template: str = DEFAULT_TEMPLATE,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.method = method
        self.classnames = tuple(classnames)
        self.template = template
        for name in self.tensors:
            value = values[name].detach().to(backbone.text.device)
            self.register_parameter(name, nn.Parameter(value))

    @classmethod
    @abstractmethod
    def start(
        cls,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        generators: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:
        """The tensors before training, fp32, each replicate's drawn from its own generator."""

    @classmethod
    def network(
        cls,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        generators: Sequence[torch.Generator],
    ) -> nn.Module | None:
        """What is learnt in place of the tensors, and produces them; None where they are learnt themselves.

        Called without arguments it gives all of them by name. R networks side by side: axis 0 of every
        parameter is the replicate, fp32, each drawn from its own generator. A checkpoint keeps the
        parameters, a saved prompt the tensors.
        """
        return None

    @abstractmethod
    def classifier(self, *, variants: bool = False) -> ImageClassifier:
        """What classifies with the prompts as they are now; made once a step, a split, a test set.

        variants: whether it will be asked for ``rescaled`` or ``replaced``, and may keep what these can use
        again.
        """

    @property
    @abstractmethod
    def n_vectors(self) -> int:
        """P, the number of vectors that are penalised one by one, and that PAN chooses among."""

    @abstractmethod
    def penalised(self, images: Tensor | None = None) -> Tensor:
        """The vectors whose norms are penalised, ``(R, ..., P, D)``.

        images: the batch ``(R, B, ...)``, for kinds whose vectors depend on it; without one, those that do
        not. Axes between the first and the last two hold more vectors of the same position.
        """

    def as_vectors(self, numbers: Tensor, positions: Tensor) -> Tensor:
        """Numbers ``(R, N, ..., D)``, as ``ImageClassifier.replaced`` takes them, as vectors of its kind at
        positions ``(R, N)``: where those of ``penalised`` are filled with zeros, these are too."""
        return numbers

    @property
    def reduction(self) -> str:
        """How the norms of several vectors of one position become one: `mean`, or `reference`, their sum."""
        return self.method.reduction

    def regulariser(self, classifier: ImageClassifier, images: Tensor, logits: Tensor) -> Tensor | None:
        """The kind's own term of the loss ``(R,)`` for a batch and its logits, or None."""
        return None

    def first_place(self, positions: Tensor) -> int:
        """The least place in a text at which one of PAN's positions ``(R, N)``, on the CPU, stands."""
        return int(positions.min())

    def typical_norms(self, images: Tensor | None = None) -> Tensor | None:
        """What `norm: relative` divides by, ``(P,)``, ``(R, P)`` or a number: the mean norm of the tower's
        own vectors at these places; by default of its token embeddings.

        images: the first batch ``(R, B, ...)``, for kinds that give None without one, where it depends on the
        images.
        """
        return embedding_norm(self.backbone)

    @cached_property
    def anchors(self) -> Tensor:
        """CLIP's own class features ``(C, E)`` of the template, L2-normalised: computed once."""
        template = self.method.anchor_template or self.template
        texts = [template.replace("{}", name.replace("_", " ")) for name in self.classnames]
        with torch.no_grad():
            return self.backbone.encode_texts(texts).to(next(iter(self.values().values())))

    def guide(self, images: Tensor, logits: Tensor) -> Tensor | None:
        """A loss ``(R,)`` whose gradient has a say in what the loss's may be, or None."""
        return None

    def guided(self, gradients: Sequence[Tensor], guides: Sequence[Tensor]) -> Sequence[Tensor]:
        """The gradients ``(R, ...)`` of all parameters, given those of the guide."""
        return gradients

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one image's features."""
        return self.backbone.image_shape()

    @classmethod
    def create(
        cls,
        backbone: Backbone,
        method: Method,
        classnames: Sequence[str],
        generators: Sequence[torch.Generator],
        template: str = DEFAULT_TEMPLATE,
    ) -> Self:
        """Prompts before training, one a generator. Raises ``UserError`` where ``start`` lacks some."""
        values = cls.start(backbone, method, classnames, generators)
        if lacking := [name for name in cls.tensors if name not in values]:
            message = f"{cls.__name__}.start does not give all that `tensors` names"
            raise UserError(Problem(message, found=listed(list(values)), allowed=f"also {listed(lacking)}"))
        return cls(backbone, method, classnames, values, template)

    def values(self) -> dict[str, Tensor]:
        """The tensors by name, without gradients."""
        held: dict[str, Tensor] = {name: getattr(self, name) for name in self.tensors}
        return {name: value.detach() for name, value in held.items()}

    def hold(self, values: Mapping[str, Tensor]) -> None:
        """Take tensors that a network produced, with their gradients; they are no parameters any more."""
        for name in self.tensors:
            if name in self._parameters:
                delattr(self, name)
            setattr(self, name, values[name])

    def renamed(self, classnames: Sequence[str]) -> Self:
        """The same prompts with other class names, to be tested, not trained."""
        return type(self)(self.backbone, self.method, classnames, self.values(), self.template)
