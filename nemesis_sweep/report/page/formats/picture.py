"""A figure as SVG and PNG, and as SVG within a page."""

from __future__ import annotations

import base64
import io
import re
import warnings
from pathlib import Path

from markupsafe import Markup

from nemesis_sweep.report.page.formats.svg import compact
from nemesis_sweep.report.page.pieces import Picture
from nemesis_sweep.report.page.style import DPI, INK, PAPER

QUALITY = 82
PNG_IMAGE = re.compile(r"data:image/png;base64,\s*([A-Za-z0-9+/=\s]+)")


def write_picture(picture: Picture, folder: Path) -> Markup:
    """Write `NAME.svg` and `NAME.png` and return the SVG for a page, in the page's own colours.

    Both files hold title and caption, for who has them without the page. The same picture is the same file,
    byte for byte.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    figure, text = picture.figure, io.StringIO()
    told = {"Title": picture.title, "Description": picture.caption, "Software": None}
    with warnings.catch_warnings():
        # A letter that the font lacks is a box in the PNG; in the SVG the browser's fonts have it.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from")
        # Each format is drawn by its own canvas: `savefig` would draw everything twice.
        figure.set_dpi(DPI)
        figure.set_facecolor("white")
        FigureCanvasAgg(figure).print_png(folder / f"{picture.name}.png", metadata=told)
        # Now everything is where it belongs: laid out once.
        figure.set_layout_engine("none")
        figure.set_facecolor("none")
        # Names within a page's pictures are to differ, and to be the same every time.
        with matplotlib.rc_context({"svg.hashsalt": picture.name}):
            FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None, "Creator": None})
    svg = PNG_IMAGE.sub(_as_jpeg, text.getvalue()) if picture.photos else text.getvalue()
    svg = compact(svg, picture.name)
    (folder / f"{picture.name}.svg").write_text(_described(svg, picture), encoding="utf-8")
    return Markup(svg[svg.index("<svg") :].replace(INK, "currentColor").replace(PAPER, "var(--paper)"))


def _described(svg: str, picture: Picture) -> str:
    """The SVG with the elements by which it is read aloud."""
    root = svg.index(">", svg.index("<svg")) + 1
    told = Markup("<title>{}</title><desc>{}</desc>").format(picture.title, picture.caption)
    return f"{svg[:root]}{told}{svg[root:]}"


def _as_jpeg(found: re.Match[str]) -> str:
    """An image within an SVG as a JPEG, a fifth of its size."""
    from PIL import Image

    image = Image.open(io.BytesIO(base64.b64decode(found.group(1)))).convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
