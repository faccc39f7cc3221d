"""A saved prompt with the images that it is corrupted on: those of its sweep's task, or of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.prompts.artifact import Prompt
from nemesis_sweep.prompts.learner import Learner
from nemesis_sweep.spec.outside.methods import read_method
from nemesis_sweep.sweep.learnt_folder import Found
from nemesis_sweep.sweep.worker.worker_cache import materials
from nemesis_sweep.training.classifier import Learnt, backbone_of
from nemesis_sweep.training.corruption import learner_of_prompt
from nemesis_sweep.training.episode_features import target_features

TEST, VAL = "test", "val"


@dataclass(frozen=True)
class ToCorrupt:
    """A prompt at work and what it is tested on: features ``(n, ...)`` or ``(R, n, ...)``, and labels."""

    learner: Learner
    seeds: Sequence[int]
    images: Tensor
    labels: Tensor
    data: str


def to_corrupt(
    found: Found, prompt: Learnt, split: str, dataset: str = "", report: SayLine | None = None
) -> ToCorrupt:
    """What ``training.corruption.corrupt`` takes.

    split: `test`, or `val`: of a sweep the validation images of each seed, else all that the dataset has.
    dataset: for a prompt alone. Raises ``UserError`` for a reference, for a dataset beside a sweep or none
    without one, and for one with other classes.
    """
    if found.task is not None and found.home is not None and isinstance(prompt, Prompt):
        if dataset:
            message, allowed = "the best of a sweep is tested on its own task", "--task, or a prompt's folder"
            raise UserError(Problem(message, key="--dataset", found=dataset, allowed=allowed))
        method = read_method(prompt.method)
        made = materials(found.task, tuple(prompt.seeds), method, report, str(found.home))
        seen = made.features
        images, labels = (seen.test, seen.test_labels) if split == TEST else (seen.val, seen.val_labels)
        return ToCorrupt(
            learner_of_prompt(prompt, made.backbone), prompt.seeds, images, labels, found.task.key
        )
    backbone = backbone_of(prompt, None)
    learner = learner_of_prompt(prompt, backbone)
    images, labels = _of_dataset(dataset, split, learner, report)
    return ToCorrupt(learner, prompt.seeds, images, labels, dataset)


def _of_dataset(name: str, split: str, learner: Learner, report: SayLine | None) -> tuple[Tensor, Tensor]:
    if not name:
        allowed = "the dataset that it is tested on, such as digits"
        raise UserError(
            Problem("a prompt alone does not say what it is tested on", key="--dataset", allowed=allowed)
        )
    data = load_dataset(name, None)
    if list(data.classnames) != list(learner.classnames):
        found, allowed = listed(list(data.classnames)), listed(list(learner.classnames))
        message = f"{name} has other classes than the prompt"
        raise UserError(Problem(message, key="--dataset", found=found, allowed=allowed))
    items = data.test if split == TEST else data.splits.get("val", [])
    if not items:
        raise UserError(Problem(f"{name} has no images of its own for it", key="--split", found=split))
    own = replace(data, splits={**data.splits, "test": items})
    return target_features(own, learner.backbone, report, learner.reads)
