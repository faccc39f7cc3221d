"""Classification tasks out of the pretraining pool: what prompt tuning will be asked to do.

A task takes one domain and a dozen or more words that its captions hold (names, kinds and keywords; never a
benchmark's label), a few pictures each, some to tune a prompt on and some to judge it by.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nemesis_sweep.embedded.make.sentences import DOMAINS

DOMAIN_SHARES = {"emoji": 0.35, "clip art": 0.4, "colour icon": 0.15, "plain icon": 0.1}
CLASSES = (16, 32)  # a task has as many classes, each as likely
LEAST, MOST_SHARE = 8, 0.2  # pictures of a class; share of the domain above which a word says too little
KINDS = 4  # the nearest ones
OVERLAP = 0.3  # of a word's pictures with those of the classes before it
QUERY_SHARE = 0.4  # of a class's pictures, at most
SHOTS = (4, 16, 16)  # support pictures of a class, at most
RENAMED = 0.3  # share of the tasks that have words of other pictures for half of their classes


@dataclass(frozen=True)
class Task:
    """``rows`` (B,) of the pool to judge a prompt by and their ``labels`` (B,);
    ``support`` (S,), rows to tune it on, and ``support_labels`` (S,); ``words``: the classes, half of them
    at random if ``renamed``: then a prompt knows them from its pictures only."""

    rows: np.ndarray
    labels: np.ndarray
    support: np.ndarray
    support_labels: np.ndarray
    words: list[str]
    renamed: bool


class Tasks:
    """Draws tasks from pool entries (dicts with ``name``, ``tags``, ``kinds``, ``domain``)."""

    def __init__(self, entries: Sequence[dict]) -> None:
        self.count = len(entries)
        self.members = [_members(entries, domain) for domain in DOMAINS]
        self.shares = np.array([DOMAIN_SHARES[d] for d in DOMAINS])

    def draw(self, size: int, rng: np.random.Generator) -> Task:
        """A task of at most ``size`` pictures to judge by, as many of each class if it has them."""
        members = self.members[rng.choice(len(DOMAINS), p=self.shares)]
        wanted = int(rng.choice(CLASSES))
        words, own = self._classes(members, wanted, rng)
        each, shots = size // len(words), int(rng.choice(SHOTS))
        query: list[tuple[int, int]] = []
        support: list[tuple[int, int]] = []
        for label, word in enumerate(words):
            taken = rng.permutation(own[word]).tolist()
            judged = min(each, max(1, round(QUERY_SHARE * len(taken))))
            query += [(row, label) for row in taken[:judged]]
            support += [(row, label) for row in taken[judged : judged + shots]]
        (rows, labels), (tuned_on, theirs) = np.array(query).T, np.array(support).T
        renamed = bool(rng.random() < RENAMED)
        if renamed:
            others = rng.choice([name for name in members if name not in own], len(words), replace=False)
            words = [str(o) if i % 2 else w for i, (w, o) in enumerate(zip(words, others, strict=True))]
        return Task(rows, labels, tuned_on, theirs, words, renamed)

    def _classes(
        self, members: dict[str, np.ndarray], wanted: int, rng: np.random.Generator
    ) -> tuple[list[str], dict[str, np.ndarray]]:
        """Words that share few pictures, and the pictures that are of one of them only."""
        names = list(members)
        shares = np.sqrt([len(members[n]) for n in names])
        candidates = rng.choice(
            len(names), min(6 * wanted, len(names)), replace=False, p=shares / shares.sum()
        )
        owners, chosen = np.zeros(self.count, np.int64), []
        for name in (names[c] for c in candidates):
            rows = members[name]
            if (owners[rows] > 0).mean() <= OVERLAP:
                owners[rows] += 1
                chosen.append(name)
            if len(chosen) == wanted:
                break
        own = {name: members[name][owners[members[name]] == 1] for name in chosen}
        own = {name: rows for name, rows in own.items() if len(rows) >= 2}
        return list(own), own


def _members(entries: Sequence[dict], domain: str) -> dict[str, np.ndarray]:
    """Pool rows of every word of a domain that is neither rare nor said of too much."""
    rows: dict[str, list[int]] = defaultdict(list)
    in_domain = [i for i, e in enumerate(entries) if e["domain"] == domain]
    for i in in_domain:
        e = entries[i]
        for word in {e["name"], *e["tags"], *e["kinds"][:KINDS]}:
            rows[word].append(i)
    most = MOST_SHARE * len(in_domain)
    return {w: np.array(r) for w, r in sorted(rows.items()) if LEAST <= len(r) <= most}
