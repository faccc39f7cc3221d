"""Batches of the pretraining pool: the same step of the same seed is the same batch."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import open_clip
import pyarrow.parquet as pq
import torch
from safetensors import safe_open
from torch import Tensor

from nemesis_sweep.embedded.make.augment import augment
from nemesis_sweep.embedded.make.sentences import LIMITS, Sentences, every_text
from nemesis_sweep.embedded.make.vocabulary import compact_ids

LENGTHS, LENGTH_SHARES = ("short", "middle", "long"), (0.65, 0.25, 0.10)


class Pool:
    """Draws batches: pictures by weight, a caption length per batch, one caption per picture."""

    def __init__(self, work: Path, seed: int, checkpoint: Path | None, without: list[Path]) -> None:
        self.pictures = np.load(work / "pool.npy", mmap_mode="r")
        self.entries = json.loads((work / "pool.json").read_text())
        tokenizer = open_clip.get_tokenizer("RN50")
        self.sentences = Sentences(tokenizer)
        if checkpoint:  # a run that goes on keeps its vocabulary
            with safe_open(checkpoint, "np") as file:
                self.ids = file.get_tensor("token_ids")
        else:
            self.ids = compact_ids(tokenizer, every_text(self.entries))
        self.compact = {int(token): row for row, token in enumerate(self.ids)}
        left_out = set().union(*map(_sources, without))
        weights = np.array([0.0 if e["source"] in left_out else e["weight"] for e in self.entries])
        self.shares, self.seed = weights / weights.sum(), seed

    def batch(self, step: int, size: int) -> tuple[Tensor, Tensor]:
        """Pixels (B, 3, 48, 48) and compact tokens (B, L) of a step."""
        rng = np.random.default_rng((self.seed, step))
        chosen = np.sort(rng.choice(len(self.entries), size, replace=False, p=self.shares))
        length = LENGTHS[rng.choice(len(LENGTHS), p=LENGTH_SHARES)]
        sampled = [self.sentences.sample(self.entries[i], length, rng) for i in chosen]
        captions = [[t for t in caption if t in self.compact] for caption in sampled]
        longest = min(LIMITS[length], 4 * math.ceil(max(map(len, captions)) / 4))
        tokens = np.zeros((size, longest), np.int64)
        for row, caption in zip(tokens, captions, strict=True):
            row[: len(caption)] = [self.compact[t] for t in caption]
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        flags = [(self.entries[i]["mirror"], self.entries[i]["one_colour"]) for i in chosen]
        mirror, one_colour = torch.tensor(flags).T
        pixels = augment(torch.from_numpy(self.pictures[chosen]), mirror, one_colour, generator)
        return pixels, torch.from_numpy(tokens)


def _sources(benchmark: Path) -> set[str]:
    """Sources of the pictures that a benchmark's Parquet file trains on or validates with."""
    rows = pq.read_table(benchmark, columns=["source", "split"]).to_pylist()
    return {row["source"] for row in rows if row["split"] != "test"}
