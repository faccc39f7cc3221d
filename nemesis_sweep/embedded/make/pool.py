"""Batches of the pretraining pool: the same step of the same seed is the same batch."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import open_clip
import torch
from torch import Tensor

from nemesis_sweep.embedded.make.augment import augment
from nemesis_sweep.embedded.make.sentences import DOMAINS, Sentences, every_text
from nemesis_sweep.embedded.make.tasks import Tasks
from nemesis_sweep.embedded.make.tuning import FIRST_STEPS
from nemesis_sweep.embedded.make.vocabulary import compact_ids

ONE_DOMAIN = 0.5  # share of the batches whose pictures are all of one domain
# Shares of the batches with vectors before the captions.  With random ones in 0.15 of the batches, as in the
# stages before, the tower learnt not to heed what stands there.
RANDOM_VECTORS, LEARNT_VECTORS = 0.0, 0.25
COUNTS = (4, 8, 16)  # of such vectors
TASK_SIZE = 512  # pictures to judge a tuned prompt by
TUNED_COUNTS = (4, 16, 16)  # of those that are tuned in a task


@dataclass(frozen=True)
class Batch:
    """``pixels`` (B, 3, 48, 48) of the pool's ``rows`` (B,); ``before`` (P,) and ``captions`` (B, L) compact
    token ids, L padded with zeros.  Between the start token and ``before``: ``vectors`` (M, D), random ones,
    or the first ``count`` of the learnt prompt number ``prompt``, or nothing."""

    pixels: Tensor
    rows: Tensor
    before: Tensor
    captions: Tensor
    vectors: np.ndarray | None = None
    prompt: int | None = None
    count: int = 0


@dataclass(frozen=True)
class TaskBatch:
    """A task: ``rows`` (B,) of the pool to judge by and their ``labels`` (B,); ``support`` (S,), rows to tune
    on, and ``support_labels`` (S,); its classes in a sentence, ``before`` (P,) and ``captions`` (C, L), and
    behind ``vectors`` (M, D), ``bare`` (C, L)."""

    rows: Tensor
    labels: Tensor
    support: Tensor
    support_labels: Tensor
    before: Tensor
    captions: Tensor
    vectors: Tensor
    bare: Tensor
    first_steps: int
    renamed: bool


class Pool:
    """Draws batches: pictures by weight, one caption per picture; and tasks."""

    def __init__(self, work: Path, seed: int, known: np.ndarray | None = None) -> None:
        """``known``: the token ids (K,) of a run that goes on, which keeps its vocabulary."""
        self.pictures = np.load(work / "pool.npy", mmap_mode="r")
        self.entries = json.loads((work / "pool.json").read_text(encoding="utf-8"))
        tokenizer = open_clip.get_tokenizer("RN50")
        self.sentences, self.start = Sentences(tokenizer), tokenizer.sot_token_id
        self.ids = compact_ids(tokenizer, every_text(self.entries)) if known is None else known
        self.compact = {int(token): row for row, token in enumerate(self.ids)}
        weights = np.array([e["weight"] for e in self.entries])
        self.shares, self.seed = weights / weights.sum(), seed
        of_domain = np.array([DOMAINS.index(e["domain"]) for e in self.entries])
        self.domains = [np.flatnonzero(of_domain == d) for d in range(len(DOMAINS))]
        self.domain_shares = np.array([self.shares[rows].sum() for rows in self.domains])
        self.tasks = Tasks(self.entries)

    def batch(self, step: int, size: int, width: int) -> Batch:
        """The batch of a step; ``width`` is that of random vectors."""
        rng = np.random.default_rng((self.seed, step))
        rows, domain = np.arange(len(self.entries)), len(DOMAINS)
        if rng.random() < ONE_DOMAIN:
            domain = int(rng.choice(len(DOMAINS), p=self.domain_shares))
            rows = self.domains[domain]
        shares = self.shares[rows] / self.shares[rows].sum()
        chosen = np.sort(rows[rng.choice(len(rows), size, replace=False, p=shares)])
        entries = [self.entries[i] for i in chosen]
        drawn = rng.random()
        learnt, bare = drawn < LEARNT_VECTORS, drawn < LEARNT_VECTORS + RANDOM_VECTORS
        captions = self.sentences.sample(entries, (*DOMAINS, "")[domain], rng, bare)
        count, deviation = int(rng.choice(COUNTS)), 0.02 * rng.choice((1.0, 1.0, 2.0))
        vectors = rng.normal(0, deviation, (count, width)).astype(np.float32) if bare and not learnt else None
        prompt = 2 * domain + (captions.subject == "kind") if learnt else None
        before = torch.tensor(self._known(captions.before), dtype=torch.long)
        pixels = self._pixels(chosen, rng)
        return Batch(
            pixels, torch.from_numpy(chosen), before, self._padded(captions.rows), vectors, prompt, count
        )

    def is_task(self, step: int, share: float) -> bool:
        """Whether a step is a task, if that share of them is."""
        return math.floor((step + 1) * share) > math.floor(step * share)

    def task(self, step: int, width: int) -> TaskBatch:
        """The task of a step; ``width`` is that of its random vectors."""
        rng = np.random.default_rng((self.seed, step, 1))
        drawn = self.tasks.draw(TASK_SIZE, rng)
        told = self.sentences.classes(drawn.words, rng)
        vectors = rng.normal(0, 0.02, (int(rng.choice(TUNED_COUNTS)), width)).astype(np.float32)
        return TaskBatch(
            torch.from_numpy(drawn.rows),
            torch.from_numpy(drawn.labels),
            torch.from_numpy(drawn.support),
            torch.from_numpy(drawn.support_labels),
            torch.tensor(self._known(told.before), dtype=torch.long),
            self._padded(told.rows),
            torch.from_numpy(vectors),
            self._padded(self.sentences.classes(drawn.words).rows),
            int(rng.choice(FIRST_STEPS)),
            drawn.renamed,
        )

    def every_picture(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of ``size`` rows and their pixels, once around the pool; the last wraps to the first."""
        rng = np.random.default_rng(self.seed)
        order = rng.permutation(len(self.entries))
        for start in range(0, len(order), size):
            rows = np.take(order, range(start, start + size), mode="wrap")
            yield torch.from_numpy(rows), self._pixels(rows, rng)

    def _pixels(self, chosen: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Pictures of the pool, augmented: (B, 3, 48, 48)."""
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        mirror, one_colour = torch.tensor(
            [(self.entries[i]["mirror"], self.entries[i]["one_colour"]) for i in chosen]
        ).T
        return augment(torch.from_numpy(self.pictures[chosen]), mirror, one_colour, generator)

    def _padded(self, rows: list[tuple[int, ...]]) -> Tensor:
        """Token ids as compact ones (B, L), padded with zeros, L even."""
        own = [self._known(row) for row in rows]
        tokens = np.zeros((len(own), 2 * math.ceil(max(map(len, own)) / 2)), np.int64)
        for row, caption in zip(tokens, own, strict=True):
            row[: len(caption)] = caption
        return torch.from_numpy(tokens)

    def _known(self, tokens: tuple[int, ...]) -> list[int]:
        return [self.compact[t] for t in tokens if t in self.compact]
