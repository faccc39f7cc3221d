"""Make the emoji benchmark: Unicode sub-groups as classes, an unseen vendor as test set.

``python -m nemesis_sweep.embedded.make.emoji SOURCES WORK OUTPUT``

Train and val are pictures of five vendors, split by emoji (no emoji is in both); test is every picture of a
vendor whose style is in neither training nor pretraining, but for those that nearly repeat another vendor's.
Also writes ``WORK/emoji.json``, the record of what is in the benchmark.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from nemesis_sweep.embedded.make.captions import read_emoji, squeeze
from nemesis_sweep.embedded.make.emoji_classes import CLASSES, LEFT_OUT, SHOWN
from nemesis_sweep.embedded.make.groups import near_duplicates, thumbnails
from nemesis_sweep.embedded.make.parquet import Item, write_parquet

SEED = 20261122
VENDORS = ("noto", "noto-v1", "fxemoji", "twemoji", "emojione")
TEST_VENDOR = "fluent-emoji-flat"
TRAIN_MOST, VAL_MOST, TEST_MOST, TEST_LEAST = 40, 8, 48, 6
VAL_SHARE = 0.25  # of a class's emoji


def gather(sources: Path, work: Path) -> dict[str, dict[str, list[tuple[str, int]]]]:
    """Class -> emoji -> (icon set, picture number) of every picture of a benchmark vendor."""
    emoji = read_emoji(sources)
    found: dict[str, dict[str, list[tuple[str, int]]]] = {name: defaultdict(list) for name in CLASSES}
    for i, icon in enumerate(json.loads((work / "icons.json").read_text())):
        if icon["set"] in (*VENDORS, TEST_VENDOR):
            match = emoji.get(squeeze(icon["name"]))
            if match and match["class"]:
                found[match["class"]][match["label"]].append((icon["set"], i))
    return found


def repeated(pictures: np.ndarray, test: list[int], others: list[int]) -> set[int]:
    """Numbers of test pictures that nearly repeat one of the others (plain circles, arrows, clock faces)."""
    pairs = near_duplicates(thumbnails(pictures[test]), thumbnails(pictures[others]))
    return {test[i] for i, _ in pairs}


def split(
    found: dict[str, dict[str, list[tuple[str, int]]]], pictures: np.ndarray
) -> list[tuple[int, str, str]]:
    """(picture number, class, split); classes with too few test pictures are left out."""
    everything = [(s, i) for emoji in found.values() for numbers in emoji.values() for s, i in numbers]
    test = [i for s, i in everything if s == TEST_VENDOR]
    copies = repeated(pictures, test, [i for s, i in everything if s != TEST_VENDOR])
    print(f"{len(copies)} of {len(test)} test pictures nearly repeat another vendor's and are left out")
    rng, chosen = random.Random(SEED), []
    for name, emoji in found.items():
        labels = sorted(emoji)
        rng.shuffle(labels)
        for_val = labels[: round(VAL_SHARE * len(labels))]
        parts: dict[str, list[int]] = {"train": [], "val": [], "test": []}
        for label in labels:
            for vendor, i in emoji[label]:
                if vendor != TEST_VENDOR:
                    parts["val" if label in for_val else "train"].append(i)
                elif i not in copies:
                    parts["test"].append(i)
        if (
            name in LEFT_OUT
            or len(parts["test"]) < TEST_LEAST
            or len(parts["train"]) < 16
            or len(parts["val"]) < 4
        ):
            print(f"left out: {name} { ({k: len(v) for k, v in parts.items()}) }")
            continue
        for part, most in (("train", TRAIN_MOST), ("val", VAL_MOST), ("test", TEST_MOST)):
            kept = sorted(rng.sample(parts[part], min(most, len(parts[part]))))
            chosen += [(i, name, part) for i in kept]
    return chosen


def main(sources: Path, work: Path, output: Path) -> None:
    icons, pictures = json.loads((work / "icons.json").read_text()), np.load(work / "icons.npy")
    chosen = split(gather(sources, work), pictures)
    names = list(dict.fromkeys(name for _, name, _ in chosen))
    items = [
        Item(pictures[i], names.index(name), part, f"{icons[i]['set']}:{icons[i]['name']}")
        for i, name, part in chosen
    ]
    record = [{"source": item.source, "class": names[item.label], "split": item.split} for item in items]
    (work / "emoji.json").write_text(json.dumps(record))
    for name in names:
        counts = Counter(part for _, n, part in chosen if n == name)
        print(f"{name:20s} {counts['train']:4d} {counts['val']:4d} {counts['test']:4d}")
    print(len(names), Counter(part for _, _, part in chosen))
    write_parquet(
        output / "emoji.parquet",
        items,
        classnames=[SHOWN.get(name, name) for name in names],
        template="a picture of a {}.",
        description="Emoji of five vendors by Unicode sub-group; the test vendor, Fluent Flat, is unseen",
        license="Apache-2.0 (noto, noto-v1, fxemoji), CC-BY-4.0 (twemoji, emojione), MIT (fluent-emoji-flat)",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
