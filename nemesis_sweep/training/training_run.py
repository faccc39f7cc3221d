"""Epochs of a trial: batches per replicate, metrics per epoch, a state that can be kept and taken up."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from nemesis_sweep.data.dataset import DEFAULT_TEMPLATE, Dataset
from nemesis_sweep.data.meter import Meter, SayLine
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError, nearest
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.nemesis.norms import vector_norms
from nemesis_sweep.prompts.artifact import Prompt
from nemesis_sweep.prompts.learner import ImageClassifier, Learner
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.arguments import check_training, checked_seeds, refusal
from nemesis_sweep.training.averaging import EpochAverage, epoch_weights
from nemesis_sweep.training.episode_features import EpisodeFeatures
from nemesis_sweep.training.evaluation import Keep, evaluate
from nemesis_sweep.training.resident import resident
from nemesis_sweep.training.trainer import Trainer
from nemesis_sweep.vlm.backbone import Backbone
from nemesis_sweep.vlm.devices import to_device

Metrics = dict[str, list[float]]
"""Metric name -> one value a replicate. Accuracies are percent."""


class TrainingRun:
    """A trial in progress: :meth:`run_epoch` until :attr:`epoch` reaches ``method.epochs``.

    template: the dataset's own prompt, for kinds that learn from it.
    Raises ``UserError`` when the features do not belong to these seeds, classes and views.
    """

    def __init__(
        self,
        backbone: Backbone,
        classnames: Sequence[str],
        method: Method,
        seeds: Sequence[int],
        features: EpisodeFeatures,
        template: str = DEFAULT_TEMPLATE,
    ) -> None:
        check_training(backbone, classnames, method, template)
        _check(features, method, checked_seeds(seeds), len(classnames))
        self.trainer = Trainer(backbone, classnames, method, seeds, template)
        _check_kind(features, self.trainer.learner)
        self.features = resident(features, self.trainer.device, len(classnames))
        self.method = method
        self.epoch = 0
        weights = epoch_weights(self.trainer.method)
        self._average = None if weights is None else EpochAverage(self.trainer.parameters, weights)
        # How often PAN selected each position (R, P), and in how many steps: over all epochs.
        count = (len(seeds), self.trainer.learner.n_vectors)
        self._selected = torch.zeros(count, dtype=torch.int64, device=self.trainer.device)
        self._steps = 0
        self._counted = True

    @property
    def done(self) -> bool:
        return self.epoch >= self.method.epochs or not self.trainer.alive.any()

    def run_epoch(self, report: SayLine | None = None) -> Metrics:
        """Train one epoch: a random order of each replicate's images, the last short batch dropped.

        Only when a replicate has fewer images than a batch, the short batch is all there is. The last epoch
        leaves the average over all epochs, where the method has one. report: called with lines of progress
        where an epoch takes long.
        """
        self.trainer.steer()
        orders = self._shuffled()
        count = orders.shape[1]
        batch = min(self.method.batch, count)
        loss = cross_entropy = correct = selected = torch.zeros(len(orders), device=self.trainer.device)
        steps = count // batch
        label = f"training epoch {self.epoch + 1} of {self.method.epochs}"
        meter = Meter(steps, label, report, unit="step", begins=False)
        for number in range(steps):
            rows = orders[:, number * batch : (number + 1) * batch]
            images, labels = self._batch(rows)
            # What lives on a GPU was looked at when it went there.
            step = self.trainer.step(images, labels, self.epoch, checked=images.device.type != "cpu")
            loss = loss + step.loss / steps
            cross_entropy = cross_entropy + step.cross_entropy / steps
            correct = correct + step.correct
            selected = selected + step.selected.sum(dim=1) / steps
            self._selected += step.selected
            meter.add(1)
        self._steps += steps
        self.epoch += 1
        if self._average is not None:
            self._average.take(self.epoch)
        metrics = {
            "train/loss": loss,
            "train/cross_entropy": cross_entropy,
            "train/accuracy": 100 * correct / (steps * batch),
            "pan/selected": selected,
            "norm/mean": vector_norms(self.trainer.learner.penalised().detach()).mean(dim=1),
        }
        if self.trainer.steered is not None:
            metrics["penalty/weight"] = self.trainer.steered.weight
        return _read(metrics)

    def selected_share(self) -> list[list[float]] | None:
        """Share of all steps so far in which PAN selected each position, ``(R, P)``.

        None without PAN, before the first step, and after a checkpoint that did not count.
        """
        if not self.trainer.uses_pan or not self._steps or not self._counted:
            return None
        return (self._selected.double() / self._steps).tolist()

    def evaluate(self, split: str, report: SayLine | None = None, keep: Keep | None = None) -> Metrics:
        """Accuracy and loss on ``val`` or ``test`` with the prompts as they are now, NaN for failed ones.

        keep: given what was predicted, also by failed ones.
        """
        if split not in ("val", "test"):
            raise refusal("split", "no such split", split, "val, test")
        images = getattr(self.features, split)
        labels = getattr(self.features, f"{split}_labels")
        with torch.no_grad():
            classifier = self.trainer.learner.classifier()
        accuracy, loss = evaluate(images, labels, classifier, report, keep)
        if split == "val" and self.trainer.steered is not None:
            self.trainer.steered.validated(accuracy)
        failed = ~self.trainer.alive
        metrics = {f"{split}/accuracy": accuracy, f"{split}/loss": loss}
        return _read({name: value.masked_fill(failed, math.nan) for name, value in metrics.items()})

    def classifier(self, dataset: Dataset) -> ImageClassifier:
        """The prompts as they are now, with a dataset's class names."""
        with torch.no_grad():
            return self.trainer.learner.renamed(dataset.classnames).classifier()

    def prompt(self) -> Prompt:
        """The prompts as they are now, to be kept."""
        trainer, learner = self.trainer, self.trainer.learner
        return Prompt(
            tensors={name: value.cpu() for name, value in learner.values().items()},
            backbone=trainer.backbone.name,
            fingerprint=trainer.backbone.fingerprint,
            classnames=list(learner.classnames),
            seeds=list(trainer.generators.seeds),
            method=self.method.model_dump(),
            selected_share=self.selected_share(),
            template=learner.template,
            logit_scale=trainer.backbone.chosen_scale,
        )

    def state(self) -> dict[str, Tensor]:
        """Everything the next epoch depends on, as tensors."""
        state = {**self.trainer.state(), "epoch": torch.tensor(self.epoch)}
        if self._average is not None:
            state |= self._average.state()
        if self._counted:
            state |= {"selected": self._selected.clone(), "steps": torch.tensor(self._steps)}
        return state

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on exactly where :meth:`state` was taken."""
        self.trainer.load_state(state)
        self.epoch = int(state["epoch"])
        if self._average is not None:
            self._average.load_state(state)
        # What an earlier version wrote has no counts; its steps stay unknown.
        self._counted = "selected" in state
        if self._counted:
            self._selected = state["selected"].to(self.trainer.device, copy=True)
            self._steps = int(state["steps"])

    def _shuffled(self) -> Tensor:
        """``(R, n)``: every replicate's own order of its training images."""
        count = self.features.train.shape[1]
        return torch.stack([torch.randperm(count, generator=g) for g in self.trainer.generators["order"]])

    def _batch(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Image features ``(R, B, E)`` under a drawn view, and labels ``(R, B)``, of rows ``(R, B)``."""
        train = self.features.train
        views = train.shape[2]
        replicate = torch.arange(rows.shape[0], device=train.device)[:, None]
        if self.method.views == "epochs":
            chosen = torch.full_like(rows, self.epoch)
        else:
            generators = self.trainer.generators["views"]
            chosen = torch.stack([torch.randint(views, rows.shape[1:], generator=g) for g in generators])
        rows, chosen = to_device(rows, train.device), to_device(chosen, train.device)
        return train[replicate, rows, chosen], self.features.train_labels[replicate, rows]


def _check(features: EpisodeFeatures, method: Method, seeds: tuple[int, ...], n_classes: int) -> None:
    """Refuse features of other seeds, other views or other classes, before any training."""
    if not isinstance(features, EpisodeFeatures):
        raise refusal("features", "not features of episodes", features, "what ns.episode_features gives")
    shape = tuple(features.train.shape)
    if len(shape) < 4 or shape[0] != len(seeds) or 0 in shape:
        allowed = f"(R, n, V, E) with R = {counted(len(seeds), 'seed')} and at least one image"
        raise UserError(Problem("training features of a wrong shape", found=str(shape), allowed=allowed))
    drawn = tuple(episode.seed for episode in features.episodes)
    if drawn and drawn != seeds:
        raise UserError(Problem("features of other seeds", "seeds", found=str(seeds), allowed=str(drawn)))
    if method.views == "epochs" and shape[2] < method.epochs:
        allowed = f"at least {method.epochs}, one an epoch"
        raise UserError(Problem("too few views", key="views", found=str(shape[2]), allowed=allowed))
    highest = int(max(features.train_labels.max(), features.test_labels.max()))
    if highest >= n_classes:
        allowed = f"0 to {n_classes - 1}, {counted(n_classes, 'class name')}"
        raise UserError(Problem("a label without a class name", found=str(highest), allowed=allowed))


def _check_kind(features: EpisodeFeatures, learner: Learner) -> None:
    """Refuse features of whole images for a prompt that reads their parts, and any other mix."""
    found = tuple(features.train.shape[3:])
    if found != learner.image_shape or features.reads not in ("", learner.reads):
        told = f"{found}, {features.reads}" if features.reads else str(found)
        allowed = f"{learner.image_shape}, as of episode_features(..., reads='{learner.reads}')"
        raise UserError(Problem("image features of another kind", found=told, allowed=allowed))


def mean_of(metrics: Metrics, name: str) -> float:
    """Mean of a metric over the replicates. Raises ``UserError`` for a name that was not measured."""
    if name not in metrics:
        names = list(metrics)
        near = nearest(name, names) if isinstance(name, str) else ""
        raise UserError(Problem("unknown metric", found=repr(name), allowed=listed(names), nearest=near))
    return sum(metrics[name]) / len(metrics[name])


def _read(metrics: dict[str, Tensor]) -> Metrics:
    """Values ``(R,)`` as numbers, read at once: each read waits for a GPU."""
    values = torch.stack([value.double() for value in metrics.values()]).tolist()
    return dict(zip(metrics, values, strict=True))
