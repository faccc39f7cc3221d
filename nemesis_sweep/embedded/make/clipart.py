"""Split the labelled clip art into the benchmark's train, val and test, and write its Parquet file.

``python -m nemesis_sweep.embedded.make.clipart WORK [OUTPUT]``

Whole groups (near-duplicates and numbered series over all of Open Clip Art, see ``groups``) go to one side,
so no val or test picture has a relative in train; ``WORK/clipart.json`` records the side of every group, and
``captions`` keeps every relative of a val or test picture, labelled or not, out of pretraining.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from nemesis_sweep.embedded.make.groups import near_duplicates, thumbnails
from nemesis_sweep.embedded.make.icons import UNSEEN
from nemesis_sweep.embedded.make.labels import label
from nemesis_sweep.embedded.make.openclipart import Clip
from nemesis_sweep.embedded.make.parquet import Item, shrink, write_parquet
from nemesis_sweep.embedded.make.rejected import REJECTED
from nemesis_sweep.embedded.make.rules import RULES

SEED = 20261122
TRAIN_LEAST, VAL_LEAST, TEST_LEAST = 16, 5, 6
TRAIN_MOST, VAL_MOST, TEST_MOST = 48, 8, 40
LARGE = 10  # a group of this size or more would dominate a test class: it stays in train
DROPPED = (
    "boat",
    "airplane",
    "fish",
    "furniture",
    "vegetable",
    "toy",
    "weapon",
    "bread",
    "book",
    "balloon",
)  # too few pictures after removing repeats
# Split like the others, so that the split of the others stays, but not written: one series and little else
# (smiley face), no thing that one could name (pattern), many things under one name, or three test pictures
# (speech bubble).
NOT_KEPT = ("smiley face", "pattern", "weather", "body part", "map", "speech bubble")
# Split as two and written as one: a hat is clothing, a computer is electronics.
MERGED = {"hat": "clothing", "computer": "electronics"}
# Names as people caption such things, where that is not the rule's own name; chosen on train and val.
SHOWN = {
    "stick figure": "stick man",
    "car": "vehicle",
    "meal": "dish",
    "drink": "beverage",
    "stationery": "office tool",
    "electronics": "electronic equipment",
    "mammal": "animal",
}


def read_clips(work: Path) -> tuple[list[Clip], np.ndarray]:
    clips = [Clip(**record) for record in json.loads((work / "openclipart.json").read_text(encoding="utf-8"))]
    return clips, np.load(work / "openclipart.npy")


def labelled(clips: list[Clip], pictures: np.ndarray) -> dict[str, list[int]]:
    """Picture numbers of each class, exact repeats left out."""
    members: dict[str, list[int]] = defaultdict(list)
    seen: set[bytes] = set()
    for i, clip in enumerate(clips):
        name, key = label(clip), pictures[i].tobytes()
        if name and name not in DROPPED and key not in seen:
            seen.add(key)
            members[name].append(i)
    return {name: members[name] for name in RULES if name in members}


def sides(clips: list[Clip], members: dict[str, list[int]]) -> dict[int, str]:
    """The side (train, val or test) of every group with a labelled picture."""
    classes: dict[int, Counter[str]] = defaultdict(Counter)
    for name, numbers in members.items():
        for i in numbers:
            classes[clips[i].group][name] += 1
    side = {g: "train" for g, c in classes.items() if len(c) > 1 or c.total() >= LARGE}
    rng = random.Random(SEED)
    for name, numbers in members.items():
        groups = sorted({clips[i].group for i in numbers} - side.keys())
        rng.shuffle(groups)
        left = len(numbers) - TRAIN_LEAST
        val = max(VAL_LEAST, min(VAL_MOST, left // 4))
        test = max(TEST_LEAST, min(TEST_MOST, left - val, round(0.45 * len(numbers))))
        taken: Counter[str] = Counter()
        for group in groups:
            size = classes[group][name]
            goal = next((s for s, most in (("val", val), ("test", test)) if taken[s] + size <= most), "train")
            side[group] = goal
            taken[goal] += size
    return side


def choose(clips: list[Clip], pictures: np.ndarray) -> list[tuple[int, str, str]]:
    """(picture number, class, side) of every benchmark picture, at most TRAIN_MOST of a class in train."""
    members = labelled(clips, pictures)
    side = sides(clips, members)
    rng = random.Random(SEED)
    chosen = []
    for name, numbers in members.items():
        train = [i for i in numbers if side[clips[i].group] == "train"]
        kept = set(rng.sample(train, min(TRAIN_MOST, len(train))))
        chosen += [
            (i, name, side[clips[i].group]) for i in numbers if side[clips[i].group] != "train" or i in kept
        ]
    return chosen


def top_up(clips: list[Clip], chosen: list[tuple[int, str, str]]) -> list[tuple[int, str, str]]:
    """Make up for rejected train and val pictures with whole groups from test, the smallest first.

    A test group has no relative anywhere else, in pretraining neither, so it may move to either side.
    """
    moved: dict[int, str] = {}
    for name in dict.fromkeys(name for _, name, _ in chosen):
        counts = Counter(part for _, n, part in chosen if n == name)
        sizes = Counter(clips[i].group for i, n, part in chosen if n == name and part == "test")
        spare = sorted(sizes, key=lambda g: (sizes[g], g))
        for part, least in (("train", TRAIN_LEAST), ("val", 4)):
            while counts[part] < least and spare:
                group = spare.pop(0)
                moved[group] = part
                counts[part] += sizes[group]
    return [(i, name, moved.get(clips[i].group, part)) for i, name, part in chosen]


def without_relatives(
    pictures: np.ndarray, chosen: list[tuple[int, str, str]], icons: np.ndarray
) -> list[tuple[int, str, str]]:
    """Leave out test and val pictures that, as stored, are near-duplicates of train pictures or icons.

    Groups were made from larger pictures, and icons are not in them.
    """
    thumbs = thumbnails(np.stack([shrink(pictures[i]) for i, _, _ in chosen]))
    drawn = thumbnails(icons)
    part = np.array([split for _, _, split in chosen])
    left_out: set[int] = set()
    for held_out, others in (("test", ("train", "val")), ("val", ("train",))):
        here, there = np.flatnonzero(part == held_out), np.flatnonzero(np.isin(part, others))
        for relatives in (thumbs[there], drawn):
            left_out |= {int(here[row]) for row, _ in near_duplicates(thumbs[here], relatives)}
    print(f"{len(left_out)} test and val pictures nearly repeat a train picture or an icon and are left out")
    return [c for row, c in enumerate(chosen) if row not in left_out]


def main(work: Path, output: Path | None = None) -> None:
    clips, pictures = read_clips(work)
    chosen = choose(clips, pictures)
    record = [
        {"path": clips[i].path, "group": clips[i].group, "class": name, "split": split}
        for i, name, split in chosen
    ]
    (work / "clipart.json").write_text(json.dumps(record), encoding="utf-8")
    chosen = [c for c in chosen if clips[c[0]].path not in REJECTED and c[1] not in NOT_KEPT]
    seen = [i["set"] not in UNSEEN for i in json.loads((work / "icons.json").read_text(encoding="utf-8"))]
    icons = np.load(work / "icons.npy", mmap_mode="r")[np.array(seen)]
    chosen = without_relatives(pictures, top_up(clips, chosen), icons)
    chosen = [(i, MERGED.get(name, name), split) for i, name, split in chosen]
    names = list(dict.fromkeys(name for _, name, _ in chosen))
    for name in names:
        counts = Counter(split for _, n, split in chosen if n == name)
        print(f"{name:20s} {counts['train']:4d} {counts['val']:4d} {counts['test']:4d}")
    print(Counter(split for _, _, split in chosen))
    if output:
        write(output, clips, pictures, chosen, names)


def write(
    output: Path,
    clips: list[Clip],
    pictures: np.ndarray,
    chosen: list[tuple[int, str, str]],
    names: list[str],
) -> None:
    """Write ``clipart.parquet``, and the same in ink as ``clipart_ink.parquet``."""
    for name, drawn, described in (
        ("clipart", np.asarray, "Clip art of everyday things, Open Clip Art 0.18"),
        ("clipart_ink", ink, "The pictures of clipart in black ink on white: another style, the same things"),
    ):
        items = [
            Item(drawn(pictures[i]), names.index(n), split, f"openclipart:{clips[i].path}")
            for i, n, split in chosen
        ]
        write_parquet(
            output / f"{name}.parquet",
            items,
            classnames=[SHOWN.get(n, n) for n in names],
            template="a picture of a {}.",
            description=described,
            license="public domain",
        )


def ink(picture: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) uint8 in black and white, as a stencil is cut: Otsu's threshold on its grey."""
    grey = shrink(picture) @ np.array([0.299, 0.587, 0.114])
    counts = np.bincount(grey.astype(np.int64).ravel(), minlength=256)
    below, levels = np.cumsum(counts), np.arange(256)
    mass = np.cumsum(counts * levels)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = (mass[-1] * below / below[-1] - mass) ** 2 / (below * (below[-1] - below))
    black = grey.astype(np.int64) <= int(np.nanargmax(apart))
    return np.repeat(np.where(black, 0, 255).astype(np.uint8)[:, :, None], 3, 2)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
