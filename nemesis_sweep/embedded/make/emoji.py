"""Make the emoji benchmark: Unicode sub-groups as classes, an unseen vendor as test set.

``python -m nemesis_sweep.embedded.make.emoji SOURCES WORK OUTPUT``

Train and val are pictures of three vendors, split by emoji (no emoji is in both); test is every picture of a
vendor whose style is in neither training nor pretraining, but for those that nearly repeat another vendor's.
``emoji_streamline.parquet`` holds the classes that another unseen vendor draws: the same train and val, and
that vendor's pictures as test.  Also writes ``WORK/emoji.json``, the record of what may not be pretrained on.
"""

from __future__ import annotations

import json
import random
import re
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
TRAIN_VENDORS = ("noto-v1", "twemoji", "emojione")  # the other two are pretrained on
TEST_VENDOR, SECOND_VENDOR = "fluent-emoji-flat", "streamline-emojis"
MISTAKEN = ("turkey",)  # of the second vendor: a flag by the name of an emoji
SECOND_LEAST = 4  # test pictures of a class of the second vendor
LICENCES = {
    "noto-v1": "Apache-2.0",
    "twemoji": "CC-BY-4.0",
    "emojione": "CC-BY-4.0",
    "fluent-emoji-flat": "MIT",
    "streamline-emojis": "CC-BY-4.0",
}
NEVER_SPLIT = ("household item", "geometric shape")  # left out before the split was drawn
Choice = tuple[int, str, str]  # picture number, class, split
TRAIN_MOST, VAL_MOST, TEST_MOST, TEST_LEAST = 40, 8, 48, 6
VAL_LEAST = 4
VAL_SHARE = 0.25  # of a class's emoji


def gather(sources: Path, work: Path) -> dict[str, dict[str, list[tuple[str, int]]]]:
    """Class -> emoji -> (icon set, picture number) of every picture of a benchmark vendor."""
    emoji = read_emoji(sources)
    found: dict[str, dict[str, list[tuple[str, int]]]] = {name: defaultdict(list) for name in CLASSES}
    for i, icon in enumerate(json.loads((work / "icons.json").read_text(encoding="utf-8"))):
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
    vendor_of = {i: s for s, i in everything}
    label_of = {i: lb for emoji in found.values() for lb, numbers in emoji.items() for _, i in numbers}
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
            name in NEVER_SPLIT
            or len(parts["test"]) < TEST_LEAST
            or len(parts["train"]) < 16
            or len(parts["val"]) < VAL_LEAST
        ):
            print(f"left out: {name} { ({k: len(v) for k, v in parts.items()}) }")
            continue
        for part, most in (("train", TRAIN_MOST), ("val", VAL_MOST), ("test", TEST_MOST)):
            kept = sorted(rng.sample(parts[part], min(most, len(parts[part]))))
            chosen += [(i, name, part) for i in kept if vendor_of[i] in (*TRAIN_VENDORS, TEST_VENDOR)]
    return enough_val(chosen, label_of)


def enough_val(chosen: list[Choice], label_of: dict[int, str]) -> list[Choice]:
    """``chosen`` with whole emoji, the rarest first, moved from train to val where val has too few."""
    moved: set[tuple[str, str]] = set()
    for name in dict.fromkeys(name for _, name, _ in chosen):
        count = sum(n == name and part == "val" for _, n, part in chosen)
        spare = Counter(label_of[i] for i, n, part in chosen if n == name and part == "train")
        for label, number in sorted(spare.items(), key=lambda item: (item[1], item[0])):
            if count < VAL_LEAST:
                moved.add((name, label))
                count += number
    return [
        (i, name, "val" if part == "train" and (name, label_of[i]) in moved else part)
        for i, name, part in chosen
    ]


def second_vendor(
    sources: Path, icons: list[dict], pictures: np.ndarray, chosen: list[Choice]
) -> list[Choice]:
    """``chosen`` with the second vendor's pictures as test, of the classes that it draws often enough."""
    emoji, found = read_emoji(sources), defaultdict(list)
    for i, icon in enumerate(icons):
        if icon["set"] == SECOND_VENDOR and icon["name"] not in MISTAKEN:
            # This vendor numbers what it draws twice, "hamburger-3".
            match = emoji.get(squeeze(re.sub(r"-\d+$", "", icon["name"])))
            if match and match["class"] not in ("", *LEFT_OUT):
                found[match["class"]].append(i)
    others = [i for i, _, part in chosen if part != "test"]
    copies = repeated(pictures, [i for numbers in found.values() for i in numbers], others)
    rng, tested = random.Random(SEED), []
    for name, numbers in found.items():
        own = [i for i in numbers if i not in copies]
        if len(own) >= SECOND_LEAST:
            tested += [(i, name, "test") for i in sorted(rng.sample(own, min(TEST_MOST, len(own))))]
    drawn = {name for _, name, _ in tested}
    return [c for c in chosen if c[1] in drawn and c[2] != "test"] + tested


def write(
    path: Path, icons: list[dict], pictures: np.ndarray, chosen: list[Choice], test_vendor: str
) -> None:
    """Write one of the two Parquet files."""
    names = list(dict.fromkeys(name for _, name, _ in chosen))
    items = [
        Item(pictures[i], names.index(name), part, f"{icons[i]['set']}:{icons[i]['name']}")
        for i, name, part in chosen
    ]
    for name in names:
        counts = Counter(part for _, n, part in chosen if n == name)
        print(f"{name:20s} {counts['train']:4d} {counts['val']:4d} {counts['test']:4d}")
    print(path.stem, len(names), Counter(part for _, _, part in chosen))
    write_parquet(
        path,
        items,
        classnames=[SHOWN.get(name, name) for name in names],
        template="a picture of a {}.",
        description=f"Emoji of three vendors by Unicode sub-group; the test vendor, {test_vendor}, is unseen",
        license=", ".join(f"{LICENCES[vendor]} ({vendor})" for vendor in (*TRAIN_VENDORS, test_vendor)),
    )


def main(sources: Path, work: Path, output: Path) -> None:
    icons, pictures = (
        json.loads((work / "icons.json").read_text(encoding="utf-8")),
        np.load(work / "icons.npy"),
    )
    chosen = split(gather(sources, work), pictures)
    record = [
        {"source": f"{icons[i]['set']}:{icons[i]['name']}", "class": name, "split": part}
        for i, name, part in chosen
    ]
    (work / "emoji.json").write_text(json.dumps(record), encoding="utf-8")
    chosen = [c for c in chosen if c[1] not in LEFT_OUT]
    write(output / "emoji.parquet", icons, pictures, chosen, TEST_VENDOR)
    second = second_vendor(sources, icons, pictures, chosen)
    write(output / "emoji_streamline.parquet", icons, pictures, second, SECOND_VENDOR)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
