"""What a file is by its first bytes, whatever its name says."""

import re
from typing import Literal

HEAD = 512
"""Bytes of a file's beginning that tell what it is."""

RASTERS: dict[str, re.Pattern[bytes]] = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "GIF": re.compile(rb"GIF8[79]a"),
    "BMP": re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL),
    "PPM": re.compile(rb"P[1-7f][\s#]"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "TIFF": re.compile(rb"II[*+]\0|MM\0[*+]"),
    "JPEG2000": re.compile(rb"\xffO\xffQ|\0\0\0\x0cjP  \r\n\x87\n"),
    "ICO": re.compile(rb"\0\0\x01\0[^\0]\0"),
    "AVIF": re.compile(rb"....ftypavi[fs]", re.DOTALL),
    "QOI": re.compile(rb"qoif"),
}
"""Images that can be read here."""

OTHERS: dict[str, re.Pattern[bytes]] = {
    "HEIC": re.compile(rb"....ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL),
    "JPEG XL": re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "),
    "Photoshop": re.compile(rb"8BPS"),
    "EPS": re.compile(rb"%!PS|\xc5\xd0\xd3\xc6"),
    "PDF": re.compile(rb"%PDF"),
    "SVG": re.compile(rb"\s*<(?:svg|\?xml.*<svg|!--.*<svg|!DOCTYPE svg)", re.DOTALL | re.IGNORECASE),
    "WMF": re.compile(rb"\xd7\xcd\xc6\x9a"),
    "EMF": re.compile(rb"\x01\0\0\0.{36} EMF", re.DOTALL),
    "DDS": re.compile(rb"DDS "),
    "OpenEXR": re.compile(rb"v/1\x01"),
    "Radiance": re.compile(rb"#\?RADIANCE"),
    "DICOM": re.compile(rb".{128}DICM", re.DOTALL),
    "GIMP": re.compile(rb"gimp xcf"),
    "Git LFS pointer": re.compile(rb"version https://git-lfs"),
}
"""Images that cannot be read here, and what stands in a clone in place of one."""

Known = Literal["raster", "other", ""]


def signature(head: bytes) -> tuple[Known, str]:
    """Whether a file that begins so is an image that can be read, one that cannot, or neither; its kind."""
    for name, pattern in RASTERS.items():
        if pattern.match(head):
            return "raster", name
    for name, pattern in OTHERS.items():
        if pattern.match(head[:HEAD]):
            return "other", name
    return "", ""


def why_not(head: bytes) -> str:
    """Why a file that begins so is not opened."""
    if not head:
        return "empty"
    known, kind = signature(head[:HEAD])
    if kind == "Git LFS pointer":
        return "a Git LFS pointer in place of the image, which `git lfs pull` fetches"
    if known == "raster":
        return f"a damaged {kind}"
    return f"{kind}, which is not opened; PNG or JPEG is" if known == "other" else "not an image"
