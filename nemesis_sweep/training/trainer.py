"""One training step of CoOp with Nemesis, for R replicates in one set of tensors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from nemesis_sweep.nemesis.annealing import ANNEALINGS
from nemesis_sweep.nemesis.norms import pan, pun, vector_norms
from nemesis_sweep.nemesis.selection import SELECTIONS, draw_positions, position_mask
from nemesis_sweep.prompts.coop import context_from_words, embed_words, random_context
from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.checks import check_batch, check_positions
from nemesis_sweep.training.evaluation import class_logits
from nemesis_sweep.training.generators import Generators
from nemesis_sweep.training.gradient_scale import scaled_gradients
from nemesis_sweep.training.schedule import learning_rate
from nemesis_sweep.vlm.backbone import Backbone, precision_dtype
from nemesis_sweep.vlm.shared import States
from nemesis_sweep.vlm.text import encode_text, encode_text_with_states
from nemesis_sweep.vlm.variants import encode_variants


@dataclass(frozen=True)
class Step:
    """What one step did, per replicate: losses ``(R,)``, the penalised positions and norms ``(R, M)``."""

    loss: Tensor
    cross_entropy: Tensor
    penalty: Tensor
    correct: Tensor
    selected: Tensor
    norms: Tensor


class Trainer:
    """Learns the context of R prompts for the given class names on a frozen backbone.

    The context is always fp32, ``(R, M, D)``, or ``(R, C, M, D)`` with ``csc``, on the backbone's device;
    the text tower computes in ``method.precision``. A replicate whose loss is not finite is frozen where it
    was and named by :attr:`failed`; the others go on.

    Raises ``UserError`` for settings and class names that do not go together.
    """

    def __init__(
        self, backbone: Backbone, classnames: Sequence[str], method: Method, seeds: Sequence[int]
    ) -> None:
        if not seeds:
            raise UserError("no seeds given: at least one replicate is needed")
        self.backbone = backbone
        self.tower = backbone.text.to(precision_dtype(method.precision))
        self.device = self.tower.device
        self.method = method
        self.generators = Generators(seeds)
        words = embed_words(backbone, method.words) if method.words else None
        self.n_ctx = method.n_ctx if words is None else words.shape[0]
        if method.n_positions > self.n_ctx:
            raise UserError(
                Problem(
                    "more positions than context vectors",
                    key="n_positions",
                    found=str(method.n_positions),
                    allowed=f"at most n_ctx, {self.n_ctx}",
                )
            )
        self.layout = backbone.layout(classnames, self.n_ctx, method.class_position)
        n_classes = len(classnames) if method.csc else None
        if words is None:
            start = random_context(self.n_ctx, backbone.text.width, self.generators["init"], n_classes)
        else:
            start = context_from_words(words, len(seeds), n_classes)
        self.context = torch.nn.Parameter(start.to(self.device))
        self.optimiser = torch.optim.SGD(
            [self.context], lr=method.lr, momentum=method.momentum, weight_decay=method.weight_decay
        )
        self.alive = torch.ones(len(seeds), dtype=torch.bool, device=self.device)

    @property
    def failed(self) -> list[int]:
        """Numbers of the replicates that met a loss that is not finite."""
        return (~self.alive).nonzero().flatten().tolist()

    def text_features(self) -> Tensor:
        """``(R, C, E)``, L2-normalised, with gradients into the context where they are enabled."""
        return self._encoded(partial(encode_text, self.tower, self.layout))

    def _encoded(self, encode: Callable[[Tensor], Tensor]) -> Tensor:
        if self.tower.dtype == torch.float16 and torch.is_grad_enabled():
            return scaled_gradients(encode, self.context)
        return encode(self.context)

    def step(self, images: Tensor, labels: Tensor, epoch: int, positions: Tensor | None = None) -> Step:
        """One optimiser step on image features ``(R, B, E)`` and labels ``(R, B)`` in ``epoch`` (0-based).

        ``positions`` ``(R, N)`` fixes the context positions that PAN tests; they are drawn otherwise.
        Tensors may be on any device. Raises ``UserError``, before anything is computed, for features that
        are not finite and for shapes, labels and positions that do not fit.
        """
        check_batch(images, labels, len(self.alive), self.backbone.embed_dim, self.layout.n_classes)
        if positions is not None:
            check_positions(positions, len(self.alive), self.n_ctx)
        images, labels = images.to(self.device, torch.float32), labels.to(self.device, torch.int64)
        lr = learning_rate(epoch, self.method.epochs, self.method.lr)
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        texts, states = self._texts_to_train()
        logits = class_logits(images, texts, self.backbone)
        cross_entropy = _cross_entropy(logits, labels)
        correct = (logits.detach().argmax(dim=-1) == labels).sum(dim=1)
        norms = vector_norms(self.context, self.method.norm, self.method.reduction)
        selected = self._select(images, labels, correct, positions, states)
        penalty = self._penalty(norms, selected, epoch)
        loss = cross_entropy + penalty
        self._descend(loss)
        return Step(
            loss=loss.detach(),
            cross_entropy=cross_entropy.detach(),
            penalty=penalty.detach(),
            correct=correct,
            selected=selected,
            norms=norms.detach(),
        )

    @property
    def uses_pan(self) -> bool:
        """Whether steps select positions and penalise them."""
        return self.method.beta != 1 and self.method.omega != 0

    def _texts_to_train(self) -> tuple[Tensor, States | None]:
        """Text features, and where PAN will look at corrupted prompts, the states that those can reuse."""
        if not self.uses_pan or self.method.selection == "random":
            return self.text_features(), None
        kept: list[States | None] = []

        def encode(context: Tensor) -> Tensor:
            texts, states = encode_text_with_states(self.tower, self.layout, context)
            kept.append(states)
            return texts

        return self._encoded(encode), kept[0]

    def _penalty(self, norms: Tensor, selected: Tensor, epoch: int) -> Tensor:
        """``Omega(e) [beta PUN + (1 - beta) PAN]``, ``(R,)``."""
        method = self.method
        weight = ANNEALINGS[method.anneal](epoch, method.epochs)
        uniform = pun(norms, method.omega)
        aware = pan(norms, method.omega, selected)
        return weight * (method.beta * uniform + (1 - method.beta) * aware)

    @torch.no_grad()
    def _select(
        self,
        images: Tensor,
        labels: Tensor,
        correct: Tensor,
        positions: Tensor | None,
        states: States | None,
    ) -> Tensor:
        """PAN's pre-inference: the positions to penalise in this step, ``(R, M)`` bool."""
        method = self.method
        if not self.uses_pan:
            return torch.zeros(images.shape[0], self.n_ctx, dtype=torch.bool, device=self.device)
        if positions is None:
            positions = draw_positions(self.n_ctx, method.n_positions, self.generators["positions"])
        positions = positions.to(self.device, torch.int64)
        if method.selection == "random":
            corrupted_correct = correct[:, None].expand(positions.shape)
        else:
            scales = torch.full(positions.shape, method.corruption, device=self.device)
            variants = encode_variants(
                self.tower, self.layout, self.context, positions, scales, states=states
            )
            # (R, N, B, C): every variant sees the same batch of images.
            logits = class_logits(images[:, None], variants, self.backbone)
            corrupted_correct = (logits.argmax(dim=-1) == labels[:, None]).sum(dim=-1)
        return position_mask(positions, SELECTIONS[method.selection](correct, corrupted_correct), self.n_ctx)

    def _descend(self, loss: Tensor) -> None:
        self.alive &= loss.detach().isfinite()
        self.optimiser.zero_grad(set_to_none=True)
        loss.sum().backward()
        gradient = self.context.grad
        assert gradient is not None
        self.alive &= gradient.flatten(1).isfinite().all(dim=1)
        if self.alive.all():
            self.optimiser.step()
            return
        frozen = self.context.detach()[~self.alive].clone()
        gradient[~self.alive] = 0
        self.optimiser.step()
        with torch.no_grad():
            self.context[~self.alive] = frozen


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean over the batch, per replicate: ``(R, B, C), (R, B) -> (R,)``."""
    losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return losses.view(labels.shape).mean(dim=1)
