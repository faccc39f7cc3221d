"""Render the permissive iconify sets to small pictures.

``python -m nemesis_sweep.embedded.make.icons SOURCES WORK``

SOURCES is a folder of the tarballs that ``npm pack @iconify-json/NAME@VERSION`` writes (one per row of
``SETS``).  Writes ``WORK/icons.npy``, uint8 (N, 56, 56, 3) on white, and ``WORK/icons.json``, one record per
picture with its set, its name and whether it is drawn in one colour.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = 56  # a little above the 48 pixels the model sees, so that random crops lose nothing

# Set, version, licence as the set's own info.json states it.  ``UNSEEN`` names those never pretrained on.
SETS = {
    "noto": ("1.2.9", "Apache-2.0"),
    "noto-v1": ("1.2.5", "Apache-2.0"),
    "fxemoji": ("1.2.2", "Apache-2.0"),
    "twemoji": ("1.2.5", "CC-BY-4.0"),
    "emojione": ("1.2.3", "CC-BY-4.0"),
    "flat-color-icons": ("1.2.3", "MIT"),
    "fluent-color": ("1.2.21", "MIT"),
    "icon-park": ("1.2.4", "Apache-2.0"),
    "streamline-ultimate-color": ("1.2.2", "CC-BY-4.0"),
    "streamline-freehand-color": ("1.2.2", "CC-BY-4.0"),
    "streamline-kameleon-color": ("1.2.2", "CC-BY-4.0"),
    "mdi": ("1.2.3", "Apache-2.0"),
    "game-icons": ("1.2.4", "CC-BY-3.0"),
    "meteocons": ("1.2.4", "MIT"),
    "tabler": ("1.2.41", "MIT"),
    "lucide": ("1.2.137", "ISC"),
    "lucide-lab": ("1.2.3", "ISC"),
    "hugeicons": ("1.2.35", "MIT"),
    "healthicons": ("1.2.13", "MIT"),
    "maki": ("1.2.5", "CC0-1.0"),
    "solar": ("1.2.13", "CC-BY-4.0"),
    "mingcute": ("1.2.8", "Apache-2.0"),
    "streamline-plump": ("1.2.0", "CC-BY-4.0"),
    "fluent-emoji-flat": ("1.2.6", "MIT"),
    "streamline-emojis": ("1.2.4", "CC-BY-4.0"),
    "fa7-solid": ("1.2.5", "CC-BY-4.0"),
    "ph": ("1.2.2", "MIT"),
}
UNSEEN = ("fluent-emoji-flat", "streamline-emojis", "fa7-solid", "ph")
ONE_COLOUR = (
    "mdi",
    "game-icons",
    "icon-park",
    "tabler",
    "lucide",
    "lucide-lab",
    "hugeicons",
    "healthicons",
    "maki",
    "solar",
    "mingcute",
    "streamline-plump",
    "fa7-solid",
    "ph",
)
# Of these sets one style of several is drawn: the names that end so, or the names without such an end.
STYLE = {
    "meteocons": re.compile(r"-fill$"),
    "solar": re.compile(r"-bold-duotone$"),
    "mingcute": re.compile(r"-fill$"),
    "ph": re.compile(r"-fill$"),
    "healthicons": re.compile(r"(?<!-outline)(?<!-24px)$"),
    "streamline-plump": re.compile(r"(?<!-solid)(?<!-remix)$"),
    "tabler": re.compile(r"(?<!-filled)$"),
}

VARIED = (
    "mdi",
    "tabler",
    "lucide",
    "hugeicons",
    "meteocons",
    "solar",
    "mingcute",
    "ph",
    "healthicons",
    "streamline-plump",
)

# Variants that repeat a picture with another skin, gender, size or outline.
REPEATED = re.compile(
    r"skin-tone|tone\d|-(light|dark)$|-(outline|off|variant|\d+|box|circle|duo|bold|alert|plus|minus|remove|"
    r"check|cancel|sync|lock|clock|edit|cog|star|heart|multiple|eye|key|search|refresh|arrow-\w+|settings)$"
)
EMOJI_REPEATED = re.compile(
    r"skin-tone|tone\d|^flag-|regional-indicator|^family-|^kiss-|^couple-|-facing-right$"
)
EMOJI_SETS = (
    "noto",
    "noto-v1",
    "fxemoji",
    "twemoji",
    "emojione",
    "fluent-emoji-flat",
    "streamline-emojis",
)


@dataclass(frozen=True)
class Icon:
    set: str
    name: str
    one_colour: bool


def tidy_name(name: str) -> str:
    """``red-apple`` as words in lower case."""
    return " ".join(re.sub(r"[^a-z0-9]+", " ", name.lower()).split())


def read_set(sources: Path, name: str) -> dict:
    """The ``icons.json`` of a set, from its tarball."""
    path = sources / f"iconify-json-{name}-{SETS[name][0]}.tgz"
    with tarfile.open(path) as archive:
        member = archive.extractfile("package/icons.json")
        if member is None:
            raise FileNotFoundError(f"{path} has no package/icons.json")
        return json.load(member)


def chosen_names(icon_set: str, icons: dict) -> Iterator[str]:
    """Names worth rendering, in the set's order: no skin tones, few variants of the same drawing."""
    if icon_set in EMOJI_SETS:
        yield from (n for n in icons if not EMOJI_REPEATED.search(n))
    elif icon_set == "fluent-color":
        largest: dict[str, int] = {}
        for name in icons:
            stem, _, size = name.rpartition("-")
            largest[stem] = max(largest.get(stem, 0), int(size))
        yield from (f"{stem}-{size}" for stem, size in largest.items())
    elif icon_set in VARIED:
        style = STYLE.get(icon_set, re.compile(""))
        yield from (n for n in icons if style.search(n) and not REPEATED.search(style.sub("", n)))
    else:
        yield from icons


def render(data: dict, name: str) -> np.ndarray:
    """One icon as uint8 (SIZE, SIZE, 3), fitted into the square on white."""
    import resvg_py

    icon = data["icons"][name]
    left, top = icon.get("left", 0), icon.get("top", 0)
    width = icon.get("width", data.get("width", 16))
    height = icon.get("height", data.get("height", 16))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" color="#000" '
        f'viewBox="{left} {top} {width} {height}" width="{SIZE}" height="{SIZE}">{icon["body"]}</svg>'
    )
    png = resvg_py.svg_to_bytes(
        svg_string=svg, width=SIZE, height=SIZE, background="#ffffff", skip_system_fonts=True
    )
    return np.asarray(Image.open(io.BytesIO(bytes(png)), formats=["PNG"]).convert("RGB").resize((SIZE, SIZE)))


def render_sets(sources: Path) -> tuple[np.ndarray, list[Icon]]:
    """All chosen icons of all sets; blank renders and exact repeats within a set are left out."""
    pictures, icons = [], []
    for icon_set in SETS:
        data, seen = read_set(sources, icon_set), set()
        for name in chosen_names(icon_set, data["icons"]):
            if "body" not in data["icons"][name]:
                continue
            picture = render(data, name)
            key = picture.tobytes()
            if picture.std() < 4 or key in seen:
                continue
            seen.add(key)
            pictures.append(picture)
            icons.append(Icon(icon_set, name, icon_set in ONE_COLOUR))
        print(f"{icon_set}: {len(seen)} pictures", flush=True)
    return np.stack(pictures), icons


def main(sources: Path, work: Path) -> None:
    work.mkdir(parents=True, exist_ok=True)
    pictures, icons = render_sets(sources)
    np.save(work / "icons.npy", pictures)
    (work / "icons.json").write_text(json.dumps([asdict(i) for i in icons]), encoding="utf-8")
    print(f"{len(icons)} icons", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
