"""One training step of learnt prompts with Nemesis, for R replicates in one set of tensors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from nemesis_sweep.data.dataset import DEFAULT_TEMPLATE
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.nemesis.annealings.registry import annealing
from nemesis_sweep.nemesis.annealings.steered import Steered
from nemesis_sweep.nemesis.norms import pan, pun, vector_norms
from nemesis_sweep.prompts.learner import Learner
from nemesis_sweep.prompts.network import network_of
from nemesis_sweep.prompts.registry import learner_of
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.outside.methods import narrowed
from nemesis_sweep.spec.reads import PIXELS
from nemesis_sweep.training.arguments import check_training, checked_seeds
from nemesis_sweep.training.checks import check_batch, check_device, check_positions
from nemesis_sweep.training.generators import Generators
from nemesis_sweep.training.optimiser import make_optimiser
from nemesis_sweep.training.pre_inference import PreInference
from nemesis_sweep.training.schedule import learning_rate
from nemesis_sweep.vlm.backbone import Backbone, precision_dtype
from nemesis_sweep.vlm.devices import to_device

RELATIVE, TYPICAL = "relative", "typical"
PROMPT, OPTIMISER = "prompt.", "optimiser."
"""What the names of parameters and of the optimiser's tensors begin with in :meth:`Trainer.state`."""


@dataclass(frozen=True)
class Step:
    """What one step did, per replicate: losses ``(R,)``, the penalised positions and norms ``(R, P)``."""

    loss: Tensor
    cross_entropy: Tensor
    penalty: Tensor
    correct: Tensor
    selected: Tensor
    norms: Tensor


class Trainer:
    """Learns R prompts of the kind ``method.prompt`` for the given class names on a frozen backbone.

    What is learnt is always fp32 and on the backbone's device; the towers compute in ``method.precision``. A
    replicate whose loss is not finite is frozen where it was and named by :attr:`failed`; the others go on.
    template: the dataset's own prompt, `{}` for the class name, for kinds that learn from it.

    Raises ``UserError`` for seeds that are none, and settings and class names that do not go together.
    """

    def __init__(
        self,
        backbone: Backbone,
        classnames: Sequence[str],
        method: Method,
        seeds: Sequence[int],
        template: str = DEFAULT_TEMPLATE,
    ) -> None:
        check_training(backbone, classnames, method, template)
        seeds = checked_seeds(seeds)
        self.backbone = backbone
        self.method = method = narrowed(method)
        self.generators = Generators(seeds)
        self._annealing, self._looks = annealing(dict(method)), PreInference(method, self.generators)
        kind, drawn = learner_of(method.prompt), self.generators["init"]
        frozen = _frozen(backbone, method, with_images=kind.reads == PIXELS)
        self.device = frozen.text.device
        check_device(self.device)
        self._network = network_of(kind, frozen, method, classnames, drawn)
        if self._network is None:
            self._learner = kind.create(frozen, method, classnames, drawn, template)
        else:
            self._learner = kind(frozen, method, classnames, self._network(), template)
        if method.n_positions > self._learner.n_vectors:
            raise UserError(
                Problem(
                    "more positions than context vectors",
                    key="n_positions",
                    found=str(method.n_positions),
                    allowed=f"at most {self._learner.n_vectors}, all that {method.prompt} learns",
                )
            )
        learnt = self._learner if self._network is None else self._network
        self.parameters = dict(learnt.named_parameters())
        self.optimiser = make_optimiser(method, self.parameters.values())
        self._typical = self._learner.typical_norms() if method.norm == RELATIVE else None
        self._of_images: Tensor | None = None
        self.alive = torch.ones(len(seeds), dtype=torch.bool, device=self.device)

    @property
    def learner(self) -> Learner:
        """The prompts as they are now. Those that a network produces it produces anew for whoever asks."""
        if self._network is not None:
            self._learner.hold(self._network())
        return self._learner

    @property
    def dtype(self) -> torch.dtype:
        """Of what is learnt."""
        return next(iter(self.parameters.values())).dtype

    @property
    def failed(self) -> list[int]:
        """Numbers of the replicates that met a loss that is not finite."""
        return [number for number, lives in enumerate(self.alive.tolist()) if not lives]

    def step(
        self,
        images: Tensor,
        labels: Tensor,
        epoch: int,
        positions: Tensor | None = None,
        *,
        checked: bool = False,
    ) -> Step:
        """One optimiser step on image features ``(R, B, E)`` and labels ``(R, B)`` in ``epoch`` (0-based).

        Features are ``(R, B, Q, E)`` for prompts that read the parts of an image. ``positions`` ``(R, N)``
        fixes the vectors that PAN tests; they are drawn otherwise. Tensors may be on any device; a GPU is not
        waited for, but where a batch or positions on it have to be looked at. checked: whoever calls has
        looked at the batch already. Raises ``UserError``, before anything is computed, for features that are
        not finite and for shapes, labels and positions that do not fit.
        """
        learner = self.learner
        if not checked:
            check_batch(images, labels, len(self.alive), learner.image_shape, len(learner.classnames))
        if positions is not None:
            # Which rows are computed depends on them, and that is decided on the CPU.
            positions = positions.cpu()
            check_positions(positions, len(self.alive), learner.n_vectors)
        images = to_device(images, self.device, self.dtype)
        labels = to_device(labels, self.device, torch.int64)
        lr = learning_rate(epoch, self.method.epochs, self.method.lr)
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        classifier = learner.classifier(variants=self._looks.corrupts)
        logits = classifier(images)
        cross_entropy = _cross_entropy(logits, labels)
        correct = (logits.detach().argmax(dim=-1) == labels).sum(dim=1)
        norms = vector_norms(learner.penalised(images), self.method.norm, learner.reduction)
        if self.method.norm == RELATIVE:
            norms = norms / self._usual(images).to(norms.dtype)
        selected = self._looks(learner, classifier, images, labels, correct, positions)
        penalty = self._penalty(norms, selected, epoch)
        own = learner.regulariser(classifier, images, logits)
        fitted = cross_entropy if own is None else cross_entropy + own
        loss = fitted + penalty
        guide = learner.guide(images, logits)
        self.alive &= loss.detach().isfinite()
        self.optimiser.zero_grad(set_to_none=True)
        if guide is None:
            loss.sum().backward()
        else:
            self._go_back_guided(fitted, guide, penalty)
        self._descend()
        return Step(
            loss=loss.detach(),
            cross_entropy=cross_entropy.detach(),
            penalty=penalty.detach(),
            correct=correct,
            selected=selected,
            norms=norms.detach(),
        )

    @property
    def steered(self) -> Steered | None:
        """The annealing, if it goes by what is measured."""
        return self._annealing if isinstance(self._annealing, Steered) else None

    @torch.no_grad()
    def steer(self) -> None:
        """Let an annealing that is steered see the norms as they are; to be called before every epoch."""
        if self.steered is not None:
            self.steered.steer(vector_norms(self.learner.penalised()).mean(dim=1))

    @property
    def uses_pan(self) -> bool:
        """Whether steps select positions and penalise them."""
        return self._looks.is_used

    def state(self) -> dict[str, Tensor]:
        """Everything the next step depends on, as tensors."""
        optimiser = {
            f"{OPTIMISER}{name}.{key}": value.clone()
            for name, parameter in self.parameters.items()
            for key, value in self.optimiser.state[parameter].items()
            if isinstance(value, Tensor)
        }
        prompt = {f"{PROMPT}{name}": value.detach().clone() for name, value in self.parameters.items()}
        usual = {} if self._of_images is None else {TYPICAL: self._of_images.clone()}
        steered = {} if self.steered is None else self.steered.state()
        alive = {"alive": self.alive.clone()}
        return {**prompt, **optimiser, **usual, **steered, **alive, **self.generators.state()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on exactly where :meth:`state` was taken."""
        state = _of_earlier_version(state)
        for name, parameter in self.parameters.items():
            with torch.no_grad():
                parameter.copy_(state[f"{PROMPT}{name}"])
            start = f"{OPTIMISER}{name}."
            self.optimiser.state[parameter] = {
                # Adam's count of steps is a single number, which it keeps on the CPU.
                key.removeprefix(start): value.to(self.device if value.ndim else "cpu", copy=True)
                for key, value in state.items()
                if key.startswith(start)
            }
        self.alive = state["alive"].to(self.device, copy=True)
        self._of_images = state[TYPICAL].to(self.device, copy=True) if TYPICAL in state else None
        if self.steered is not None:
            self.steered.load_state(state, self.device)
        self.generators.load_state(dict(state))

    def _usual(self, images: Tensor) -> Tensor:
        """What norms are relative to; where that depends on the images, it stays as the first batch gave."""
        if self._typical is not None:
            return self._typical
        if self._of_images is None:
            self._of_images = self.learner.typical_norms(images)
        if self._of_images is None:
            kind = type(self.learner).__name__
            raise UserError(Problem(f"{kind}.typical_norms gives nothing for a batch either", key="norm"))
        return self._of_images

    def _penalty(self, norms: Tensor, selected: Tensor, epoch: int) -> Tensor:
        """``Omega(e) [beta PUN + (1 - beta) PAN]``, ``(R,)``."""
        method = self.method
        weight = self._annealing(epoch, method.epochs)
        uniform = pun(norms, method.omega)
        aware = pan(norms, method.omega, selected)
        return weight * (method.beta * uniform + (1 - method.beta) * aware)

    def _go_back_guided(self, fitted: Tensor, guide: Tensor, penalty: Tensor) -> None:
        """The gradient of the fitted loss as the guide's allows it; the penalty's is added as it is."""
        learnt = list(self.parameters.values())
        guides = torch.autograd.grad(guide.sum(), learnt, retain_graph=True)
        gradients = torch.autograd.grad(fitted.sum(), learnt, retain_graph=True)
        penalty.sum().backward()
        allowed = self._learner.guided(gradients, guides)
        for parameter, gradient in zip(learnt, allowed, strict=True):
            parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient

    def _descend(self) -> None:
        """One step of the optimiser; what failed replicates have learnt stays as it was.

        Without a look at whether any failed, for which a GPU would have to be waited for.
        """
        gradients = {each: each.grad for each in self.parameters.values() if each.grad is not None}
        for gradient in gradients.values():
            self.alive &= gradient.flatten(1).isfinite().all(dim=1)
        failed = ~self.alive
        frozen = {parameter: parameter.detach().clone() for parameter in gradients}
        for gradient in gradients.values():
            gradient.masked_fill_(_along(failed, gradient), 0)
        self.optimiser.step()
        with torch.no_grad():
            for parameter, before in frozen.items():
                parameter.copy_(torch.where(_along(failed, parameter), before, parameter))


def _frozen(backbone: Backbone, method: Method, with_images: bool) -> Backbone:
    """The backbone with its text tower in the method's precision, and the image tower where steps need it."""
    if with_images:
        return backbone.to(precision=method.precision)
    tower = backbone.text.to(precision_dtype(method.precision))
    return backbone if tower is backbone.text else replace(backbone, text=tower)


def _along(flags: Tensor, values: Tensor) -> Tensor:
    """Flags ``(R,)`` of replicates in the axes of values ``(R, ...)``."""
    return flags.view(-1, *[1] * (values.ndim - 1))


def _of_earlier_version(state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The state of a version that knew contexts alone, under the names of today."""
    new = {"context": f"{PROMPT}context", "momentum": f"{OPTIMISER}context.momentum_buffer"}
    return {new.get(name, name): value for name, value in state.items()}


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean over the batch, per replicate: ``(R, B, C), (R, B) -> (R,)``."""
    losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return losses.view(labels.shape).mean(dim=1)
