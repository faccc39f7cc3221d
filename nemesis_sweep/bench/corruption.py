"""What a whole grid of corrupted prompts costs: ours against one evaluation after the other, in one run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from statistics import mean, median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nemesis_sweep.bench.machine import describe_machine
from nemesis_sweep.bench.timing import Say, use_threads
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.prompts.learner import Learner
from nemesis_sweep.prompts.registry import learner_of
from nemesis_sweep.spec.choices import REPLACE, RESCALE
from nemesis_sweep.spec.method import Method
from nemesis_sweep.training.corrupted import Corrupted
from nemesis_sweep.training.corruption import corrupt
from nemesis_sweep.training.episode_features import target_features
from nemesis_sweep.training.generators import seeded
from nemesis_sweep.vlm.load_backbone import load_backbone
from nemesis_sweep.vlm.text import encode_text

STRENGTHS = {
    RESCALE: (0.001, 0.01, 0.1, 0.5, 0.9, 1.1, 1.5, 2.0),
    REPLACE: (0.0, 0.0001, 0.001, 0.01, 0.05, 0.1, 0.3, 0.5),
}
"""As many of each operation."""
LENGTH = 5
"""What the vectors are multiplied with: as drawn they are so short that hardly any image depends on one."""

Cell = tuple[str, tuple[int, int, int]]
"""Operation, and the numbers of replicate, position and strength."""


@dataclass(frozen=True)
class Grid:
    """CoOp's prompts of a backbone, with a dataset's classes and all of its test images.

    cells: so many of the grid are evaluated one after the other, spread over it; the rest is extrapolated, as
    each costs the same. 0: all. repeats: of the whole grid our way, after one that is not timed.
    """

    backbone: str
    dataset: str
    n_ctx: int
    replicates: int
    cells: int
    repeats: int
    threads: int


def measure_corruption(case: Grid, say: Say) -> dict[str, Any]:
    """Time the grid both ways and compare what every prompt has right.

    Keys: `case`, `machine`, `cells` and `classes` and `images` of the grid; `ours_seconds` (median),
    `plain_seconds` (extrapolated) and `plain_over_ours`, the median over the repeats; `compared` cells;
    `changed`, those of them in which the corruption changed what is right; `different`, images that the two
    ways do not agree on.
    """
    use_threads(case.threads)
    learner, images, labels = _made(case)
    seeds = list(range(1, case.replicates + 1))
    grid: list[Cell] = [
        (operation, place)
        for operation, strengths in STRENGTHS.items()
        for place in product(range(case.replicates), range(case.n_ctx), range(len(strengths)))
    ]
    step = max(1, len(grid) // case.cells) if case.cells else 1
    sample = grid[:: step | 1] if step > 1 else grid  # Odd, so that no axis is walked alone.

    def whole() -> dict[str, Corrupted]:
        return {
            operation: corrupt(learner, seeds, images, labels, operation, strengths)
            for operation, strengths in STRENGTHS.items()
        }

    found = whole()  # Not timed: plans are made, and memory is found.
    plain: list[tuple[float, np.ndarray]] = []
    ours: list[float] = []
    ratios: list[float] = []
    bounds = [len(sample) * number // (case.repeats + 1) for number in range(case.repeats + 2)]
    for number in range(case.repeats + 1):
        begun = bounds[max(0, number - 1)]
        plain += [
            _plain(learner, seeds, images, labels, cell)
            for cell in sample[bounds[number] : bounds[number + 1]]
        ]
        if number:
            # Those on either side of the grid, as other work on the machine comes and goes.
            around = mean(spent for spent, _ in plain[begun:] or plain) * len(grid)
            ratios.append(around / ours[-1])
            told = f"{ours[-1]:.2f} s, {ratios[-1]:.0f} times as fast"
            say(f"the whole grid, {number} of {case.repeats}: {told}")
        if number < case.repeats:
            start = time.perf_counter()
            whole()
            ours.append(time.perf_counter() - start)
    seconds = mean(spent for spent, _ in plain) * len(grid)
    rights = [found[operation].right[place] for operation, place in sample]
    befores = [found[operation].before[place[0]] for operation, place in sample]
    return {
        "case": asdict(case),
        "machine": describe_machine(),
        "cells": len(grid),
        "classes": len(learner.classnames),
        "images": len(labels),
        "ours_seconds": median(ours),
        "plain_seconds": seconds,
        "plain_over_ours": median(ratios),
        "compared": len(sample),
        "changed": sum(bool((own != was).any()) for own, was in zip(rights, befores, strict=True)),
        "different": sum(int((own != one).sum()) for own, (_, one) in zip(rights, plain, strict=True)),
    }


def corruption_lines(figures: dict[str, Any]) -> str:
    """The figures for people."""
    case, machine = figures["case"], figures["machine"]
    return "\n".join(
        [
            f"{case['backbone']} on {case['dataset']}: {counted(figures['cells'], 'corrupted prompt')} "
            f"({case['n_ctx']} positions x {sum(map(len, STRENGTHS.values()))} strengths x "
            f"{case['replicates']} replicates), {counted(figures['classes'], 'class', 'classes')}, "
            f"{counted(figures['images'], 'test image')}; {counted(machine['cores'], 'core')}, "
            f"{counted(machine['threads'], 'thread')}",
            f"one evaluation after the other on the plain path: {figures['plain_seconds']:.0f} s "
            f"({figures['compared']} measured)",
            f"the whole grid at once: {figures['ours_seconds']:.2f} s, "
            f"{figures['plain_over_ours']:.0f} times as fast",
            f"{figures['different']} of {figures['compared'] * figures['images']} answers differ "
            f"({figures['changed']} of these {figures['compared']} corruptions change any)",
        ]
    )


def _made(case: Grid) -> tuple[Learner, Tensor, Tensor]:
    """Prompts before training, which cost as much as any, the test images' features, and labels."""
    backbone, data = load_backbone(case.backbone), load_dataset(case.dataset, None)
    generators = [seeded(seed, "init") for seed in range(1, case.replicates + 1)]
    method = Method(n_ctx=case.n_ctx)
    learner = learner_of(method.prompt).create(backbone, method, data.classnames, generators)
    values = {"context": LENGTH * learner.values()["context"]}
    learner = type(learner)(backbone, method, data.classnames, values)
    return learner, *target_features(data, backbone, None, learner.reads)


@torch.no_grad()
def _plain(
    learner: Learner, seeds: Sequence[int], images: Tensor, labels: Tensor, cell: Cell
) -> tuple[float, np.ndarray]:
    """Seconds of one corrupted prompt by itself, all tokens of every class, and what it has right."""
    start = time.perf_counter()
    operation, (replicate, position, strength) = cell
    context = learner.values()["context"][[replicate]].clone()
    by = STRENGTHS[operation][strength]
    if operation == RESCALE:
        context[:, position] *= by
    else:
        noise = torch.randn(context.shape[1:], generator=seeded(seeds[replicate], "corruption"))
        context[:, position] = by * noise[position]
    backbone = learner.backbone
    layout = backbone.layout(learner.classnames, context.shape[1], learner.method.class_position)
    texts = encode_text(backbone.text, layout, context, path="plain")[0]
    right = (backbone.logit_scale * images @ texts.T).argmax(dim=-1) == labels
    return time.perf_counter() - start, right.numpy()
