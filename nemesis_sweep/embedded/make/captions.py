"""Gather the pretraining pool: every picture that may be pretrained on, with its name and keywords.

``python -m nemesis_sweep.embedded.make.captions SOURCES WORK``

Pictures: all icons but those of the unseen vendors, and clip art outside every group that has a val or test
picture.  Names are the icons' own names or the clip art's titles; keywords come from emojibase (by emoji
name), from the icon sets' own categories and from the clip art's metadata.  No caption of a picture of a
benchmark's training split holds the name of its class.  Writes ``WORK/pool.npy`` and ``WORK/pool.json``.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tarfile
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from nemesis_sweep.embedded.make.emoji_classes import OF_SUBGROUP, without_class
from nemesis_sweep.embedded.make.icons import EMOJI_SETS, SETS, UNSEEN, tidy_name
from nemesis_sweep.embedded.make.labels import label
from nemesis_sweep.embedded.make.openclipart import THEMES, Clip

EMOJIBASE = "emojibase-data-17.0.0.tgz"
GROUP_MOST = 16  # pictures of one near-duplicate group or series
WEIGHTS = {"openclipart": 2.0, "theme": 0.4, "mdi": 0.5, "game-icons": 0.5, "icon-park": 0.7}
DIGITS = dict(zip("0123456789", "zero one two three four five six seven eight nine".split(), strict=True))
NOISE = re.compile(
    r"^(hash|icons?|theme|unsorted|lemon theme icon|application|action|filesystem|mimetypes|mime types|clip ?art|"
    r"openclipart|svg|signs and symbols|mapsym|musicstuff|image|unknown|.*architetto.*|.*@.*)$"
)
ORDINALS = re.compile(r"\b(one|two|three|four|five|six|\d+)$")
ONE_WAY = re.compile(r"left|right|arrow|clock|letter|number|numeric|digit|east|west|button|flag|text|\d|one|two|three|four|five")


@dataclass
class Entry:
    source: str
    name: str
    tags: list[str] = field(default_factory=list)
    one_colour: bool = False
    mirror: bool = True
    weight: float = 1.0


def read_json(archive: Path, member: str) -> dict | list:
    with tarfile.open(archive) as tar:
        file = tar.extractfile(f"package/{member}")
        if file is None:
            raise FileNotFoundError(f"{archive} has no {member}")
        return json.load(file)


def squeeze(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def read_emoji(sources: Path) -> dict[str, dict]:
    """Emoji by squeezed name: label, tags and benchmark class (empty if none)."""
    subgroups = read_json(sources / EMOJIBASE, "meta/groups.json")["subgroups"]  # type: ignore[call-overload]
    emoji = {}
    for e in read_json(sources / EMOJIBASE, "en/data.json"):
        kind = OF_SUBGROUP.get(subgroups.get(str(e.get("subgroup")), ""), "")
        emoji[squeeze(e["label"])] = {"label": tidy_name(e["label"]), "tags": e.get("tags", []), "class": kind}
    return emoji


def icon_entries(sources: Path, work: Path) -> list[tuple[int, Entry]]:
    """(picture number, entry) of every icon outside the unseen vendors."""
    emoji, categories = read_emoji(sources), {}
    for icon_set, (version, _) in SETS.items():
        metadata = read_json(sources / f"iconify-json-{icon_set}-{version}.tgz", "metadata.json")
        of_icon = defaultdict(list)
        for category, names in metadata.get("categories", {}).items():  # type: ignore[union-attr]
            for name in names:
                of_icon[name].append(" ".join(re.sub(r"([a-z])([A-Z])", r"\1 \2", category).lower().split(" / ")))
        categories[icon_set] = of_icon
    entries = []
    for i, icon in enumerate(json.loads((work / "icons.json").read_text())):
        if icon["set"] in UNSEEN:
            continue
        name = tidy_name(icon["name"])
        if icon["set"] not in EMOJI_SETS:
            name = ORDINALS.sub("", name).strip() or name
        match = emoji.get(squeeze(name))
        if match is None and icon["set"] == "fxemoji":
            continue  # its names are run together; without a match there is no caption
        entry = Entry(f"{icon['set']}:{icon['name']}", name, one_colour=icon["one_colour"])
        entry.weight = WEIGHTS.get(icon["set"], 1.0)
        if match:
            entry.tags += match["tags"]
            entry.name = match["label"]
        if icon["set"] not in EMOJI_SETS:
            entry.tags += categories[icon["set"]][icon["name"]]
        elif match and match["class"]:
            strip(entry, match["class"])
        entry.tags += [DIGITS[w] for w in name.split() if w in DIGITS]
        finish(entry)
        if entry.name:
            entries.append((i, entry))
    return entries


def strip(entry: Entry, name: str) -> None:
    """Take the name of the picture's benchmark class out of its caption."""
    entry.name = without_class(entry.name, name)
    entry.tags = [without_class(t, name) for t in entry.tags]


def finish(entry: Entry) -> None:
    entry.tags = list(dict.fromkeys(t for t in map(tidy_name, entry.tags) if t and t != entry.name))
    if not entry.name and entry.tags:
        entry.name = entry.tags.pop(0)
    entry.mirror = not ONE_WAY.search(entry.name)


def clean_title(clip: Clip, common: set[str]) -> str:
    """The title without its author; the file's name where the title is shared by many or empty."""
    authors = clip.author.split()

    def own(words: str) -> str:
        kept = [w for w in words.split() if not any(a.startswith(w) and len(w) > 1 for a in authors)]
        return " ".join(w for w in kept if not re.fullmatch(r"\d+|[a-z]|svg|r\d*|clipart|by|bw|clip|art|aj|mo", w))

    title = own(re.sub(r"^clipart by \w+ \w+", "", clip.title))
    if clip.title in common or not title:
        title = own(re.sub(r"[^a-z]+", " ", clip.stem.lower()))
    return title


def clip_entries(work: Path) -> list[tuple[int, Entry]]:
    """(picture number, entry) of the clip art that no val or test picture is related to."""
    clips = [Clip(**r) for r in json.loads((work / "openclipart.json").read_text())]
    benchmark = json.loads((work / "clipart.json").read_text())
    held_out = {r["group"] for r in benchmark if r["split"] != "train"}
    classes = {r["class"] for r in benchmark}
    times = Counter(c.title for c in clips)
    common = {t for t, n in times.items() if n > 6}
    numbers = [i for i, c in enumerate(clips) if c.group not in held_out]
    random.Random(0).shuffle(numbers)
    entries, in_group = [], Counter()
    for i in numbers:
        clip, theme = clips[i], clips[i].folder.startswith(THEMES)
        if in_group[clip.group] >= GROUP_MOST and not label(clip):
            continue
        in_group[clip.group] += 1
        entry = Entry(f"openclipart:{clip.path}", clean_title(clip, common))
        entry.weight = WEIGHTS["theme" if theme else "openclipart"]
        if not theme:
            entry.tags = [k for k in clip.keywords if not NOISE.match(k) and k != clip.author]
        if (name := label(clip)) in classes:
            strip(entry, name)
        finish(entry)
        if entry.name:
            entries.append((i, entry))
    return sorted(entries)


def main(sources: Path, work: Path) -> None:
    icons, clips = icon_entries(sources, work), clip_entries(work)
    pictures = np.concatenate(
        [
            np.load(work / "icons.npy")[[i for i, _ in icons]],
            np.load(work / "openclipart.npy")[[i for i, _ in clips]],
        ]
    )
    np.save(work / "pool.npy", pictures)
    entries = [e for _, e in icons + clips]
    (work / "pool.json").write_text(json.dumps([asdict(e) for e in entries]))
    print(f"{len(icons)} icons, {len(clips)} clip art pictures, {len({e.name for e in entries})} names")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
