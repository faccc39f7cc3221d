"""Read Open Clip Art 0.18: pictures from the PNGs, titles, keywords and licences from the SVGs.

``python -m nemesis_sweep.embedded.make.openclipart ROOT WORK``

ROOT is the folder ``usr/share/openclipart`` of Debian's packages openclipart-png and openclipart-svg
(``apt-get download openclipart-png openclipart-svg``, then ``dpkg-deb -x``).  Only pictures whose SVG says
public domain, and nothing else, are read.  Writes ``WORK/openclipart.npy``, uint8 (N, 56, 56, 3) on white,
and ``WORK/openclipart.json``, one record per picture with its group (see ``groups``).
"""

from __future__ import annotations

import html
import json
import re
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from nemesis_sweep.embedded.make.groups import group_pictures
from nemesis_sweep.embedded.make.icons import SIZE

LICENCE = re.compile(r'<(?:cc:)?license\s+rdf:resource="([^"]*)"')
TITLE = re.compile(r"<dc:title>([^<]*)</dc:title>")
KEYWORD = re.compile(r"<rdf:li>([^<]*)</rdf:li>")
CREATOR = re.compile(r"<dc:creator>.*?<dc:title>([^<]*)</dc:title>", re.S)
MAX_PIXELS = 40_000_000
NEARLY_WHITE = 246
MARGIN = 0.03  # of the drawing, on each side
THEMES = ("computer/icons/flat-theme", "computer/icons/lemon-theme", "computer/icons/etiquette-theme")


@dataclass
class Clip:
    path: str  # below png/, without the suffix
    title: str
    author: str
    keywords: list[str] = field(default_factory=list)
    group: int = -1

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def stem(self) -> str:
        return self.path.rpartition("/")[2]


def tidy(text: str) -> str:
    """Words in lower case, anything but letters and digits a space."""
    return " ".join(re.sub(r"[^a-z0-9']+", " ", html.unescape(text).lower()).split())


def is_public_domain(svg: str) -> bool:
    """Whether every licence the SVG names is the public domain, and it names one."""
    licences = LICENCE.findall(svg)
    return bool(licences) and all("publicdomain" in name.lower().replace(" ", "") for name in licences)


def read_clip(root: Path, png: Path) -> Clip | None:
    """The record of one picture, or None if it is not tagged public domain."""
    relative = png.relative_to(root / "png").with_suffix("")
    svg = (
        (root / "svg" / relative)
        .with_name(relative.name + ".svg")
        .read_text(errors="replace", encoding="utf-8")
    )
    if not is_public_domain(svg):
        return None
    titles, creator = TITLE.findall(svg), CREATOR.search(svg)
    title = tidy(titles[0]) if titles else ""
    author = tidy(creator[1]) if creator else ""
    # Nicu Buculei's titles were copied from one drawing to the next; his file names are right.
    if str(relative).startswith(THEMES) or not title or "nicu" in author or "nicu" in title:
        title = tidy(relative.name)
    keywords = [k for k in dict.fromkeys(map(tidy, KEYWORD.findall(svg))) if k]
    return Clip(str(relative), title, author, keywords)


def trim(image: Image.Image) -> Image.Image:
    """The part of the page that is drawn on: many drawings sit in a corner of a white A4 page."""
    drawn = np.asarray(image).min(axis=2) < NEARLY_WHITE
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    if not len(rows):
        return image
    return image.crop((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))


def read_picture(png: Path) -> np.ndarray | None:
    """The PNG fitted into a square on white, uint8 (SIZE, SIZE, 3); None if it is of absurd size."""
    try:
        image: Image.Image = Image.open(png, formats=["PNG"])
    except Image.DecompressionBombError:
        return None
    if image.width * image.height > MAX_PIXELS:
        return None
    image = image.convert("RGBA")
    image.thumbnail((1024, 1024), Image.Resampling.BOX)
    paper = Image.new("RGBA", image.size, (255, 255, 255, 255))
    paper.alpha_composite(image)
    drawing = trim(paper.convert("RGB"))
    drawing.thumbnail((256, 256), Image.Resampling.BOX)
    side = round(max(drawing.size) * (1 + 2 * MARGIN))
    square = Image.new("RGB", (side, side), "white")
    square.paste(drawing, ((side - drawing.width) // 2, (side - drawing.height) // 2))
    return np.asarray(square.resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def main(root: Path, work: Path) -> None:
    clips, pictures = [], []
    for png in sorted((root / "png").rglob("*.png")):
        clip = read_clip(root, png)
        if clip is None:
            continue
        picture = read_picture(png)
        if picture is None or picture.std() < 4:  # blank, or white on white
            continue
        clips.append(clip)
        pictures.append(picture)
    stacked = np.stack(pictures)
    for clip, group in zip(clips, group_pictures(stacked, [c.stem for c in clips]), strict=True):
        clip.group = int(group)
    np.save(work / "openclipart.npy", stacked)
    (work / "openclipart.json").write_text(json.dumps([asdict(c) for c in clips]), encoding="utf-8")
    print(f"{len(clips)} pictures in {len({c.group for c in clips})} groups")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
