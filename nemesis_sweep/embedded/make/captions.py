"""Gather the pretraining pool: every picture that may be pretrained on, with its name and keywords.

``python -m nemesis_sweep.embedded.make.captions SOURCES WORK``

Pictures: all icons but those of the unseen vendors, and clip art outside every group that has a val or test
picture; no picture of a benchmark, of whatever split.  Names are the icons' own names or the clip art's
titles; keywords come from emojibase (by emoji name, or by a word of an icon's name), from the icon sets' own
categories, from the clip art's metadata and, what a thing is a kind of, from WordNet by the name's noun.
Writes ``WORK/pool.npy`` and ``WORK/pool.json``.
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
from typing import Any

import numpy as np

from nemesis_sweep.embedded.make.emoji_classes import OF_SUBGROUP
from nemesis_sweep.embedded.make.icons import EMOJI_SETS, SETS, UNSEEN, tidy_name
from nemesis_sweep.embedded.make.labels import label
from nemesis_sweep.embedded.make.openclipart import THEMES, Clip
from nemesis_sweep.embedded.make.wordnet import WordNet

EMOJIBASE = "emojibase-data-17.0.0.tgz"
GROUP_MOST = 16  # pictures of one near-duplicate group or series
WEIGHTS = {
    "openclipart": 2.0,
    "theme": 0.4,
    "mdi": 0.4,
    "game-icons": 0.5,
    "icon-park": 0.6,
    "tabler": 0.12,
    "lucide": 0.12,
    "lucide-lab": 0.4,
    "hugeicons": 0.12,
    "healthicons": 0.15,
    "maki": 0.3,
    "solar": 0.15,
    "mingcute": 0.15,
    "streamline-plump": 0.4,
}
VAGUE = frozenset(
    ("back", "end", "top", "new", "free", "cool", "soon", "person", "man", "woman", "up", "ring")
)
DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DIGITS = {str(digit): word for digit, word in enumerate(DIGIT_WORDS)}
NOISE = re.compile(
    r"^(hash|icons?|theme|unsorted|lemon theme icon|application|action|filesystem|"
    r"mimetypes|mime types|clip ?art|openclipart|svg|signs and symbols|mapsym|musicstuff|image|"
    r"unknown|.*architetto.*|.*@.*)$"
)
STYLE_WORDS = re.compile(r" (bold duotone|fill)$")
ORDINALS = re.compile(r"\b(one|two|three|four|five|six|\d+)$")
ONE_WAY = re.compile(
    r"left|right|arrow|clock|letter|number|numeric|digit|east|west|button|flag|text|\d|"
    r"one|two|three|four|five"
)


@dataclass
class Entry:
    source: str
    name: str
    domain: str  # emoji, clip art, colour icon or plain icon
    tags: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)  # what it is a kind of, the nearest first
    one_colour: bool = False
    mirror: bool = True
    weight: float = 1.0


def read_json(archive: Path, member: str) -> Any:
    with tarfile.open(archive) as tar:
        file = tar.extractfile(f"package/{member}")
        if file is None:
            raise FileNotFoundError(f"{archive} has no {member}")
        return json.load(file)


def squeeze(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def read_emoji(sources: Path) -> dict[str, dict]:
    """Emoji by squeezed name: label, tags and benchmark class (empty if none)."""
    subgroups = read_json(sources / EMOJIBASE, "meta/groups.json")["subgroups"]
    emoji = {}
    for e in read_json(sources / EMOJIBASE, "en/data.json"):
        kind = OF_SUBGROUP.get(subgroups.get(str(e.get("subgroup")), ""), "")
        emoji[squeeze(e["label"])] = {
            "label": tidy_name(e["label"]),
            "tags": e.get("tags", []),
            "class": kind,
        }
    return emoji


def read_categories(sources: Path, icon_set: str) -> dict[str, list[str]]:
    """The categories of each icon of a set, as its ``metadata.json`` has them, if it has one."""
    try:
        metadata = read_json(sources / f"iconify-json-{icon_set}-{SETS[icon_set][0]}.tgz", "metadata.json")
    except KeyError:
        return {}
    of_icon: dict[str, list[str]] = defaultdict(list)
    for category, names in metadata.get("categories", {}).items():
        words = " ".join(re.sub(r"([a-z])([A-Z])", r"\1 \2", category).lower().split(" / "))
        for name in names:
            of_icon[name].append(words)
    return of_icon


def word_tags(name: str, emoji: dict[str, dict]) -> list[str]:
    """Keywords of the emoji that a word of an icon's name names: ``orange slice`` has those of ``orange``."""
    words = [w for w in name.split() if len(w) > 2 and w in emoji and w not in VAGUE]
    return [tag for w in words[-1:] for tag in (w, *emoji[w]["tags"])]


def icon_entry(icon: dict, emoji: dict[str, dict], categories: dict[str, list[str]]) -> Entry | None:
    """Name and keywords of an icon; None if it has no usable name."""
    of_emoji = icon["set"] in EMOJI_SETS
    name = STYLE_WORDS.sub("", tidy_name(icon["name"])).strip()
    if not of_emoji:
        name = ORDINALS.sub("", name).strip() or name
    match = emoji.get(squeeze(name))
    if match is None and icon["set"] == "fxemoji":
        return None  # its names are run together; without a match there is no caption
    domain = "emoji" if of_emoji else "plain icon" if icon["one_colour"] else "colour icon"
    entry = Entry(f"{icon['set']}:{icon['name']}", name, domain, one_colour=icon["one_colour"])
    entry.weight = WEIGHTS.get(icon["set"], 1.0)
    if match:
        entry.tags += match["tags"]
        entry.name = match["label"]
    if not of_emoji:
        entry.tags += categories.get(icon["name"], []) + ([] if match else word_tags(name, emoji))
    entry.tags += [DIGITS[w] for w in name.split() if w in DIGITS]
    return entry if entry.name else None


def icon_entries(sources: Path, work: Path) -> list[tuple[int, Entry]]:
    """(picture number, entry) of every icon outside the unseen vendors and the benchmark."""
    emoji = read_emoji(sources)
    benchmark = {r["source"] for r in json.loads((work / "emoji.json").read_text(encoding="utf-8"))}
    categories = {icon_set: read_categories(sources, icon_set) for icon_set in SETS}
    entries = []
    for i, icon in enumerate(json.loads((work / "icons.json").read_text(encoding="utf-8"))):
        if icon["set"] not in UNSEEN and f"{icon['set']}:{icon['name']}" not in benchmark:
            entry = icon_entry(icon, emoji, categories[icon["set"]])
            if entry:
                entries.append((i, entry))
    return entries


def finish(entry: Entry, wordnet: WordNet) -> None:
    """Tidy the keywords and add the kinds of the thing."""
    entry.tags = list(dict.fromkeys(t for t in map(tidy_name, entry.tags) if t and t != entry.name))
    if not entry.name and entry.tags:
        entry.name = entry.tags.pop(0)
    entry.kinds = wordnet.kinds(entry.name)
    entry.mirror = not ONE_WAY.search(entry.name)


def clean_title(clip: Clip, common: set[str]) -> str:
    """The title without its author; the file's name where the title is shared by many or empty."""
    authors = clip.author.split()

    def own(words: str) -> str:
        kept = [w for w in words.split() if not any(a.startswith(w) and len(w) > 1 for a in authors)]
        return " ".join(
            w for w in kept if not re.fullmatch(r"\d+|[a-z]|svg|r\d*|clipart|by|bw|clip|art|aj|mo", w)
        )

    title = own(re.sub(r"^clipart by \w+ \w+", "", clip.title))
    if clip.title in common or not title:
        title = own(re.sub(r"[^a-z]+", " ", clip.stem.lower()))
    return title


def clip_entries(work: Path) -> list[tuple[int, Entry]]:
    """(picture number, entry) of the clip art outside the benchmark and the relatives of val and test."""
    clips = [Clip(**r) for r in json.loads((work / "openclipart.json").read_text(encoding="utf-8"))]
    benchmark = json.loads((work / "clipart.json").read_text(encoding="utf-8"))
    held_out = {r["group"] for r in benchmark if r["split"] != "train"}
    in_benchmark = {r["path"] for r in benchmark}
    times = Counter(c.title for c in clips)
    common = {t for t, n in times.items() if n > 6}
    numbers = [i for i, c in enumerate(clips) if c.group not in held_out and c.path not in in_benchmark]
    random.Random(0).shuffle(numbers)
    in_group: Counter[int] = Counter()
    entries = []
    for i in numbers:
        clip, theme = clips[i], clips[i].folder.startswith(THEMES)
        if in_group[clip.group] >= GROUP_MOST and not label(clip):
            continue
        in_group[clip.group] += 1
        entry = Entry(f"openclipart:{clip.path}", clean_title(clip, common), "clip art")
        entry.weight = WEIGHTS["theme" if theme else "openclipart"]
        if not theme:
            entry.tags = [k for k in clip.keywords if not NOISE.match(k) and k != clip.author]
        entries.append((i, entry))
    return sorted(entries)


def main(sources: Path, work: Path) -> None:
    wordnet = WordNet(sources / "root/usr/share/wordnet")
    icons, clips = icon_entries(sources, work), clip_entries(work)
    for _, entry in icons + clips:
        finish(entry, wordnet)
    icons, clips = ([(i, e) for i, e in entries if e.name] for entries in (icons, clips))
    pictures = np.concatenate(
        [
            np.load(work / "icons.npy")[[i for i, _ in icons]],
            np.load(work / "openclipart.npy")[[i for i, _ in clips]],
        ]
    )
    np.save(work / "pool.npy", pictures)
    entries = [e for _, e in icons + clips]
    (work / "pool.json").write_text(json.dumps([asdict(e) for e in entries]), encoding="utf-8")
    print(f"{len(icons)} icons, {len(clips)} clip art pictures, {len({e.name for e in entries})} names")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
